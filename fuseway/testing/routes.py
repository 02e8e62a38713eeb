"""Ways from the query type to the objects of each type: by their ids where a root field takes these."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, get_named_type, is_required_argument

from resolvers.roots import Root, RootKind, roots_of

if TYPE_CHECKING:
    from loaders.model.model import Model

NESTED_ROWS = 50
"""Rows of a list that a way goes through."""
_ROOT = "root"


@dataclass(frozen=True, slots=True)
class Route:
    """A way to the objects of a type.

    `origin` is the object type whose ids the root field takes, empty where it takes none. `steps` are the fields from
    there on, with their arguments; `fields` are all fields on the way, as (type, field).
    """

    target: str
    root: Root
    origin: str
    steps: tuple[str, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()

    @property
    def takes_many(self) -> bool:
        """Whether one field takes many ids."""
        return self.root.is_list

    def query(self, text: str, ids: Sequence[str]) -> str:
        """Return the query of a selection of these objects, or of those that they lead to."""
        for step in reversed(self.steps):
            text = f"{step} {{ {text} }}"
        if not self.origin:
            return f"{{ {_ROOT}: {self.root.name}{_first(self.root)} {{ {text} }} }}"
        if self.root.kind is RootKind.NODE:
            text = f"__typename ... on {self.origin} {{ {text} }}"
            ids = [f"{self.origin}:{each}" for each in ids]
        texts = [f'"{each}"' for each in ids]
        if self.root.is_list:
            return f"{{ {_ROOT}: {self.root.name}({self.root.argument}: [{', '.join(texts)}]) {{ {text} }} }}"
        named = (f"r{place}: {self.root.name}({self.root.argument}: {each})" for place, each in enumerate(texts))
        return f"{{ {' '.join(f'{field} {{ {text} }}' for field in named)} }}"

    def answers(self, data: Mapping[str, Any] | None) -> list[Any]:
        """Return the answers for each id, in order; one where the root field takes none."""
        if not data:
            return []
        if self.origin and self.root.is_list:
            return list(data.get(_ROOT) or [])
        return list(data.values())


class Routes:
    """The ways to all object types that can be reached, the shortest of each."""

    def __init__(self, schema: GraphQLSchema, model: Model) -> None:
        self._schema = schema
        self._routes: dict[str, Route] = {}
        for route in sorted(_of_roots(model), key=_rank):
            self._routes.setdefault(route.target, self._through_page(route))
        self._extend()

    def to(self, object_type: str) -> Route | None:
        """Return the way to the objects of a type; None where there is none."""
        return self._routes.get(object_type)

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes.values())

    def _through_page(self, route: Route) -> Route:
        fields = ((self._schema.query_type.name if self._schema.query_type else "Query", route.root.name),)
        return replace(route, fields=fields, steps=("nodes",) if route.root.kind is RootKind.PAGE else ())

    def _extend(self) -> None:
        waiting = deque(self._routes)
        while waiting:
            route = self._routes[waiting.popleft()]
            for name, field in self._object(route.target).fields.items():
                target = _object_of(field)
                if target is not None and target.name not in self._routes and not _is_required(field):
                    steps = (*route.steps, *_steps(name, field))
                    fields = (*route.fields, (route.target, name))
                    self._routes[target.name] = replace(route, target=target.name, steps=steps, fields=fields)
                    waiting.append(target.name)

    def _object(self, name: str) -> GraphQLObjectType:
        declared = self._schema.get_type(name)
        if not isinstance(declared, GraphQLObjectType):
            raise TypeError(name)
        return declared


def _of_roots(model: Model) -> Iterator[Route]:
    for root in roots_of(model).values():
        if root.kind is RootKind.NODE:
            yield from (Route(name, root, name) for name in model.objects)
        elif root.kind is RootKind.KEY:
            yield Route(root.object_type, root, root.object_type)
        elif root.kind in (RootKind.CURRENT, RootKind.PAGE):
            yield Route(root.object_type, root, "")


def _rank(route: Route) -> tuple[bool, bool, bool]:
    return not route.origin, not route.root.is_list, route.root.kind is RootKind.NODE


def _first(root: Root) -> str:
    if root.kind is not RootKind.PAGE or root.section is None:
        return ""
    return f"(first: {min(NESTED_ROWS, root.section.max)})"


def _object_of(field: GraphQLField) -> GraphQLObjectType | None:
    """Return the object type that a field leads to, itself or by the nodes of a page."""
    declared = get_named_type(field.type)
    if isinstance(declared, GraphQLObjectType) and "nodes" in declared.fields:
        declared = get_named_type(declared.fields["nodes"].type)
    return declared if isinstance(declared, GraphQLObjectType) and declared.interfaces else None


def _steps(name: str, field: GraphQLField) -> Iterable[str]:
    declared = get_named_type(field.type)
    yield name
    if isinstance(declared, GraphQLObjectType) and "nodes" in declared.fields:
        yield "nodes"


def _is_required(field: GraphQLField) -> bool:
    return any(map(is_required_argument, field.args.values()))

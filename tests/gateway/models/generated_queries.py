"""Queries that are made from a schema: every field, with each of its arguments in turn, for ids and values once seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, product
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
)

_TOGETHER = 15
"""Variants of one field that are asked for in one query."""
_LITERALS: Mapping[str, tuple[str, ...]] = {"Boolean": ("true", "false"), "Int": ("1", "3")}
_CURSOR, _ORDER = "after", "orderBy"
"""An argument whose values are made for one list and order: it is tried on its own."""


@dataclass
class Seen:
    """The values of earlier answers, in order: ids by type, texts by type and field, and all values by field (`Member.email`)."""

    ids: defaultdict[str, dict[str, None]] = field(default_factory=lambda: defaultdict(dict))
    values: defaultdict[str, dict[str, dict[str, None]]] = field(default_factory=lambda: defaultdict(dict))
    by_field: defaultdict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))

    def add(self, schema: GraphQLSchema, answer: Any) -> None:
        """Add an answer, in which each object has its `__typename`."""
        if isinstance(answer, list):
            for each in answer:
                self.add(schema, each)
        if not isinstance(answer, dict):
            return
        kind = schema.get_type(answer.get("__typename", "Query"))
        assert isinstance(kind, GraphQLObjectType)
        for name, value in answer.items():
            self.add(schema, value)
            if name in kind.fields and is_leaf_type(leaf := get_named_type(kind.fields[name].type)):
                for each in value if isinstance(value, list) else [value]:
                    self._add_leaf(kind, name, leaf.name, each)

    def _add_leaf(self, kind: GraphQLObjectType, name: str, leaf: str, value: Any) -> None:
        self.by_field[f"{kind.name}.{name}"].append(value)
        if "ursor" in name or name == "nodeId":
            return
        if name == "id":
            self.ids[kind.name][value] = None
        elif isinstance(value, str):
            self.values[leaf].setdefault(f"{kind.name}.{name}", {})[value] = None


@dataclass
class QueryMaker:
    """Makes queries of a schema for what was seen."""

    schema: GraphQLSchema
    seen: Seen

    def leaves(self) -> set[str]:
        """Return all fields of objects and sections that answer leaves, but for nodeId and those of pages."""
        kinds = [kind for kind in self.schema.type_map.values() if isinstance(kind, GraphQLObjectType)]
        own = [kind for kind in kinds if kind.name[:2] != "__" and kind.name[-4:] not in ("Info", "Edge", "tion")]
        named = {f"{kind.name}.{name}": each for kind in own for name, each in kind.fields.items() if name != "nodeId"}
        return {name for name, each in named.items() if is_leaf_type(get_named_type(each.type))}

    def first(self) -> str:
        """Return the query of all that can be asked without an argument."""
        return f"{{ {' '.join(self._default(*each, 2) for each in self._roots() if not _is_required(each[1]))} }}"

    def all(self) -> list[str]:
        """Return queries of every root field, and of every field of every object that was seen."""
        roots = (self._aliased(variants) for name, root in self._roots() for variants in self._root(name, root))
        queries = [f"{{ {text} }}" for texts in roots for text in texts]
        for name, ids in self.seen.ids.items():
            kind = self.schema.type_map[name]
            assert isinstance(kind, GraphQLObjectType)
            queries += [_of_nodes(name, ids, text) for each in self._fields(kind) for text in self._aliased(each)]
        return queries

    def pages(self) -> list[str]:
        """Return a query of one edge of each list that has pages, in each of its orders; `%s` takes more arguments."""
        queries = [f"{{ {text} }}" for name, each in self._roots() for text in self._page(name, each)]
        for kind, ids in self.seen.ids.items():
            declared = self.schema.type_map[kind]
            assert isinstance(declared, GraphQLObjectType)
            texts = (text for name, each in declared.fields.items() for text in self._page(name, each))
            queries += [_of_nodes(kind, ids, text) for text in texts]
        return queries

    def _page(self, name: str, each: GraphQLField) -> Iterator[str]:
        if _CURSOR in each.args:
            orders = (
                [f" {_ORDER}: {value}" for value in self._values(each.args[_ORDER].type)] if _ORDER in each.args else []
            )
            for order in ("", *orders):
                yield f"{name}(first: 1{order}%s) {{ pageInfo {{ endCursor }} }}"

    def _roots(self) -> Iterable[tuple[str, GraphQLField]]:
        assert self.schema.query_type is not None
        fields: dict[str, GraphQLField] = self.schema.query_type.fields
        return fields.items()

    def _aliased(self, variants: Iterable[str]) -> Iterator[str]:
        each = list(dict.fromkeys(variants))
        for some in (each[place : place + _TOGETHER] for place in range(0, len(each), _TOGETHER)):
            yield " ".join(text if len(some) == 1 else f"v{place}: {text}" for place, text in enumerate(some))

    def _root(self, name: str, root: GraphQLField) -> Iterator[list[str]]:
        declared = get_named_type(root.type)
        if not isinstance(declared, GraphQLInterfaceType):
            yield [self._default(name, root, 0, arguments) for arguments in self._arguments(root, declared.name)]
            return
        for kind in self.seen.ids:
            below = f"{{ __typename ... on {kind} {self._selected(self.schema.type_map[kind], 0)} }}"
            yield [f"{name}{arguments} {below}" for arguments in self._arguments(root, kind, f"{kind}:")]

    def _fields(self, kind: GraphQLObjectType) -> Iterator[list[str]]:
        """Yield the leaves together, and for each other field its variants; so for what lies in it and is no object."""
        leaves = [name for name, each in kind.fields.items() if is_leaf_type(get_named_type(each.type))]
        if leaves:
            yield [" ".join(leaves)]
        for name, each in kind.fields.items():
            below = get_named_type(each.type)
            if isinstance(below, GraphQLObjectType):
                yield [self._default(name, each, 0, arguments) for arguments in self._arguments(each)]
                if not below.interfaces and "pageInfo" not in below.fields:
                    for variants in self._fields(below):
                        yield [f"{name} {{ __typename {text} }}" for text in variants]

    def _default(self, name: str, each: GraphQLField, depth: int, arguments: str = "") -> str:
        return f"{name}{arguments} {self._selected(get_named_type(each.type), depth)}"

    def _selected(self, declared: Any, depth: int) -> str:
        """Return all fields of a type, and of objects that it leads to, so many levels deep."""
        if not isinstance(declared, GraphQLObjectType):
            return ""
        texts = ["__typename"]
        for name, each in declared.fields.items():
            below = get_named_type(each.type)
            if not depth and not is_leaf_type(below) and declared.interfaces:
                continue
            is_object = isinstance(below, GraphQLObjectType) and bool(below.interfaces)
            if is_leaf_type(below) or (not is_object and name != "nodes"):
                texts.append(f"{name} {self._selected(below, depth)}")
            elif depth or name == "node":
                texts.append(f"{name} {self._selected(below, depth - 1) if depth else '{ __typename id }'}")
        return f"{{ {' '.join(texts)} }}"

    def _arguments(self, each: GraphQLField, kind: str = "", prefix: str = "") -> list[str]:
        """Return texts of arguments: those that are required, or none and each in turn with each of its values.

        Ids are those of a type, with a prefix.
        """
        required = [name for name, received in each.args.items() if is_required_argument(received)]
        if required:
            values = [self._values(each.args[name].type, kind, prefix) for name in required]
            return [_written("()", zip(required, some, strict=True)) for some in product(*values)]
        texts = [""]
        for name, received in each.args.items():
            if name != _CURSOR:
                texts += [_written("()", [(name, value)]) for value in self._values(received.type, kind, prefix)]
        return texts

    def _values(self, received: Any, kind: str = "", prefix: str = "") -> list[str]:
        declared = get_nullable_type(received)
        named = get_named_type(declared)
        if isinstance(named, GraphQLInputObjectType):
            values = self._inputs(named)
        elif isinstance(named, GraphQLEnumType):
            values = list(named.values)
        elif named.name == "ID":
            values = [f'"{prefix}{each}"' for each in self.seen.ids[kind]]
        elif named.name in _LITERALS:
            values = list(_LITERALS[named.name])
        else:
            some = (_some(list(values)) for values in self.seen.values[named.name].values())
            values = [f'"{each}"' for each in dict.fromkeys(chain.from_iterable(some))]
        if isinstance(declared, GraphQLList):
            return [f"[{', '.join(values)}]", f"[{values[0]}]"] if values else []
        return values

    def _inputs(self, declared: GraphQLInputObjectType) -> list[str]:
        required = [name for name, each in declared.fields.items() if is_required_input_field(each)]
        if required:
            values = [self._values(declared.fields[name].type) for name in required]
            return [_written("{}", zip(required, some, strict=True)) for some in product(*values)]
        fields = declared.fields.items()
        return [_written("{}", [(name, value)]) for name, each in fields for value in self._values(each.type)]


def _some(values: list[str]) -> list[str]:
    """Return the least, the greatest, and one between."""
    return list(dict.fromkeys([min(values), sorted(values)[len(values) // 2], max(values)]))


def _of_nodes(kind: str, ids: Iterable[str], text: str) -> str:
    nodes = ", ".join(f'"{kind}:{each}"' for each in ids)
    return f"{{ nodes(ids: [{nodes}]) {{ __typename ... on {kind} {{ {text} }} }} }}"


def _written(brackets: str, values: Iterable[tuple[str, str]]) -> str:
    return f"{brackets[0]}{', '.join(f'{name}: {value}' for name, value in values)}{brackets[1]}"


def _is_required(each: GraphQLField) -> bool:
    return any(map(is_required_argument, each.args.values()))

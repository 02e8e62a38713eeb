"""Queries that are made from a schema: every field, with each argument in turn, for ids and values once seen."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice, product
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from fuseway.testing.routes import Route, Routes

_TOGETHER = 15
"""Variants of one field that are asked for in one query."""
_LITERALS: Mapping[str, tuple[str, ...]] = {"Boolean": ("true", "false"), "Int": ("1", "3")}
_QUERY = "Query"
_CURSOR, _ORDER = "after", "orderBy"
"""An argument whose values are made for one list and order: it is tried on its own."""
COLUMNS = "columns"
"""Stands for all leaves of an object in the name of a field."""
_MAX_COMBINED = 100
"""Combinations of the values of arguments that are all required."""
_MAX_VALUES, _MAX_IDS = 12, 60
"""Values of one argument, and ids of one query: some of all that were seen, from the first to the last."""


@dataclass
class Seen:
    """The values of earlier answers, in order: ids by type, texts by type and field, all values by `Customer.name`."""

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
        kind = schema.get_type(answer.get("__typename", _QUERY))
        if not isinstance(kind, GraphQLObjectType):
            return
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
    """Makes queries of a schema for what was seen. A field is named by its type: `Query.customers`, `Customer.orders`.

    `Customer.columns` are all leaves of an object.
    """

    schema: GraphQLSchema
    routes: Routes
    seen: Seen

    def leaves(self) -> set[str]:
        """Return all fields of objects and sections that answer leaves, but for nodeId and those of pages."""
        kinds = [kind for kind in self.schema.type_map.values() if isinstance(kind, GraphQLObjectType)]
        own = [kind for kind in kinds if kind.name[:2] != "__" and kind.name[-4:] not in ("Info", "Edge", "tion")]
        named = {f"{kind.name}.{name}": each for kind in own for name, each in kind.fields.items() if name != "nodeId"}
        return {name for name, each in named.items() if is_leaf_type(get_named_type(each.type))}

    def first(self) -> str:
        """Return the query of all that can be asked without an argument; `{ __typename }` where nothing can."""
        texts = [self._default(*each, 2) for each in self._roots() if not _is_required(each[1])]
        return f"{{ {' '.join(texts) or '__typename'} }}"

    def names(self) -> list[str]:
        """Return the names of all fields that queries can be made for."""
        names = [f"{_QUERY}.{name}" for name, _ in self._roots()]
        for route in self.routes:
            kind = self._object(route.target)
            names += dict.fromkeys(f"{kind.name}.{name}" for name, _ in self._fields(kind))
        return names

    def all(self) -> list[str]:
        """Return queries of every root field, and of every field of every object that was seen."""
        return [query for name in self.names() for query in self.queries(name)]

    def queries(self, name: str) -> list[str]:
        """Return the queries of one field, with each of its arguments in turn."""
        type_name, _, field_name = name.partition(".")
        if type_name == _QUERY:
            root = dict(self._roots())[field_name]
            return [f"{{ {text} }}" for variants in self._root(field_name, root) for text in self._aliased(variants)]
        route = self.routes.to(type_name)
        if route is None:
            return []
        own = (variants for path, variants in self._fields(self._object(type_name)) if path == field_name)
        return [self._of(route, text) for variants in own for text in self._aliased(variants)]

    def objects(self) -> list[str]:
        """Return queries of the leaves of all objects that were seen."""
        return [query for name in self.names() if name.endswith(f".{COLUMNS}") for query in self.queries(name)]

    def defaults(self, type_name: str) -> dict[str, str]:
        """Return the selections of an object type's fields by name, without arguments; of a group its sections."""
        texts: dict[str, str] = {}
        kind = self._object(type_name)
        for name, variants in self._fields(kind):
            below = get_named_type(kind.fields[name].type) if name in kind.fields else None
            if isinstance(below, GraphQLObjectType) and _is_group(below):
                for inner, each in below.fields.items():
                    text = f"{name} {{ {self._default(inner, each, 0)} }}"
                    texts.setdefault(f"{type_name}.{name}.{inner}", text)
            elif variants:
                texts.setdefault(f"{type_name}.{name}", variants[0])
        return texts

    def paged(self) -> list[str]:
        """Return the names of the fields that answer pages, with cursors."""
        own = [self._object(route.target) for route in self.routes]
        fields = [(_QUERY, self._roots()), *((kind.name, kind.fields.items()) for kind in own)]
        return [f"{kind}.{name}" for kind, each in fields for name, field in each if _CURSOR in field.args]

    def pages(self, name: str) -> list[str]:
        """Return a query of one edge of a list that has pages, in each of its orders; `%s` takes more arguments."""
        type_name, _, field_name = name.partition(".")
        if type_name == _QUERY:
            return [f"{{ {text} }}" for text in self._page(field_name, dict(self._roots())[field_name])]
        route, fields = self.routes.to(type_name), self._object(type_name).fields
        if route is None or field_name not in fields:
            return []
        return [self._of(route, text) for text in self._page(field_name, fields[field_name])]

    def _of(self, route: Route, text: str) -> str:
        return route.query(text, some(self.seen.ids[route.origin], _MAX_IDS))

    def _object(self, name: str) -> GraphQLObjectType:
        kind = self.schema.type_map[name]
        if not isinstance(kind, GraphQLObjectType):
            raise TypeError(f"{name} is no object type.")
        return kind

    def _page(self, name: str, each: GraphQLField) -> Iterator[str]:
        if _CURSOR in each.args:
            orders = (
                [f" {_ORDER}: {value}" for value in self._values(each.args[_ORDER].type)] if _ORDER in each.args else []
            )
            for order in ("", *orders):
                yield f"{name}(first: 1{order}%s) {{ pageInfo {{ endCursor }} }}"

    def _roots(self) -> Iterable[tuple[str, GraphQLField]]:
        fields: dict[str, GraphQLField] = self.schema.query_type.fields if self.schema.query_type else {}
        return fields.items()

    def _aliased(self, variants: Iterable[str]) -> Iterator[str]:
        each = list(dict.fromkeys(variants))
        for few in (each[place : place + _TOGETHER] for place in range(0, len(each), _TOGETHER)):
            yield " ".join(text if len(few) == 1 else f"v{place}: {text}" for place, text in enumerate(few))

    def _root(self, name: str, root: GraphQLField) -> Iterator[list[str]]:
        declared = get_named_type(root.type)
        if not isinstance(declared, GraphQLInterfaceType):
            yield [self._default(name, root, 0, arguments) for arguments in self._arguments(root, declared.name)]
            return
        for kind in list(self.seen.ids):
            below = f"{{ __typename ... on {kind} {self._selected(self.schema.type_map[kind], 0)} }}"
            yield [f"{name}{arguments} {below}" for arguments in self._arguments(root, kind, f"{kind}:")]

    def _fields(self, kind: GraphQLObjectType) -> Iterator[tuple[str, list[str]]]:
        """Yield names with variants: the leaves together, then each other field, and what lies in it, but objects."""
        leaves = [name for name, each in kind.fields.items() if is_leaf_type(get_named_type(each.type))]
        if leaves:
            yield COLUMNS, [" ".join(leaves)]
        for name, each in kind.fields.items():
            below = get_named_type(each.type)
            if isinstance(below, GraphQLObjectType):
                yield name, [self._default(name, each, 0, arguments) for arguments in self._arguments(each)]
                if not below.interfaces and "pageInfo" not in below.fields:
                    for _, variants in self._fields(below):
                        yield name, [f"{name} {{ __typename {text} }}" for text in variants]

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
                texts.append(f"{name} {self._selected(below, depth - 1) if depth else self._columns(below)}")
        return f"{{ {' '.join(texts)} }}"

    def _columns(self, declared: Any) -> str:
        """Return the leaves of a type."""
        leaves = [name for name, each in declared.fields.items() if is_leaf_type(get_named_type(each.type))]
        return f"{{ __typename {' '.join(leaves)} }}"

    def _arguments(self, each: GraphQLField, kind: str = "", prefix: str = "") -> list[str]:
        """Return texts of arguments: those that are required, or none and each in turn with each of its values.

        Ids are those of a type, with a prefix.
        """
        required = [name for name, received in each.args.items() if is_required_argument(received)]
        if required:
            values = [self._values(each.args[name].type, kind, prefix) for name in required]
            return [_written("()", zip(required, chosen, strict=True)) for chosen in _few(product(*values))]
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
            values = [f'"{prefix}{each}"' for each in some(self.seen.ids[kind], _MAX_VALUES)]
        elif named.name in _LITERALS:
            values = list(_LITERALS[named.name])
        else:
            few = (_ends(list(values)) for values in self.seen.values[named.name].values())
            values = [_quoted(each) for each in some(dict.fromkeys(chain.from_iterable(few)), _MAX_VALUES)]
        if isinstance(declared, GraphQLList):
            return [f"[{', '.join(values)}]", f"[{values[0]}]"] if values else []
        return values

    def _inputs(self, declared: GraphQLInputObjectType) -> list[str]:
        required = [name for name, each in declared.fields.items() if is_required_input_field(each)]
        if required:
            values = [self._values(declared.fields[name].type) for name in required]
            return [_written("{}", zip(required, chosen, strict=True)) for chosen in _few(product(*values))]
        fields = declared.fields.items()
        return [_written("{}", [(name, value)]) for name, each in fields for value in self._values(each.type)]


def some(values: Iterable[str], count: int) -> Sequence[str]:
    """Return so many of the values at most, evenly from the first to the last."""
    every = list(values)
    if len(every) <= count:
        return every
    return [every[place * (len(every) - 1) // (count - 1)] for place in range(count)]


def _few(combinations: Iterable[tuple[str, ...]]) -> Iterable[tuple[str, ...]]:
    return islice(combinations, _MAX_COMBINED)


def _quoted(text: str) -> str:
    """Return a text as a string of GraphQL."""
    return json.dumps(text, ensure_ascii=False)


def _ends(values: list[str]) -> list[str]:
    """Return the least, the greatest, and one between."""
    return list(dict.fromkeys([min(values), sorted(values)[len(values) // 2], max(values)]))


def _written(brackets: str, values: Iterable[tuple[str, str]]) -> str:
    return f"{brackets[0]}{', '.join(f'{name}: {value}' for name, value in values)}{brackets[1]}"


def _is_group(declared: GraphQLObjectType) -> bool:
    """Return whether a type is that of a group: it has sections alone."""
    has_leaves = any(is_leaf_type(get_named_type(each.type)) for each in declared.fields.values())
    return not declared.interfaces and not has_leaves and "pageInfo" not in declared.fields


def _is_required(each: GraphQLField) -> bool:
    return any(map(is_required_argument, each.args.values()))

"""Random documents over any schema, valid by construction: the same seed writes the same document."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    Undefined,
    get_named_type,
    is_composite_type,
)

Hints = Mapping[str, Sequence[Any]]
"""Values for arguments and input fields of these names, in place of any value of their type."""

Composite = GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType

_SCALARS: Mapping[str, Sequence[Any]] = {
    "Int": (0, 1, 2, 3, -1),
    "Float": (0.5, -2.25, 3),
    "String": ("", "a", "é\n"),
    "ID": ("x", "y"),
    "Boolean": (True, False),
    "Date": ("2013-01-01", "2013-06-15", "2013-12-31"),
    "DateTime": ("2013-01-01T00:00:00+00:00",),
}


@dataclass(frozen=True, slots=True)
class Document:
    """A query and the values of its variables."""

    text: str
    variables: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Size:
    """How large a document may become."""

    depth: int = 5
    width: int = 5
    fragments: int = 4


def random_document(schema: GraphQLSchema, seed: object, size: Size = Size(), hints: Hints | None = None) -> Document:
    """A query of the schema. The same arguments give the same document."""
    writer = _Writer(schema, Random(repr(seed)), size, hints or {})
    query = schema.query_type
    assert query is not None
    body = writer.selections(query, size.depth)
    declared = ", ".join(writer.declared)
    text = f"query Random{f'({declared})' if declared else ''} {body}"
    return Document("\n".join([text, *writer.fragments]), writer.variables)


@dataclass(frozen=True, slots=True)
class _Fragment:
    name: str
    on: Composite
    depth: int


@dataclass(slots=True)
class _Writer:
    """Writes one document.

    A response key stands for one type everywhere, and for one field with the same arguments on types that may be the same
    object: then any two of its selections merge.
    """

    schema: GraphQLSchema
    rng: Random
    size: Size
    hints: Hints
    declared: list[str] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    fragments: list[str] = field(default_factory=list)
    spreadable: list[_Fragment] = field(default_factory=list)
    types_of_keys: dict[str, str] = field(default_factory=dict)
    fields_of_keys: dict[str, dict[str, str]] = field(default_factory=dict)
    directive_variables: list[str] = field(default_factory=list)

    def selections(self, parent: Composite, depth: int) -> str:
        written: list[str] = []
        for _ in range(self.rng.randint(1, self.size.width)):
            written.append(self._selection(parent, depth, written))
        return "{ " + " ".join(written) + " }"

    def _selection(self, parent: Composite, depth: int, written: Sequence[str]) -> str:
        choice = self.rng.random()
        if choice < 0.10:
            return self._typename()
        if choice < 0.20 and depth > 0:
            return self._inline(parent, depth)
        if choice < 0.30 and depth > 0:
            return self._spread(parent, depth)
        if choice < 0.36 and written:
            return self.rng.choice(written)
        return self._field(parent, depth)

    def _typename(self) -> str:
        key = self.rng.choice(["", "", "t: ", "u: "])
        return f"{key}__typename{self._directives()}"

    def _inline(self, parent: Composite, depth: int) -> str:
        if self.rng.random() < 0.3:
            return f"...{self._directives()} {self.selections(parent, depth - 1)}"
        on = self._overlapping(parent)
        return f"... on {on.name}{self._directives()} {self.selections(on, depth - 1)}"

    def _spread(self, parent: Composite, depth: int) -> str:
        fitting = [item for item in self.spreadable if item.depth <= depth and self._overlap(parent, item.on)]
        if fitting and (self.rng.random() < 0.5 or len(self.fragments) >= self.size.fragments):
            return f"...{self.rng.choice(fitting).name}{self._directives()}"
        if len(self.fragments) >= self.size.fragments:
            return self._typename()
        on = self._overlapping(parent)
        name, index = f"F{len(self.fragments)}", len(self.fragments)
        self.fragments.append("")  # the number is taken; it can be spread once it is written, so never in itself
        self.fragments[index] = f"fragment {name} on {on.name} {self.selections(on, depth - 1)}"
        self.spreadable.append(_Fragment(name, on, depth))
        return f"...{name}{self._directives()}"

    def _overlapping(self, parent: Composite) -> Composite:
        types = [
            item for item in self.schema.type_map.values() if is_composite_type(item) and self._overlap(parent, item)
        ]
        return self.rng.choice([parent, *types])

    def _overlap(self, item: Composite, other: Composite) -> bool:
        return bool(self._possible(item) & self._possible(other))

    def _possible(self, item: Composite) -> set[str]:
        if isinstance(item, GraphQLObjectType):
            return {item.name}
        return {possible.name for possible in self.schema.get_possible_types(item)}

    def _field(self, parent: Composite, depth: int) -> str:
        fields = {} if isinstance(parent, GraphQLUnionType) else parent.fields
        names = [name for name, item in fields.items() if depth > 0 or not is_composite_type(get_named_type(item.type))]
        if not names:
            return self._typename()
        name = self.rng.choice(names)
        declared = fields[name]
        key, arguments = self._key(parent, name, declared)
        if key is None:
            return self._typename()
        head = f"{name}{arguments}" if key == name else f"{key}: {name}{arguments}"
        below = get_named_type(declared.type)
        body = f" {self.selections(below, depth - 1)}" if is_composite_type(below) else ""
        return f"{head}{self._directives()}{body}"

    def _key(self, parent: Composite, name: str, declared: GraphQLField) -> tuple[str | None, str]:
        """A response key that is free for this field, and its arguments: those that the key has already, if any."""
        keys = [name] if self.rng.random() < 0.6 else []
        for key in (*keys, self.rng.choice("abcdefgh"), f"{name}{self.rng.randint(0, 2)}"):
            if self.types_of_keys.get(key, str(declared.type)) != str(declared.type):
                continue
            taken = {text for other, text in self.fields_of_keys.get(key, {}).items() if self._same(parent, other)}
            if not taken or (len(taken) == 1 and min(taken).partition("(")[0] == name):
                text = min(taken) if taken else name + self._arguments(declared.args)
                self.types_of_keys[key] = str(declared.type)
                self.fields_of_keys.setdefault(key, {})[parent.name] = text
                return key, text.removeprefix(name)
        return None, ""

    def _same(self, parent: Composite, other: str) -> bool:
        both_objects = isinstance(parent, GraphQLObjectType) and isinstance(
            self.schema.type_map[other], GraphQLObjectType
        )
        return parent.name == other or not both_objects

    def _arguments(self, arguments: Mapping[str, GraphQLArgument]) -> str:
        values = [f"{name}: {self._given(name, item)}" for name, item in arguments.items() if self._is_given(item)]
        return f"({', '.join(values)})" if values else ""

    def _is_given(self, argument: GraphQLArgument) -> bool:
        required = isinstance(argument.type, GraphQLNonNull) and argument.default_value is Undefined
        return required or self.rng.random() < 0.6

    def _given(self, name: str, argument: GraphQLArgument) -> str:
        if self.rng.random() < 0.35:
            return self._variable(name, argument.type)
        return _literal(argument.type, self._value(name, argument.type))

    def _variable(self, name: str, declared: GraphQLInputType) -> str:
        variable = f"v{len(self.declared)}"
        default = ""
        if self.rng.random() < 0.3:
            default = f" = {_literal(declared, self._value(name, declared))}"
        if (isinstance(declared, GraphQLNonNull) and not default) or self.rng.random() < 0.7:
            self.variables[variable] = self._value(name, declared)
        self.declared.append(f"${variable}: {declared}{default}")
        return f"${variable}"

    def _value(self, name: str, declared: GraphQLInputType) -> Any:
        """A value as JSON has it."""
        if isinstance(declared, GraphQLNonNull):
            return self._some_value(name, declared.of_type)
        return None if self.rng.random() < 0.1 else self._some_value(name, declared)

    def _some_value(self, name: str, declared: Any) -> Any:
        if isinstance(declared, GraphQLList):
            return [self._value(name, declared.of_type) for _ in range(self.rng.randint(0, 4))]
        if isinstance(declared, GraphQLInputObjectType):
            fields: Iterable[tuple[str, Any]] = declared.fields.items()
            return {key: self._value(key, item.type) for key, item in fields if self._is_given(item)}
        if isinstance(declared, GraphQLEnumType):
            return self.rng.choice(list(declared.values))
        return self.rng.choice(self.hints.get(name) or _SCALARS[declared.name])

    def _directives(self) -> str:
        return "".join(self._directive(name) for name in ("skip", "include") if self.rng.random() < 0.08)

    def _directive(self, name: str) -> str:
        if self.rng.random() < 0.4:
            return f" @{name}(if: {json.dumps(self.rng.random() < 0.5)})"
        if self.directive_variables and self.rng.random() < 0.6:
            return f" @{name}(if: ${self.rng.choice(self.directive_variables)})"
        variable = f"v{len(self.declared)}"
        default = self.rng.choice(["", " = true", " = false"])
        self.declared.append(f"${variable}: Boolean!{default}")
        if not default or self.rng.random() < 0.5:
            self.variables[variable] = self.rng.random() < 0.5
        self.directive_variables.append(variable)
        return f" @{name}(if: ${variable})"


def _literal(declared: Any, value: Any) -> str:
    """The value as the document has it."""
    if isinstance(declared, GraphQLNonNull):
        return _literal(declared.of_type, value)
    if isinstance(declared, GraphQLList) and value is not None:
        return "[" + ", ".join(_literal(declared.of_type, item) for item in value) + "]"
    if isinstance(declared, GraphQLInputObjectType) and value is not None:
        return (
            "{" + ", ".join(f"{key}: {_literal(declared.fields[key].type, item)}" for key, item in value.items()) + "}"
        )
    if isinstance(declared, GraphQLEnumType) and value is not None:
        return str(value)
    return json.dumps(value)

"""Names that a scaffolded model gives: none twice, none that Python, GraphQL or the gateway keeps for itself."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterable
from itertools import chain, count

from gateway.model_tools.scaffold.words import pascal, snake
from loaders.model.names import camel

_TYPES = frozenset(
    {"Query", "Mutation", "Subscription", "Node", "PageInfo", "Direction", "Period", "ID", "String", "Int", "Float"}
    | {"Boolean", "BigInt", "Decimal", "UUID", "Date", "DateTime", "JSON", "Base64", "TimeZone", "Enum", "Edge"}
    | {f"{name}Range" for name in ("Int", "BigInt", "Float", "Decimal", "Date", "DateTime", "String", "UUID")}
    | {"True", "False", "None"}
)
_COMPANIONS = ("", "Filter", "Order", "OrderField", "Connection", "Edge")
"""Suffixes of the types that belong to an object type or a table."""
_ANNOTATIONS = frozenset({"list", "int", "str", "float", "bool", "bytes", "dt", "m"})
"""Names in annotations: a field of such a name would hide them from type checkers."""
_MODULE = frozenset({"model", "tenant", "annotations"})
_GRAPHQL_FIELDS = frozenset({"nodeId"})


class TypeNames:
    """Names of types, each of which keeps those of its companions for itself too."""

    def __init__(self) -> None:
        self._taken = set(_TYPES)

    def take(self, *candidates: str, companions: Iterable[str] = _COMPANIONS) -> str:
        """Return the first candidate that is free with all its companions, or the last one with a number."""
        names = [pascal(snake(each)) or "Table" for each in candidates]
        names = [f"T{name}" if name[0].isdigit() else name for name in names]
        for name in chain(names, (f"{names[-1]}{number}" for number in count(2))):
            with_companions = {f"{name}{each}" for each in companions}
            if not with_companions & self._taken:
                break
        self._taken |= with_companions
        return name

    def take_alone(self, *candidates: str) -> str:
        """Return the first free candidate, as `take` does, for a type without companions."""
        return self.take(*candidates, companions=("", "Range"))


class FieldNames:
    """Names of the fields of one class, each once in Python and in GraphQL."""

    def __init__(self, *, reserved: Iterable[str] = ()) -> None:
        self._taken = {*_GRAPHQL_FIELDS, *map(camel, reserved)}

    def take(self, *candidates: str) -> str:
        """Return the first candidate that is free, or the last one with a number behind it."""
        names = [identifier(each) for each in candidates]
        numbered = (f"{names[-1].rstrip('_')}_{number}" for number in count(2))
        name = next(each for each in chain(names, numbered) if camel(each) not in self._taken)
        self._taken.add(camel(name))
        return name


class VariableNames:
    """Names of a module's variables."""

    def __init__(self) -> None:
        self._taken: set[str] = set(_MODULE)

    def take(self, *candidates: str) -> str:
        """Return the first candidate that is free and hides nothing of Python, or the last with a number behind it."""
        names = [identifier(each) for each in candidates]
        names = [f"{name.rstrip('_')}_table" if hasattr(builtins, name) or "_" in name[-1] else name for name in names]
        numbered = (f"{names[-1]}_{number}" for number in count(2))
        name = next(each for each in chain(names, numbered) if each not in self._taken)
        self._taken.add(name)
        return name


def identifier(name: str) -> str:
    """Return a database's name as a Python name in snake case, with an underscore behind what is a word of Python."""
    text = snake(name) or "value"
    text = f"n{text}" if text[0].isdigit() else text
    return f"{text}_" if keyword.iskeyword(text) or text in _ANNOTATIONS else text


def member_names(labels: Iterable[str]) -> dict[str, str]:
    """Return a name for each label of an enum, by label and in order: upper-case, and none twice."""
    names: dict[str, str] = {}
    for label in labels:
        text = snake(label).upper() or ("EMPTY" if not label.strip() else "OTHER")
        text = f"N{text}" if text[0].isdigit() else text
        taken, number, name = set(names.values()), 2, text
        while name in taken:
            name, number = f"{text}_{number}", number + 1
        names[label] = name
    return names

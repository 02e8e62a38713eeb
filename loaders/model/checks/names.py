"""Names: the model's, and those that share the namespace of the GraphQL schema."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from loaders.model.class_reader import DeclaredField
from loaders.model.classes import Filter, Group, Object, Order, Section
from loaders.model.declaration import ModelDeclaration, ModelParts
from loaders.model.names import is_graphql_name, is_model_name
from loaders.model.places import Place, place_of_attribute, place_of_class
from loaders.model.problems import Problems
from loaders.model.shapes import Cardinality, ValueKind

_RESERVED = frozenset(
    {"Query", "Mutation", "Subscription", "Node", "PageInfo", "Direction", "Period", "ID", "String", "Int", "Float"}
    | {"Boolean", "BigInt", "Decimal", "UUID", "Date", "DateTime", "JSON", "Base64", "TimeZone"}
)


def check_names(model: ModelDeclaration, parts: ModelParts, problems: Problems) -> None:
    """Check that GraphQL can have each name, and that no two things share one."""
    if not is_model_name(model.name):
        problems.add(model.place, "Model", f"{model.name!r} is no name: use lower-case letters, digits, - and _.")
    _check_types(parts, problems)
    for fields in parts.fields.values():
        _check_fields(fields, problems)
    for enum, place in parts.enums.items():
        for member in enum:
            if not is_graphql_name(member.name) or member.name in ("true", "false", "null"):
                problems.add(place, f"{enum.__name__}.{member.name}", "GraphQL cannot have this name in an enum.")
        if not enum.__members__:
            problems.add(place, enum.__name__, "has no members.")
        _check_labels(enum, problems)


def _check_labels(enum: type[Enum], problems: Problems) -> None:
    """Check that each member of an enum has its own label, which is a text."""
    for name, member in enum.__members__.items():
        place, subject = place_of_attribute(enum, name), f"{enum.__name__}.{name}"
        if not isinstance(member.value, str):
            comma = ", a tuple: leave out the comma behind it" if isinstance(member.value, tuple) else ""
            message = f"its label is {member.value!r}{comma or ': write the text that the column holds'}."
            problems.add(place, subject, message)
        elif name != member.name:
            message = f"has the label {member.value!r} of {enum.__name__}.{member.name}: leave one of them out."
            problems.add(place, subject, message)


def _check_types(parts: ModelParts, problems: Problems) -> None:
    taken: dict[str, tuple[str, Place]] = {}
    for name, subject, place in _type_names(parts):
        if name in _RESERVED or not is_graphql_name(name):
            problems.add(place, subject, f"the type's name {name} is the gateway's own or GraphQL's: choose another.")
        elif name in taken and taken[name] != (subject, place):
            other, line = taken[name]
            problems.add(place, subject, f"{name} is also the name of {other} at {line}: rename one of them.")
        taken.setdefault(name, (subject, place))


def _type_names(parts: ModelParts) -> Iterator[tuple[str, str, Place]]:
    """Yield for each type that the model adds to the schema its name, the subject that adds it, and the place."""
    for cls in parts.fields:
        if issubclass(cls, Object | Section | Group | Filter):
            yield cls.__name__, cls.__name__, place_of_class(cls)
        elif issubclass(cls, Order):
            yield cls.__name__, cls.__name__, place_of_class(cls)
            yield f"{cls.__name__}Field", cls.__name__, place_of_class(cls)
    for enum, place in parts.enums.items():
        yield enum.__name__, enum.__name__, place
    paged = {
        f.shape.type: f for f in parts.all_fields() if f.shape is not None and f.shape.cardinality is Cardinality.PAGE
    }
    for cls, declared in paged.items():
        if declared.shape is not None and declared.shape.kind is not ValueKind.SCALAR:
            yield f"{cls.__name__}Connection", declared.subject, declared.place
            yield f"{cls.__name__}Edge", declared.subject, declared.place
    ranges: dict[str, DeclaredField] = {}
    for declared in parts.all_fields():
        if declared.word_name == "between" and declared.shape is not None and declared.shape.scalar is not None:
            ranges.setdefault(f"{declared.shape.scalar.name}Range", declared)
    yield from ((name, declared.subject, declared.place) for name, declared in ranges.items())


def _check_fields(fields: list[DeclaredField], problems: Problems) -> None:
    seen: dict[str, DeclaredField] = {}
    for each in fields:
        name = each.graphql_name
        if not is_graphql_name(name):
            problems.add(
                each.place, each.subject, f"{name} is no name of GraphQL: use letters, digits and underscores."
            )
        if name in seen:
            other = seen[name]
            problems.add(
                each.place,
                each.subject,
                f"{name} is also the name of {other.subject} at {other.place}: rename one of them.",
            )
        if name == "id" and issubclass(each.owner, Object) and not each.is_key and any(f.is_key for f in fields):
            message = 'id is the key\'s text: give this field another name, such as own_id: … = m.column("id").'
            problems.add(each.place, each.subject, message)
        if name == "nodeId" and issubclass(each.owner, Object):
            problems.add(each.place, each.subject, "nodeId is the gateway's own field: choose another name.")
        seen.setdefault(name, each)

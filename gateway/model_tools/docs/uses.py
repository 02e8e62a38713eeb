"""Where the fields of a model are answered: each declared field with the bound sections behind it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from loaders.model.bound_sections import RECORD
from loaders.model.shapes import ValueKind

if TYPE_CHECKING:
    from loaders.model.bound_sections import BoundSection
    from loaders.model.class_reader import DeclaredField
    from loaders.model.model import Model


@dataclass(frozen=True, slots=True)
class Use:
    """A field that a bound section answers, by its path: `Customer.usage.byMonth`."""

    path: str
    field: DeclaredField
    section: BoundSection


def uses(model: Model) -> list[Use]:
    """Return the fields that bound sections answer, of objects and of groups within them, in order."""
    return [use for kind in model.objects for use in _of_object(model, kind)]


def _of_object(model: Model, kind: str) -> Iterator[Use]:
    for field in model.objects[kind].fields:
        if field.shape is not None and field.shape.kind is ValueKind.GROUP:
            for inner in model.groups[field.shape.type.__name__].fields:
                section = model.bound_sections[f"{kind}.{field.name}.{inner.name}"]
                yield Use(f"{kind}.{field.graphql_name}.{inner.graphql_name}", inner, section)
        elif field.name != RECORD and (bound := model.bound_sections.get(f"{kind}.{field.name}")) is not None:
            yield Use(f"{kind}.{field.graphql_name}", field, bound)


def enums(model: Model) -> dict[str, type[Enum]]:
    """Return the enums of a model that its fields and arguments have, by name."""
    fields = [field for kind in model.objects.values() for field in kind.fields]
    fields += [field for kind in model.sections.values() for field in kind.fields]
    types: list[Any] = [field.shape.type for field in fields if field.shape is not None]
    types += [argument.type for section in model.bound_sections.values() for argument in section.arguments]
    return {each.__name__: each for each in types if isinstance(each, type) and issubclass(each, Enum)}

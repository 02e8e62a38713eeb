"""The parts of a schema that the makers of types share: the model, its types by name, its inputs and arguments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from loaders.model.bound_sections import RECORD, BoundSection
from loaders.model.class_reader import DeclaredField
from loaders.model.model import FieldsType, Model, ObjectType
from loaders.model.names import camel
from loaders.model.shapes import Cardinality, Shape, ValueKind
from loaders.statements.section_request import SectionRequest, section_request
from resolvers.cursors import CursorSealer
from resolvers.input_types import InputTypes
from resolvers.scalar_types import leaf_type
from resolvers.section_arguments import SectionArguments
from resolvers.selection_tree import Target
from resolvers.type_registry import TypeRegistry, list_of, optional

SECTION_WORDS = frozenset({"section", "many", "first", "through"})
"""Words of fields that are answered by bound sections of the object."""


@dataclass(frozen=True, slots=True)
class SchemaParts:
    """The parts of one schema while it is made, and for as long as it serves."""

    model: Model
    registry: TypeRegistry
    inputs: InputTypes
    arguments: SectionArguments
    list_names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The names of the fields that answer a list of a section type, by its name."""

    @classmethod
    def of(cls, model: Model, cursors: CursorSealer) -> SchemaParts:
        """Return the parts of a new schema."""
        registry = TypeRegistry()
        return cls(model, registry, InputTypes(model, registry), SectionArguments(cursors), _list_names(model))

    @property
    def field_scopes(self) -> frozenset[str]:
        """The scopes that fields need: a viewer with all of them may read everything."""
        return self.model.scopes

    def leaf(self, shape: Shape) -> Any:
        """Return the type of a leaf, or of a list of leaves."""
        if shape.scalar is None:
            raise TypeError(f"{shape} is no leaf.")
        declared = leaf_type(shape.scalar, self.registry)
        if shape.cardinality is Cardinality.LIST:
            declared = list_of(declared, items_nullable=shape.items_nullable)
        return optional(declared, nullable=shape.nullable)

    def record(self, object_type: str) -> SectionRequest:
        """Return the request of an object's own columns, all of them."""
        return section_request(self.model.bound_sections[f"{object_type}.{RECORD}"])

    def group_scopes(self, group: str) -> frozenset[str]:
        """Return the scopes that every field needs which answers a group, so that the group's own need not say them."""
        fields = (field for kind in self.model.objects.values() for field in kind.fields)
        uses = [field for field in fields if field.shape is not None and field.shape.type.__name__ == group]
        scopes = [frozenset({field.option("scope") or ""}) - {""} for field in uses]
        return frozenset.intersection(*scopes) if scopes else frozenset()

    def target(self, object_type: str) -> Target:
        """Return what is known of the objects of a type before any is loaded."""
        record = self.record(object_type)
        fields = self.model.objects[object_type].fields
        names = [each.name for each in fields if each.is_key]
        return Target(record.section.key_space, record, tuple(place_of(record.section, name) for name in names))

    def object_scopes(self, object_type: str) -> frozenset[str]:
        """Return what a viewer needs to know that an object exists."""
        return self.model.bound_sections[f"{object_type}.{RECORD}"].scopes


def place_of(section: BoundSection, name: str) -> int:
    """Return the place of a column in the section's rows."""
    return next(place for place, column in enumerate(section.columns) if column.name == name)


def _list_names(model: Model) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for declared in _section_fields(model):
        shape = declared.shape
        if shape is not None and shape.cardinality is not Cardinality.ONE:
            of_type = names.setdefault(shape.type.__name__, [])
            if camel(declared.name) not in of_type:
                of_type.append(camel(declared.name))
    return names


def _section_fields(model: Model) -> Iterator[DeclaredField]:
    kinds: list[ObjectType | FieldsType] = [*model.objects.values(), *model.groups.values()]
    for kind in kinds:
        yield from (each for each in kind.fields if each.shape is not None and each.shape.kind is ValueKind.SECTION)

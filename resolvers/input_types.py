"""Inputs of a model: filters, orders, ranges, periods, and the arguments that SQL names."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from enum import Enum
from typing import TYPE_CHECKING, Any

import strawberry

from loaders.model.databases import Value
from loaders.model.scalars import INTEGER, SCALARS, TEXT, Scalar, enum_scalar
from loaders.model.shapes import Cardinality
from resolvers.fields import FieldText, argument, input_field
from resolvers.scalar_types import leaf_type, make_enum
from resolvers.type_registry import TypeRegistry, list_of, make_input, optional

if TYPE_CHECKING:
    from strawberry.types.arguments import StrawberryArgument
    from strawberry.types.field import StrawberryField

    from loaders.model.arguments import Argument
    from loaders.model.bound_sections import BoundSection
    from loaders.model.class_reader import DeclaredField
    from loaders.model.model import FieldsType, Model

FIRST, AFTER, FILTER, ORDER_BY, PERIOD = "first", "after", "filter", "orderBy", "period"
"""Names of the arguments of lists and sections."""


class InputTypes:
    """The input types of one schema, each made when it is asked for first."""

    def __init__(self, model: Model, registry: TypeRegistry) -> None:
        self._model = model
        self._registry = registry

    def list_arguments(self, field: DeclaredField, section: BoundSection) -> list[StrawberryArgument]:
        """Return the arguments of a list or a page: how many rows, after which, of which, in which order."""
        arguments = [self._first(section)]
        if section.cardinality is Cardinality.PAGE:
            arguments.append(argument(AFTER, optional(str), "Cursor that the page follows."))
        if (conditions := field.option("filter")) is not None:
            declared = self._filter(self._model.filters[conditions.__name__])
            arguments.append(argument(FILTER, optional(declared), "Conditions, all of which must hold."))
        if isinstance(order := field.option("order"), type):
            arguments.append(
                argument(ORDER_BY, optional(self._order(self._model.orders[order.__name__])), "In which order.")
            )
        return [*arguments, *self.sql_arguments(section)]

    def sql_arguments(self, section: BoundSection) -> list[StrawberryArgument]:
        """Return the arguments that the SQL of a section names."""
        return [self._sql_argument(each) for each in section.arguments]

    def period(self, description: str) -> StrawberryArgument:
        """Return the argument that narrows sections to a period."""
        declared = self._registry.once("Period", _period)
        return argument(PERIOD, optional(declared), description)

    def _first(self, section: BoundSection) -> StrawberryArgument:
        return argument(FIRST, optional(int), f"How many rows at most, 0 to {section.max:,}.", section.first)

    def _sql_argument(self, declared: Argument[Any]) -> StrawberryArgument:
        scalar = _scalar_of(declared.type)
        default: Any = declared.default
        if isinstance(default, Value):
            default = strawberry.UNSET
        elif isinstance(default, Enum):
            default = default.name
        description = " ".join(filter(None, (declared.description, _bounds(declared))))
        leaf = optional(leaf_type(scalar, self._registry))
        return argument(declared.name, leaf, description, default, declared.deprecated)

    def _filter(self, declared: FieldsType) -> Any:
        def make() -> Any:
            fields = [input_field(FieldText.of(field), optional(self._condition(field))) for field in declared.fields]
            return make_input(declared.name, fields, description=declared.description)

        return self._registry.once(declared.name, make)

    def _condition(self, field: DeclaredField) -> Any:
        shape = field.shape
        if shape is None or shape.scalar is None or field.word is None:
            raise TypeError(field.subject)
        if field.word.name == "between":
            return self._range(shape.scalar)
        leaf = leaf_type(shape.scalar, self._registry)
        return list_of(leaf) if shape.cardinality is Cardinality.LIST else leaf

    def _range(self, scalar: Scalar) -> Any:
        name = f"{scalar.name}Range"

        def make() -> Any:
            what = "Whole numbers" if scalar is INTEGER else "Values"
            description = f"{what} from one to another, both inclusive; an absent end is open."
            leaf = optional(leaf_type(scalar, self._registry))
            ends = [FieldText("from", "Least."), FieldText("to", "Greatest.")]
            return make_input(name, [input_field(end, leaf) for end in ends], description=description)

        return self._registry.once(name, make)

    def _order(self, declared: FieldsType) -> Any:
        return self._registry.once(
            declared.name,
            lambda: make_input(declared.name, list(self._order_fields(declared)), description=declared.description),
        )

    def _order_fields(self, declared: FieldsType) -> Iterator[StrawberryField]:
        members = self._registry.once(f"{declared.name}Field", lambda: _order_members(declared))
        directions = self._registry.once("Direction", _direction)
        terms = declared.default.split(",")
        default = strawberry.UNSET if len(terms) > 1 else order_member(terms[0].split()[0])
        yield input_field(FieldText("field", "By what."), members, default)
        descending = {bool(field.option("descending")) for field in declared.fields}
        if len(descending) == 1:
            yield input_field(FieldText("direction", "Which way."), directions, "DESC" if descending.pop() else "ASC")
        else:
            yield input_field(FieldText("direction", "Which way; by default the member's own."), optional(directions))


def order_member(name: str) -> str:
    """Return the enum's member in the API for a member of an order."""
    return name.upper()


def _order_members(declared: FieldsType) -> Any:
    members = {order_member(field.name): field.description for field in declared.fields}
    return make_enum(f"{declared.name}Field", members, "What the list can be ordered by.")


def _direction() -> Any:
    members = {"ASC": "Smallest, earliest, A first.", "DESC": "Largest, latest, Z first."}
    return make_enum("Direction", members, "Which way an order runs.")


def _period() -> Any:
    description = "Calendar dates, both inclusive; an absent end is open. It must not end before it begins."
    leaf = optional(dt.date)
    ends = [FieldText("from", "First date."), FieldText("to", "Last date.")]
    return make_input("Period", [input_field(end, leaf) for end in ends], description=description)


def _scalar_of(kind: type | None) -> Scalar:
    """Return the scalar of an argument; a time zone has no type and is text."""
    if kind is None:
        return TEXT
    return enum_scalar(kind) if issubclass(kind, Enum) else SCALARS[kind]


def _bounds(declared: Argument[Any]) -> str:
    least, most = declared.bounds
    if declared.type is None:
        default = " By default the tenant's own." if isinstance(declared.default, Value) else ""
        return f"Name of a time zone, such as Europe/Vienna.{default}"
    if least is None and most is None:
        return ""
    written = [f"{end:,}" if isinstance(end, int | float) else str(end) for end in (least, most) if end is not None]
    return (
        f"From {written[0]} to {written[1]}."
        if len(written) == 2
        else f"{'At least' if most is None else 'At most'} {written[0]}."
    )

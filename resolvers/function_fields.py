"""Fields that functions of a model answer, of objects and of the query type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import strawberry

from loaders.errors import GatewayError
from loaders.model.names import camel
from loaders.model.resolver_functions import REQUIRED
from loaders.model.shapes import Cardinality, Shape, ValueKind
from loaders.objects.object_record import ObjectRecord, values_of
from resolvers.fields import FieldFunction, FieldText, argument, batch_field
from resolvers.function_calls import function_call
from resolvers.type_registry import list_of, optional

if TYPE_CHECKING:
    from strawberry.types.arguments import StrawberryArgument
    from strawberry.types.field import StrawberryField

    from loaders.model.class_reader import DeclaredField
    from loaders.model.model import ObjectType
    from loaders.model.resolver_functions import FunctionArgument
    from resolvers.schema_parts import SchemaParts


def function_field(parts: SchemaParts, kind: ObjectType, field: DeclaredField) -> StrawberryField:
    """Return an object's field that a function answers for all objects at once."""
    shape, name = function_shape(field), f"{kind.name}.{field.name}"
    target = {shape.type.__name__} if shape.kind is ValueKind.OBJECT else set()
    return batch_field(
        FieldText.of(field),
        function_type(parts, shape),
        partial(_answers, parts, name, shape),
        asked=FieldFunction(name, shape),
        arguments=function_arguments(parts, name),
        scopes=kind.field_scopes[field.name].union(*(parts.object_scopes(each) for each in target)),
    )


def function_shape(field: DeclaredField) -> Shape:
    """Return what a function's field answers. Raises GatewayError for anything but values and objects."""
    shape = field.shape
    if shape is None or shape.kind not in (ValueKind.SCALAR, ValueKind.OBJECT) or shape.cardinality is Cardinality.PAGE:
        raise GatewayError(f"{field.place} {field.subject}: a function answers scalars or objects, or a list of these.")
    return shape


def function_type(parts: SchemaParts, shape: Shape) -> Any:
    """Return the type of what a function answers. Objects may be unknown, so that their field is nullable."""
    if shape.kind is ValueKind.SCALAR:
        return parts.leaf(shape)
    declared = parts.registry.named(shape.type.__name__)
    if shape.cardinality is Cardinality.LIST:
        declared = list_of(declared, items_nullable=shape.items_nullable)
    return optional(declared)


def function_arguments(parts: SchemaParts, name: str) -> list[StrawberryArgument]:
    """Return the arguments that a function takes."""
    return [_argument(parts, each) for each in parts.model.functions[name].arguments]


def _argument(parts: SchemaParts, each: FunctionArgument) -> StrawberryArgument:
    declared = parts.leaf(each.shape)
    if each.default is REQUIRED:
        return argument(camel(each.name), declared, "")
    default = each.default
    if default is None:
        return argument(camel(each.name), declared, "")
    (value,) = each.shape.scalar.from_python([default]) if each.shape.scalar and not each.shape.is_list else (default,)
    nullable = declared if each.shape.nullable else optional(declared)
    return argument(camel(each.name), nullable, "", strawberry.UNSET if each.shape.is_list else value)


def _answers(
    parts: SchemaParts,
    name: str,
    shape: Shape,
    parents: Sequence[ObjectRecord],
    arguments: Mapping[str, Any],
    _context: Any,
) -> Sequence[Any]:
    call: Any = function_call(parts.model, name, shape, arguments)
    return values_of(parents, call)  # answers lie with the objects' other values

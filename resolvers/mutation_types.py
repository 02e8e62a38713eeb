"""The mutation type of a model: the author's own class, whose references to objects the gateway loads."""

from __future__ import annotations

import copy
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from strawberry.annotation import StrawberryAnnotation
from strawberry.extensions import FieldExtension
from strawberry.types.base import StrawberryObjectDefinition

from loaders.errors import GatewayError
from loaders.model.names import camel
from loaders.model.shapes import Cardinality, Shape, ShapeError, ValueKind, shape_of
from resolvers.fields import strictest
from resolvers.function_fields import function_type
from resolvers.root_loading import objects_of_references
from resolvers.scopes import RequiresScope
from resolvers.time_limits import StopsAtDeadline
from resolvers.type_registry import make_type

if TYPE_CHECKING:
    from strawberry.types.field import StrawberryField

    from resolvers.schema_parts import SchemaParts


@dataclass(frozen=True, slots=True)
class MutationType:
    """The Strawberry type of mutations, and what those of its fields answer that refer to objects, by name."""

    type: Any = None
    shapes: Mapping[str, Shape] = field(default_factory=dict)


class LoadsReferences(FieldExtension):
    """Loads the objects that a mutation refers to, for the viewer's tenant, once it is done.

    They are asked of the databases: a cached object, or one that an earlier mutation of the request has loaded, may be
    as it was before.
    """

    def __init__(self, parts: SchemaParts, name: str, shape: Shape) -> None:
        self._parts = parts
        self._name = name
        self._shape = shape

    async def resolve_async(self, next_: Any, source: Any, info: Any, **kwargs: Any) -> Any:
        """Return the objects with what is selected of them."""
        answer = await next_(source, info, **kwargs)
        info.context.loaders.objects.clear_all()  # an earlier mutation's answer may have loaded them before this one
        is_list = self._shape.cardinality is Cardinality.LIST
        target = self._shape.type.__name__
        context = replace(info.context, loaders=info.context.loaders.uncached())
        try:
            return await objects_of_references(self._parts, info, context, self._name, target, answer, is_list=is_list)
        except BaseException:
            await context.loaders.release()
            raise


def mutation_type(parts: SchemaParts) -> MutationType:
    """Return the type of the model's mutations. The author's own class stays as it is, so that others may use it."""
    mutation = parts.model.mutation
    if mutation is None:
        return MutationType()
    definition = getattr(mutation, "__strawberry_definition__", None)
    if not isinstance(definition, StrawberryObjectDefinition):
        raise GatewayError(
            f"Model(mutation={mutation.__name__}) is no Strawberry type: write @strawberry.type above it."
        )
    shapes: dict[str, Shape] = {}
    fields = []
    for each in definition.fields:
        shape = _reference_shape(parts, each)
        copied = copy.copy(each)
        copied.extensions = [*each.extensions, StopsAtDeadline()]
        if shape is not None:
            _load_references(parts, copied, f"{definition.name}.{each.python_name}", shape)
            shapes[_name(each)] = shape
        fields.append(copied)
    return MutationType(make_type("Mutation", fields, description=definition.description or ""), shapes)


def _name(each: StrawberryField) -> str:
    return each.graphql_name or camel(each.python_name)


def _load_references(parts: SchemaParts, each: StrawberryField, name: str, shape: Shape) -> None:
    scopes = parts.object_scopes(shape.type.__name__)
    each.type_annotation = StrawberryAnnotation(function_type(parts, shape))
    each.extensions = [
        LoadsReferences(parts, name, shape),
        *each.extensions,
        *(RequiresScope(*scope.split()) for scope in strictest(scopes)),
    ]


def _reference_shape(parts: SchemaParts, each: StrawberryField) -> Shape | None:
    """Return the shape of a field that returns an object of the model or a list of them, otherwise None."""
    resolver = each.base_resolver
    if resolver is None or resolver.type_annotation is None:
        return None
    module = sys.modules.get(resolver.wrapped_func.__module__)
    try:
        shape = shape_of(resolver.type_annotation.raw_annotation, vars(module) if module is not None else {})
    except ShapeError:
        return None
    return shape if shape.kind is ValueKind.OBJECT and shape.type.__name__ in parts.model.objects else None

"""The types of a schema, made from a model: the query type, and all that it reaches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import strawberry

from resolvers.connections import object_connection
from resolvers.cursors import CursorSealer
from resolvers.fields import FieldText, argument, async_field
from resolvers.function_fields import function_arguments, function_shape, function_type
from resolvers.mutation_types import mutation_type
from resolvers.object_types import node_interface, object_type
from resolvers.root_loading import resolver_of
from resolvers.roots import Root, RootKind, roots_of
from resolvers.scalar_types import leaf_type
from resolvers.schema_parts import SchemaParts
from resolvers.type_registry import list_of, make_type, optional

if TYPE_CHECKING:
    from strawberry.types.arguments import StrawberryArgument
    from strawberry.types.field import StrawberryField

    from loaders.model.model import Model
    from loaders.model.shapes import Shape


@dataclass(frozen=True, slots=True)
class ModelTypes:
    """The types of one schema. Schemas do not share types, since Strawberry stores state on each type."""

    query: type
    types: tuple[type, ...]
    """All object types, including those that no root field returns."""
    mutation: type | None
    """The model's own mutations; None where it has none."""
    parts: SchemaParts
    roots: Mapping[str, Root]
    mutations: Mapping[str, Shape]
    """The return shapes of mutations that return references to objects, by the fields' names in the API."""


def build_types(model: Model, cursors: CursorSealer | None = None) -> ModelTypes:
    """Return the types that a model has in GraphQL. Processes that share a `cursors` open each other's cursors."""
    parts = SchemaParts.of(model, cursors or CursorSealer())
    for each in model.objects.values():
        object_type(parts, each)
    roots = roots_of(model)
    query = make_type(
        "Query", [_root_field(parts, root) for root in roots.values()], description=model.query_description
    )
    types = tuple(parts.registry[name] for name in model.objects)
    mutation = mutation_type(parts)
    return ModelTypes(query, types, mutation.type, parts, roots, mutation.shapes)


def _root_field(parts: SchemaParts, root: Root) -> StrawberryField:
    text = FieldText.of(root.field, _default_description(parts, root))
    return async_field(
        text,
        _answer(parts, root),
        resolver_of(parts, root),
        arguments=_arguments(parts, root),
        scopes=_scopes(parts, root),
    )


def _default_description(parts: SchemaParts, root: Root) -> str:
    if root.object_type:
        return parts.model.objects[root.object_type].description
    return "Anything by its `nodeId`." if root.kind is RootKind.NODE else ""


def _answer(parts: SchemaParts, root: Root) -> Any:
    shape = root.field.shape
    if shape is None:
        raise TypeError(root.field.subject)
    if root.kind is RootKind.RESOLVER:
        return function_type(parts, function_shape(root.field))
    if root.kind is RootKind.PAGE:
        declared = object_connection(parts, parts.model.objects[root.object_type])
    elif root.kind is RootKind.NODE:
        declared = node_interface(parts)
    else:
        declared = parts.registry.named(root.object_type)
    if root.is_list:
        declared = list_of(declared, items_nullable=shape.items_nullable)
    return optional(declared, nullable=shape.nullable)


def _arguments(parts: SchemaParts, root: Root) -> list[StrawberryArgument]:
    if root.kind is RootKind.PAGE and root.section is not None:
        return parts.inputs.list_arguments(root.field, root.section)
    if root.kind is RootKind.RESOLVER:
        return function_arguments(parts, root.function_name)
    if root.columns and root.section is not None:
        leaves = (leaf_type(scalar, parts.registry) for scalar in root.section.key.scalars)
        return [argument(name, leaf, "") for name, leaf in zip(root.columns, leaves, strict=True)]
    if not root.argument:
        return []
    declared: Any = strawberry.ID
    description = "The keys, at most 500 by default." if root.is_list else "The key."
    if root.kind is RootKind.NODE:
        description = "Each a `nodeId`." if root.is_list else "A `nodeId`."
    elif root.kind is RootKind.UNIQUE and root.section is not None and len(root.section.key.scalars) > 1:
        description = "The values, each joined by colons."
    elif root.kind is RootKind.UNIQUE and root.section is not None:
        declared = leaf_type(root.section.key.scalars[0], parts.registry)
        description = ""
    return [argument(root.argument, list_of(declared) if root.is_list else declared, description)]


def _scopes(parts: SchemaParts, root: Root) -> frozenset[str]:
    """Return what a root field needs: of a node any of what object types need, where all need something."""
    if root.kind is RootKind.NODE:
        needed = [parts.object_scopes(name) for name in parts.model.objects]
        names = dict.fromkeys(name for scopes in needed for scope in sorted(scopes) for name in scope.split())
        return frozenset({" ".join(names)}) if all(needed) else frozenset()
    if not root.object_type:
        return frozenset()
    own = root.section.scopes if root.section is not None else frozenset[str]()
    return own | parts.object_scopes(root.object_type)

"""Schemas that are made from models, without the gateway around them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import strawberry
from strawberry.schema.config import StrawberryConfig

from loaders.model.compilation import compile_model
from loaders.model.declaration import ModelDeclaration
from loaders.model.model import Model
from resolvers.cursors import CursorSealer
from resolvers.descriptions import describe
from resolvers.query_types import ModelTypes, build_types
from resolvers.scalars import SCALAR_MAP
from tests.models import loaded_model

CURSORS = CursorSealer(b"the tests' own secret")


def schema_of(model: Model) -> tuple[strawberry.Schema, ModelTypes]:
    """Return the schema of a model, and its types."""
    types = build_types(model, CURSORS)
    config = StrawberryConfig(
        auto_camel_case=True, enable_experimental_incremental_execution=True, scalar_map=dict(SCALAR_MAP)
    )
    schema = strawberry.Schema(query=types.query, mutation=types.mutation, types=types.types, config=config)
    describe(schema._schema, model.descriptions, model.place)
    return schema, types


@lru_cache(maxsize=8)
def named(model: str) -> tuple[Any, ModelTypes]:
    """Return the schema of graphql-core and the types of one of the repository's models."""
    schema, types = schema_of(loaded_model(model))
    return schema._schema, types


def declared(model: ModelDeclaration) -> tuple[Any, ModelTypes]:
    """Return the schema of graphql-core and the types of a declaration."""
    schema, types = schema_of(compile_model(model))
    return schema._schema, types

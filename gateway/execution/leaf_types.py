"""The types of leaves whose values generated code recognizes and writes."""

from __future__ import annotations

from dataclasses import dataclass

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLString,
)
from strawberry.schema.schema_converter import CustomGraphQLEnumType

from loaders.model.scalars import BOOLEAN, FLOAT, INTEGER, TEXT, Scalar
from resolvers.scalars import scalar_of

CORE_SCALARS = (
    (GraphQLInt, INTEGER),
    (GraphQLFloat, FLOAT),
    (GraphQLString, TEXT),
    (GraphQLID, TEXT),
    (GraphQLBoolean, BOOLEAN),
)
"""GraphQL's own scalars, with the model's that hold their values."""


@dataclass(frozen=True, slots=True)
class LeafType:
    """The expressions of `{v}` that recognize and write a leaf.

    A value that fails the guard (a bool as Int, a NaN, an exception in place of a value) is graphql-core's to coerce
    or to refuse. `written` may be an object that only orjson writes where the answer is encoded at once.
    """

    name: str
    guard: str
    written: str


def leaf_type(declared: GraphQLOutputType, *, encoded: bool) -> LeafType | None:
    """Return the leaf type of a nullable scalar or enum; None where graphql-core has to write its values.

    A scalar is known by its definition: another one of the same name is written as it says. An enum is known where its
    values are its names, as canonical values are.
    """
    if isinstance(declared, GraphQLEnumType):
        return _enum_leaf_type(declared)
    if not isinstance(declared, GraphQLScalarType):
        return None
    scalar = next((scalar for core, scalar in CORE_SCALARS if declared is core), None)
    scalar = scalar or scalar_of(declared.extensions.get("strawberry-definition"))
    if scalar is None:
        return None
    return LeafType(declared.name, scalar.guard, _written(scalar, encoded=encoded))


def _written(scalar: Scalar, *, encoded: bool) -> str:
    return scalar.encoded if encoded else scalar.written


def _enum_leaf_type(declared: GraphQLEnumType) -> LeafType | None:
    if type(declared) not in (GraphQLEnumType, CustomGraphQLEnumType):
        return None  # its values may be written in another way
    if any(value.value != name for name, value in declared.values.items()):
        return None
    return LeafType(declared.name, f"type({{v}}) is str and {{v}} in {tuple(declared.values)!r}", "{v}")

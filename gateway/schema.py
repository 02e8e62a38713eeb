"""The schema, built from the resolvers' types, with the way that operations on it are executed."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

import strawberry
from graphql import GraphQLError, GraphQLScalarType, is_specified_scalar_type
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig

from gateway.auth.operation import RefuseForbidden
from gateway.documents import Documents
from gateway.errors import ErrorMasking
from gateway.execution.executor import ColumnExecutor
from resolvers.cost_estimate import estimate_cost
from resolvers.cursors import CursorSealer
from resolvers.descriptions import describe
from resolvers.query_types import build_types
from resolvers.scalars import SCALAR_MAP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from graphql import FragmentDefinitionNode, OperationDefinitionNode, ValueNode
    from graphql.execution.values import VariableValues
    from strawberry.types import ExecutionContext

    from loaders.model.model import Model
    from resolvers.cost_estimate import CostEstimate
    from resolvers.query_types import ModelTypes


class GatewaySchema(strawberry.Schema):
    """A Strawberry schema that caches documents, and whose errors are logged only where they are masked."""

    documents: Documents
    model: Model
    types: ModelTypes
    field_scopes: frozenset[str]
    """The scopes that fields need: a request with all of them may read everything."""

    def estimate(
        self,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: VariableValues,
        scopes: frozenset[str],
        tenant: str | None = None,
    ) -> CostEstimate:
        """Return the cost of a valid operation with coerced variables. Raises GraphQLError for invalid directives."""
        return estimate_cost(self.types, self._schema, operation, fragments, variables, scopes, tenant or "")

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Do not log: errors are logged where they are masked."""


class _CachedDocuments(SchemaExtension):
    """Takes documents and their errors from the cache."""

    def on_parse(self) -> Iterator[None]:
        """Provide the parsed document before Strawberry parses it."""
        context = self.execution_context
        document = _documents(context).get(context.query or "")
        if document.node is None:
            raise document.errors[0]
        in_parts = getattr(context.context, "in_parts", False)
        context.graphql_document = document.executed(in_parts=in_parts).node
        yield

    def on_validate(self) -> Iterator[None]:
        """Provide the validation errors before Strawberry validates."""
        context = self.execution_context
        context.pre_execution_errors = list(_documents(context).get(context.query or "").errors)
        yield


class _WithoutSuggestions(ColumnExecutor):
    """Reports that a variable's value is invalid, without suggestions."""

    @classmethod
    def build(cls, *args: Any, **kwargs: Any) -> Any:
        """Build the execution without suggestions."""
        return super().build(*args, **kwargs | {"hide_suggestions": True})


def _documents(context: ExecutionContext) -> Documents:
    schema = context.schema
    if not isinstance(schema, GatewaySchema):
        raise TypeError("Only the gateway's own schema caches documents.")
    return schema.documents


def _located(parse: Callable[..., Any]) -> Callable[..., Any]:
    """Return the parser of a scalar's literals, with the place of a bad one in its error, as graphql-core's own."""

    @wraps(parse)
    def located(node: ValueNode, variables: dict[str, Any] | None = None) -> Any:
        try:
            return parse(node, variables)
        except GraphQLError as error:
            if error.nodes:
                raise
            raise GraphQLError(error.message, node, original_error=error.original_error) from error

    return located


def build_schema(
    model: Model,
    *,
    introspection: bool = True,
    suggestions: bool = True,
    cursor_secret: str = "",
) -> GatewaySchema:
    """Build a new schema of a model.

    Two schemas that share types would share what Strawberry attaches to them. Processes with the same `cursor_secret`
    open each other's cursors. Raises ModelError for a description of something that the schema does not have.
    """
    types = build_types(model, CursorSealer(cursor_secret.encode() or None))
    schema = GatewaySchema(
        query=types.query,
        mutation=types.mutation,
        types=types.types,
        config=StrawberryConfig(
            auto_camel_case=True, enable_experimental_incremental_execution=True, scalar_map=dict(SCALAR_MAP)
        ),
        execution_context_class=ColumnExecutor if suggestions else _WithoutSuggestions,
        extensions=[_CachedDocuments, RefuseForbidden, ErrorMasking],
    )
    core = schema._schema
    for declared in core.type_map.values():
        if isinstance(declared, GraphQLScalarType) and not is_specified_scalar_type(declared):
            declared.parse_literal = _located(declared.parse_literal)  # type: ignore[method-assign]
    describe(core, model.descriptions, model.place)
    schema.model, schema.types = model, types
    schema.field_scopes = types.parts.field_scopes
    schema.documents = Documents(core, introspection=introspection, suggestions=suggestions)
    return schema

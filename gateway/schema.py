"""The schema, built from the resolvers' types, and what of an error is shown."""

import logging

import strawberry
from graphql import GraphQLError
from strawberry.extensions import MaskErrors, ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from gateway.execution.executor import ColumnExecutor
from loaders.stores.errors import CallerError
from resolvers.query import Query

MASKED = "Something went wrong on our side."

_LONGEST_MESSAGE = 2_000
"""Characters of a logged message. ClickHouse repeats the whole statement in its errors, thousands of ids and all."""

_CACHED_DOCUMENTS = 256
"""Documents that are kept parsed and validated; a frontend has some dozens. Without a bound, a client could fill it."""

_log = logging.getLogger("gateway")


class GatewaySchema(strawberry.Schema):
    """Logs what is masked, and only that: a caller's fault is the caller's to know."""

    def process_errors(
        self,
        errors: list[GraphQLError],
        execution_context: ExecutionContext | None = None,  # noqa: ARG002 (Strawberry's signature)
    ) -> None:
        """Each cause once, however many fields it nulled."""
        causes = {id(error.original_error): error for error in errors if is_masked(error)}
        for error in causes.values():
            path = ".".join(str(step) for step in error.path or ())
            message = str(error.original_error)[:_LONGEST_MESSAGE]
            fields = sum(other.original_error is error.original_error for other in errors)
            _log.error("%s at %s (%d fields): %s", type(error.original_error).__name__, path, fields, message)


def build_schema() -> strawberry.Schema:
    """A schema of its own: two that share types would share what Strawberry hangs on them."""
    return GatewaySchema(
        query=Query,
        config=StrawberryConfig(auto_camel_case=True),
        execution_context_class=ColumnExecutor,
        extensions=[
            lambda: ParserCache(maxsize=_CACHED_DOCUMENTS),
            lambda: ValidationCache(maxsize=_CACHED_DOCUMENTS),
            lambda: MaskErrors(should_mask_error=is_masked, error_message=MASKED),
        ],
    )


def is_masked(error: GraphQLError) -> bool:
    """Whether an error's text is for the log alone: anything that is neither GraphQL's own nor the caller's fault."""
    return error.original_error is not None and not isinstance(error.original_error, CallerError | GraphQLError)

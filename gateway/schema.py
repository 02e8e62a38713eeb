"""The schema, built from the resolvers' types."""

import strawberry
from graphql import GraphQLError
from strawberry.extensions import MaskErrors
from strawberry.schema.config import StrawberryConfig

from loaders.stores.errors import CallerError, SystemFault
from resolvers.query import Query

MASKED = "Something went wrong on our side."


def build_schema() -> strawberry.Schema:
    """A schema of its own: two that share types would share what Strawberry hangs on them."""
    return strawberry.Schema(
        query=Query,
        config=StrawberryConfig(auto_camel_case=True),
        extensions=[lambda: MaskErrors(should_mask_error=is_masked, error_message=MASKED)],
    )


def is_masked(error: GraphQLError) -> bool:
    """Whether an error's text is for the log alone: anything that is neither GraphQL's own nor the caller's fault."""
    return error.original_error is not None and not isinstance(error.original_error, CallerError | GraphQLError)


__all__ = ["MASKED", "SystemFault", "build_schema", "is_masked"]

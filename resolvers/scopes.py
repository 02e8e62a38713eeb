"""Scopes: what a request may read, and which fields need one."""

from collections.abc import Collection, Iterator, Sequence
from enum import StrEnum
from typing import Any

import strawberry
from graphql import GraphQLField
from strawberry.extensions import FieldExtension
from strawberry.types.field import StrawberryField

from loaders.errors import CallerError

FORBIDDEN = "FORBIDDEN"


class Scope(StrEnum):
    """The gateway's own scopes, beside those of a model."""

    EXPORT = "export"
    """The export of all objects, beside the scopes of what is in it."""
    EXPLAIN = "explain"
    """How an operation is planned, with the stores' SQL."""
    STATUS = "status"
    """The gateway's present work, by operation, section, statement and store."""


class ForbiddenError(CallerError):
    """Something needs a scope that the request does not have: any one of these."""

    def __init__(self, what: str, *scopes: str) -> None:
        super().__init__(f"{what} needs the scope {' or '.join(scopes)}.")
        self.scopes = scopes
        self.extensions = {"code": FORBIDDEN}  # graphql-core takes them over into its error


class RequiresScope(FieldExtension):
    """Makes a field one that needs a scope, or any one of several: ForbiddenError without it.

    It does not keep from being loaded what the field answers, nor a non-null field from taking its parent with it: what
    reads the selection leaves such fields out, and whoever executes refuses operations with such non-null fields.
    """

    def __init__(self, *scopes: str) -> None:
        self.scopes = scopes

    def resolve(self, next_: Any, source: Any, info: strawberry.Info, **kwargs: Any) -> Any:
        """The field's own answer, where it is allowed."""
        self._check(info)
        return next_(source, info, **kwargs)

    async def resolve_async(self, next_: Any, source: Any, info: strawberry.Info, **kwargs: Any) -> Any:
        """The same of an asynchronous resolver."""
        self._check(info)
        return await next_(source, info, **kwargs)

    def _check(self, info: strawberry.Info) -> None:
        if not self.allows(info.context.scopes):
            raise ForbiddenError(info.field_name, *self.scopes)

    def allows(self, scopes: Collection[str]) -> bool:
        """Return whether a request with these scopes may read the field."""
        return any(scope in scopes for scope in self.scopes)


def required_scopes(field: GraphQLField) -> Iterator[RequiresScope]:
    """Yield what a field requires: all of it, each met by any of its scopes."""
    definition = field.extensions.get("strawberry-definition")
    if isinstance(definition, StrawberryField):
        yield from (extension for extension in definition.extensions if isinstance(extension, RequiresScope))


def missing_scope(field: GraphQLField, scopes: Collection[str]) -> Sequence[str]:
    """Return the scopes any one of which the field needs, where none is among these; () where it may be read."""
    return next((required.scopes for required in required_scopes(field) if not required.allows(scopes)), ())


def unmet_scopes(needed: Collection[str], scopes: Collection[str]) -> Sequence[str]:
    """Return the scopes any one of which is missing; () where all that is needed is there.

    What is needed is met by any of the scopes that it lists with spaces between.
    """
    for each in sorted(needed):
        alternatives = each.split()
        if not any(scope in scopes for scope in alternatives):
            return alternatives
    return ()

"""Scopes: what a request may read, and which fields need one."""

from collections.abc import Collection
from enum import StrEnum
from typing import Any

import strawberry
from graphql import GraphQLField
from strawberry.extensions import FieldExtension
from strawberry.types.field import StrawberryField

from loaders.catalogue.declaration import READ_ANALYSIS, READ_REGISTER
from loaders.stores.errors import CallerError

FORBIDDEN = "FORBIDDEN"


class Scope(StrEnum):
    """What a request may be allowed, each apart from the others."""

    REGISTER = READ_REGISTER
    """The register of aircraft, airlines and airports, and what is computed from it."""
    ANALYSIS = READ_ANALYSIS
    EXPORT = "export"
    """The export of the whole fleet, beside the scopes of what is in it."""
    EXPLAIN = "explain"
    """How an operation is planned, with the stores' SQL."""


ALL_SCOPES: frozenset[str] = frozenset(Scope)
FIELD_SCOPES: frozenset[str] = frozenset({Scope.REGISTER, Scope.ANALYSIS})
"""Those that fields need: who has them may read everything."""


class ForbiddenError(CallerError):
    """Something needs a scope that the request does not have."""

    def __init__(self, what: str, scope: Scope) -> None:
        super().__init__(f"{what} needs the scope {scope}.")
        self.scope = scope
        self.extensions = {"code": FORBIDDEN}  # graphql-core takes them over into its error


class Needs(FieldExtension):
    """Makes a field one that needs a scope: ForbiddenError without it.

    It does not keep from being loaded what the field answers, nor a non-null field from taking its parent with it: what
    reads the selection leaves such fields out, and whoever executes refuses operations with such non-null fields.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    def resolve(self, next_: Any, source: Any, info: strawberry.Info, **kwargs: Any) -> Any:
        """The field's own answer, where it is allowed."""
        self._check(info)
        return next_(source, info, **kwargs)

    async def resolve_async(self, next_: Any, source: Any, info: strawberry.Info, **kwargs: Any) -> Any:
        """The same of an asynchronous resolver."""
        self._check(info)
        return await next_(source, info, **kwargs)

    def _check(self, info: strawberry.Info) -> None:
        if self.scope not in info.context.scopes:
            raise ForbiddenError(info.field_name, self.scope)


def lacking(field: GraphQLField, scopes: Collection[str]) -> Scope | None:
    """The scope that the field needs and that is not among these; None where it may be read."""
    definition = field.extensions.get("strawberry-definition")
    if isinstance(definition, StrawberryField):
        for extension in definition.extensions:
            if isinstance(extension, Needs) and extension.scope not in scopes:
                return extension.scope
    return None

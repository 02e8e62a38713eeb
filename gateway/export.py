"""What exports share: their budget, their parameters, and the errors that they show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphql import GraphQLError
from starlette.requests import Request

from gateway.errors import masked
from gateway.http.errors import HTTPError, bad_request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.types import Scope

    from gateway.auth.viewer import Viewer
    from gateway.rate_limit import RateLimit

MEDIA_TYPE = "application/x-ndjson"
_PARAMETERS = ("ids", "after")


@dataclass(frozen=True, slots=True)
class ExportBudget:
    """The budget of an export's viewer, whom `viewer_of` authenticates again for each charge."""

    rate_limit: RateLimit
    scope: Scope
    viewer_of: Callable[[], Awaitable[Viewer]]

    async def charge(self, points: int, *, waits: bool = False) -> None:
        """Charge points, with `waits` as soon as the budget has them.

        Raises RequestError for more than a minute has, and HTTPError if the viewer may not export any more or, without
        `waits`, if the budget is used up for now.
        """
        viewer = await self.viewer_of()
        charge = self.rate_limit.wait if waits else self.rate_limit.charge
        await charge(self.scope, points, viewer=viewer.budget_name, cost_per_minute=viewer.limits.cost_per_minute)


async def nothing() -> AsyncIterator[bytes]:
    """Yield no lines: HEAD loads nothing."""
    for line in list[bytes]():
        yield line


def parameters(request: Request) -> dict[str, str]:
    """Return the URL's parameters. Raises HTTPError for one that is unknown or repeated.

    A misspelt `ids` would export all objects, and of a repeated one all but the last would be lost.
    """
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in _PARAMETERS:
            known = " and ".join(_PARAMETERS)
            raise bad_request(f"The export has no parameter {name[:100]!r}: it takes {known}.")
        if name in given:
            raise bad_request(f"The parameter {name} is there twice: send it once, with several ids between commas.")
        given[name] = value
    return given


def shown_error(error: Exception) -> GraphQLError:
    if isinstance(error, HTTPError):
        return error.error
    return error if isinstance(error, GraphQLError) else masked([GraphQLError("", original_error=error)])[0]

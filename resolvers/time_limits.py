"""End functions and mutations of a model's author at the deadline of the request."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from strawberry.extensions import FieldExtension

from loaders.deadline import seconds_left, time_limit
from loaders.errors import CallerError

DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
"""The code of what was not done by the deadline of its request, other than a store's statement."""


class FunctionTimeoutError(CallerError):
    """A function or a mutation of the model was not done by the deadline of the request, and was cancelled."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} was not done by the deadline of the request, and was stopped.")
        self.extensions = {"code": DEADLINE_EXCEEDED}  # graphql-core takes them over into its error


@asynccontextmanager
async def stopped_at_deadline(name: str) -> AsyncIterator[None]:
    """Cancel what the block awaits at the current deadline, and raise FunctionTimeoutError then."""
    try:
        async with time_limit(None):
            yield
    except TimeoutError:
        if seconds_left(math.inf):  # the function's own
            raise
        raise FunctionTimeoutError(name) from None


class StopsAtDeadline(FieldExtension):
    """Ends a mutation at the deadline: it is cancelled in what it awaits, and part of it may have been done."""

    def resolve(self, next_: Any, source: Any, info: Any, **kwargs: Any) -> Any:
        """Return the answer of a function that awaits nothing, and so cannot be stopped."""
        return next_(source, info, **kwargs)

    async def resolve_async(self, next_: Any, source: Any, info: Any, **kwargs: Any) -> Any:
        """Return the field's answer."""
        async with stopped_at_deadline(info.field_name):
            return await next_(source, info, **kwargs)

"""The context of a request, which resolvers get: its loaders, its scopes, and what is still being loaded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from resolvers.deferred_loading import DeferredLoads


class Loaders(Protocol):
    """The loaders of one request and one tenant."""

    @property
    def objects(self) -> Any:
        """Loads objects by (key space, keys, requests)."""

    @property
    def tenant(self) -> Any:
        """The viewer's tenant; None where the model has none."""

    def uncached(self) -> Loaders:
        """Return loaders with nothing loaded and without a cache."""

    async def release(self) -> None:
        """Drop what was loaded."""


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The loaders of one request, its scopes, and what is still being loaded."""

    loaders: Loaders
    scopes: frozenset[str]
    """The scopes of its viewer."""
    encode_in_chunks: bool = False
    """Whether large lists may be answered as encoded JSON, for an encoder that takes it as it is."""
    in_parts: bool = False
    """Whether the answer may come in parts, where @defer and @stream say so; otherwise they are not heeded."""
    deferred: DeferredLoads = field(default_factory=DeferredLoads)

    @property
    def tenant(self) -> str:
        """The text of the tenant's key; empty for a model without tenants."""
        scope = self.loaders.tenant
        return "" if scope is None else str(scope.text)

    async def release(self) -> None:
        """Drop what was loaded, when the answer is made.

        graphql-core's executor refers to itself and to this context: without this, a large answer's rows would stay
        until the garbage collector comes to its oldest generation.
        """
        await self.deferred.release()
        await self.loaders.release()

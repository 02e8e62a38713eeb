"""What resolvers get with each request."""

from dataclasses import dataclass, field

import strawberry

from loaders.request_loaders import RequestLoaders
from resolvers.deferred import Deferred
from resolvers.links import RecordLinks
from resolvers.scopes import ALL_SCOPES


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The loaders of one request, what links led to, and what is still being loaded."""

    loaders: RequestLoaders
    links: RecordLinks
    encode_in_chunks: bool = False
    """Whether large lists may be answered as encoded JSON, for an encoder that takes it as it is."""
    in_parts: bool = False
    """Whether the answer may come in parts, where @defer and @stream say so; otherwise they are not heeded."""
    deferred: Deferred = field(default_factory=Deferred)
    scopes: frozenset[str] = ALL_SCOPES
    """What the request may read."""

    @classmethod
    def of(
        cls,
        loaders: RequestLoaders,
        *,
        encode_in_chunks: bool = False,
        in_parts: bool = False,
        scopes: frozenset[str] = ALL_SCOPES,
    ) -> "RequestContext":
        """A new request's context."""
        return cls(loaders, RecordLinks(loaders), encode_in_chunks, in_parts, scopes=scopes)

    async def release(self) -> None:
        """Let go of what was loaded, when the answer is made.

        graphql-core's executor refers to itself and to this context: without this, a large answer's rows would stay
        until the garbage collector comes to its oldest generation.
        """
        await self.deferred.release()
        self.links.release()
        await self.loaders.release()


Info = strawberry.Info[RequestContext, None]

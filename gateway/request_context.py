"""The context of a request: the loaders of its viewer's tenant, and the viewer's scopes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.auth.model_access import ModelAccess
from loaders.objects.request_loaders import RequestLoaders
from resolvers.request_context import RequestContext

if TYPE_CHECKING:
    from gateway.stores import Stores


def open_context(
    stores: Stores,
    scopes: frozenset[str],
    tenant: str | None,
    *,
    encode_in_chunks: bool = False,
    in_parts: bool = False,
    past_cache: bool = False,
) -> RequestContext:
    """Return a new request's context. `tenant` is the text of the tenant's key, None for a model without tenants.

    With `past_cache`, a model's objects are read from the databases alone. Raises TypeError where the model has tenants
    and this is none. Release the context when the answer is made.
    """
    scope = ModelAccess.of(stores.model).tenant_scope(tenant)
    cache = None if past_cache else stores.cache
    loaders = RequestLoaders.over(stores.model, stores.databases, cache, scope, stores.faults)
    return RequestContext(loaders, scopes, encode_in_chunks=encode_in_chunks, in_parts=in_parts)

"""Listening to the changes that a model declares, for the cache of this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from loaders.cache.change_listener import ChangeListener
from loaders.cache.invalidation import Invalidator
from loaders.cache.listener_health import CombinedHealth, ListenerHealth
from loaders.cache.listener_lease import ListenerLease
from loaders.objects.change_feeds import FeedGroup, feed_groups

if TYPE_CHECKING:
    from loaders.cache.cache import Cache
    from loaders.model.databases import Database
    from loaders.model.model import Model
    from loaders.objects.polled_table import PolledStore
    from loaders.stores.redis import Redis


@asynccontextmanager
async def listen_to_changes(
    model: Model, databases: Mapping[Database, PolledStore], redis: Redis, cache: Cache, settle_s: float
) -> AsyncIterator[CombinedHealth | None]:
    """Take part in listening to the changes that the model declares, to the end of the block.

    One process of those that share a Redis and a model listens for all. Yields whether changes are heard, after
    `settle_s` at the latest; None for a model that declares no changes.
    """
    groups = list(feed_groups(model, databases))
    if not groups:
        yield None
        return
    healths = [_health(group, cache) for group in groups]
    cache.listener_health = health = CombinedHealth(healths)
    listeners = [_listener(group, redis, of_group) for group, of_group in zip(groups, healths, strict=True)]
    for listener in listeners:
        listener.start()
    try:
        await asyncio.gather(*(listener.settle(settle_s) for listener in listeners))
        yield health
    finally:
        await asyncio.gather(*(listener.stop() for listener in listeners))


def _health(group: FeedGroup, cache: Cache) -> ListenerHealth:
    source = group.source
    return ListenerHealth(source.whole.sources, partial(cache.apply, source.whole), subject=source.subject)


def _listener(group: FeedGroup, redis: Redis, health: ListenerHealth) -> ChangeListener:
    lease = ListenerLease(redis, group.group)
    return ChangeListener(group.source, Invalidator(redis).invalidate, lease, health)

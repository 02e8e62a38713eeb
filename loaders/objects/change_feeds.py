"""The change feeds of a model: where each database tells of changes, and which processes share the listening."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from loaders.cache.change_source import ChangeSource
from loaders.cache.invalidation import Change
from loaders.cache.notifications import NotificationSource
from loaders.model.change_feeds import ChangeFeed, Notifies, Polls
from loaders.model.databases import Database, Kind
from loaders.model.digests import digest_of
from loaders.model.model import Model
from loaders.objects.change_messages import ChannelMessages
from loaders.objects.polled_table import PolledStore
from loaders.objects.polling import PollingSource
from loaders.objects.table_changes import TableChanges, merged
from loaders.stores.postgres import Postgres

_PRODUCTS = {Kind.POSTGRES: "PostgreSQL", Kind.CLICKHOUSE: "ClickHouse"}


@dataclass(frozen=True, slots=True)
class FeedGroup:
    """A source of changes, and the name of the processes of which one listens to it for all: those that declare it."""

    source: ChangeSource
    group: str


def feed_groups(model: Model, databases: Mapping[Database, PolledStore]) -> Iterator[FeedGroup]:
    """Yield what is to be listened to: for each database its channels, and the tables of it that are polled."""
    for database in model.databases:
        store, subject = databases[database], _subject(database)
        notifying = _tables(model, database, Notifies)
        if notifying and isinstance(store, Postgres):
            yield FeedGroup(_notifications(store, notifying, subject), _group(model, notifying))
        polled = _tables(model, database, Polls)
        if polled:
            kind = "postgresql" if isinstance(store, Postgres) else "clickhouse"
            yield FeedGroup(PollingSource(polled, store, f"polled tables of {subject}", kind), _group(model, polled))


def _notifications(postgres: Postgres, tables: Iterable[TableChanges], subject: str) -> NotificationSource:
    by_channel: dict[str, list[TableChanges]] = {}
    for each in tables:
        feed = each.table.options.changes
        if isinstance(feed, Notifies):
            by_channel.setdefault(feed.channel, []).append(each)
    readers: dict[str, Callable[[str], Change]] = {
        channel: ChannelMessages.of(channel, some) for channel, some in by_channel.items()
    }
    return NotificationSource(postgres, readers, merged(each.whole() for each in tables), subject)


def _tables(model: Model, database: Database, kind: type[ChangeFeed]) -> list[TableChanges]:
    tables = (table for table in model.tables if table.database is database)
    return [TableChanges.of(model, table) for table in tables if isinstance(table.options.changes, kind)]


def _subject(database: Database) -> str:
    return f"{_PRODUCTS[database.kind]} {database.name}".rstrip()


def _group(model: Model, tables: Iterable[TableChanges]) -> str:
    """Return a name that processes share which read the same messages alike, and no others."""
    feeds = (f"{each.table.database.variable} {each.table.name} {each.table.options.changes}" for each in tables)
    return f"{model.name}:{digest_of([model.digest, *feeds])}"

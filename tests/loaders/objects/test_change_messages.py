"""Messages on a channel of PostgreSQL: what they invalidate of a model."""

from __future__ import annotations

from collections.abc import Callable

import orjson
import pytest

from loaders.cache.invalidation import Change
from loaders.model.change_feeds import Notifies
from loaders.model.model import Model
from loaders.objects.cache_names import CacheNames
from loaders.objects.change_messages import ChannelMessages
from loaders.objects.table_changes import TableChanges
from tests.loaders.objects import feeds_model

WHOLE = ("feeds:crm:app.members", "feeds:crm:app.memberships", "feeds:crm:app.plans")


def reader(model: Model, channel: str) -> ChannelMessages:
    """Return what reads the messages of a channel."""
    declared = ((table, table.options.changes) for table in model.tables)
    tables = [table for table, feed in declared if isinstance(feed, Notifies) and feed.channel == channel]
    return ChannelMessages.of(channel, [TableChanges.of(model, table) for table in tables])


@pytest.fixture(scope="module")
def read(feeds: Model) -> Callable[[str], Change]:
    """Reads messages about the model of this folder."""
    return reader(feeds, feeds_model.CHANNEL)


@pytest.mark.parametrize(
    ("message", "change"),
    [
        (
            {"table": "members", "keys": ["7", 8], "tenant": "a"},
            Change(("feeds:Member:a:7", "feeds:Member:a:8"), ("feeds:crm:app.members*@a",)),
        ),
        ({"table": "memberships", "keys": [7], "tenant": "a:b"}, Change(("feeds:Member:a%3Ab:7",))),
        ({"table": "app.members", "keys": [7]}, Change(sources=("feeds:crm:app.members",))),
        ({"table": "members", "tenant": "a"}, Change(sources=("feeds:crm:app.members",))),
        ({"table": "members", "keys": [], "tenant": "a"}, Change(sources=("feeds:crm:app.members",))),
        ({"table": "plans", "keys": ["basic"]}, Change(sources=("feeds:crm:app.plans",))),
        ({"table": "plans", "keys": ["basic"], "tenant": "a"}, Change(sources=("feeds:crm:app.plans",))),
    ],
    ids=lambda value: orjson.dumps(value).decode() if isinstance(value, dict) else "",
)
def test_a_message_concerns_the_objects_that_it_names_or_the_table(
    read: Callable[[str], Change], message: dict[str, object], change: Change
) -> None:
    assert read(orjson.dumps(message).decode()) == change


@pytest.mark.parametrize(
    "message",
    [
        "",
        "[]",
        '{"keys": ["7"]}',
        '{"table": "projects"}',
        '{"table": ["members"]}',
        '{"table": "members", "keys": "7"}',
        '{"table": "members", "keys": ["seven"], "tenant": "a"}',
        '{"table": "members", "keys": [true], "tenant": "a"}',
        '{"table": "members", "keys": [null], "tenant": "a"}',
        '{"table": "members", "keys": ["7"], "tenant": {}}',
    ],
)
def test_a_message_that_cannot_be_read_is_a_change_of_all_tables_of_the_channel(
    read: Callable[[str], Change], message: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert sorted(read(message).sources) == sorted(WHOLE)
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_revision_concerns_its_aircraft_and_what_is_read_of_revisions_alone(fleet: Model) -> None:
    """What compares aircraft reads their latest revision from another table, which announces itself."""
    read = reader(fleet, "gateway_changes")
    assert read('{"table": "register", "keys": ["N1"]}') == Change(("fleet:Aircraft::N1",))
    assert read('{"table": "register"}') == Change(sources=("fleet::public.register",))
    assert "fleet::public.register" in CacheNames("fleet").sources(fleet.bound_sections["Aircraft.revisions"])

"""Messages on a channel of PostgreSQL: what they invalidate of any model, and of the fleet what they always have."""

from __future__ import annotations

from collections.abc import Callable

import orjson
import pytest

from loaders.cache.invalidation import Change
from loaders.cache.register_changes import parse_change
from loaders.catalogue import SECTIONS
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


FLEET_MESSAGES = [
    '{"table": "aircraft", "keys": ["N1", "N2:x"]}',
    '{"table": "aircraft"}',
    '{"table": "airline", "keys": ["XX"]}',
    '{"table": "airline"}',
    '{"table": "airport", "keys": ["XXX"]}',
    '{"table": "airport"}',
    "no message",
]
OLD_PREFIXES = {"Aircraft": "aircraft:", "Airline": "airline:", "Airport": "airport:"}
KEYS = {"Aircraft": ("N1", "N2:x", "N3"), "Airline": ("XX", "YY"), "Airport": ("XXX", "YYY")}


OTHER_NAMES = {"main_carrier": "Aircraft.operator", "main_origin": "Aircraft.home_base", "known": "Aircraft.record"}


def sections_with_sources() -> dict[str, str]:
    """Return the source that each section of the model has in the catalogue."""
    names = {OTHER_NAMES.get(name, f"Aircraft.analysis.{name}"): each for name, each in SECTIONS.items()}
    sources = {name: each.relation.source.name for name, each in names.items()}
    return {**sources, "Airline.record": "airline", "Airport.record": "airport"}


@pytest.mark.parametrize("message", FLEET_MESSAGES)
def test_the_fleets_messages_invalidate_of_each_section_what_they_did(fleet: Model, message: str) -> None:
    """Of each section of each object, changed or not: it is loaded again by both, or by neither.

    What does not read the table that a message names was loaded again as well: a message on aircraft was taken for one
    on their revisions, and what compares aircraft by their flights alone for what reads them.
    """
    names = CacheNames.of(fleet.name, None)
    old, new = parse_change(message), reader(fleet, "gateway_changes")(message)
    tables = [table for table in fleet.tables if table.options.changes and table.name.partition(".")[2] in message]
    tables = tables or [table for table in fleet.tables if table.options.changes]
    for name, source in sections_with_sources().items():
        reads = any(table in tables for table in fleet.bound_sections[name].tables)
        section, object_type = fleet.bound_sections[name], name.partition(".")[0]
        for key in KEYS[object_type]:
            (text,) = names.keys(section.key_space, [key])
            was = OLD_PREFIXES[object_type] + key in old.keys or (source in old.sources and reads)
            assert (text in new.keys or not set(names.sources(section)).isdisjoint(new.sources)) == was, (name, key)


def test_a_revision_concerns_its_aircraft_and_what_is_read_of_revisions_alone(fleet: Model) -> None:
    """What compares aircraft reads their latest revision from another table, which announces itself."""
    read = reader(fleet, "gateway_changes")
    assert read('{"table": "register", "keys": ["N1"]}') == Change(("fleet:Aircraft::N1",))
    assert read('{"table": "register"}') == Change(sources=("fleet::public.register",))
    assert "fleet::public.register" in CacheNames("fleet").sources(fleet.bound_sections["Aircraft.revisions"])

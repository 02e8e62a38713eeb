"""Sections of which the cache knows some objects, and the database that has the others is away."""

from __future__ import annotations

from typing import Any, cast

import pytest

from loaders.model.model import Model
from loaders.objects.existence import existing
from loaders.objects.object_record import ObjectRecord
from loaders.objects.section_error import SectionError
from loaders.stores.errors import StoreUnavailable
from tests.conftest import Stores
from tests.loaders.objects.asking import MEMBERS, NOBODY, TENANTS, Asker
from tests.loaders.objects.conftest import OpenCache

FIRST = str(TENANTS[0])
KNOWN, OTHERS = [*MEMBERS[:6], NOBODY], MEMBERS[6:20]


class Away:
    """A database that cannot be reached."""

    async def rows(self, *_: Any) -> Any:
        raise StoreUnavailable("postgresql", "gone")

    async def typed_columns(self, *_: Any) -> Any:
        raise StoreUnavailable("postgresql", "gone")


async def test_what_is_cached_is_served_and_the_rest_is_an_error_in_its_place(
    analytics: Model, analytics_stores: Stores, process: OpenCache
) -> None:
    without: Any = Stores(cast("Any", Away()), analytics_stores.clickhouse)
    async with process() as cache, process() as other:
        asker = Asker(analytics, analytics_stores, FIRST, cache)
        requests = [asker.request(name) for name in ("Member.record", "Member.billing")]
        whole = await asker.records(KNOWN, requests)
        await cache.settle()
        for some in (cache, other):
            for keys in ([*KNOWN, *OTHERS], KNOWN, [*OTHERS, *KNOWN]):
                records = await Asker(analytics, without, FIRST, some).records(keys, requests)
                for request in requests:
                    got = {each.key: _value(each, request) for each in records}
                    assert got == {
                        **{each.key: each.get(request) for each in whole},
                        **{key: "gone" for key in keys if key in OTHERS},
                    }
        records = await Asker(analytics, without, FIRST, cache).records(OTHERS, requests)
        with pytest.raises(SectionError, match="gone"):
            records[0].column(requests[0])


async def test_a_cached_record_tells_what_exists_and_other_sections_the_rest(
    analytics: Model, analytics_stores: Stores, process: OpenCache
) -> None:
    without: Any = Stores(cast("Any", Away()), analytics_stores.clickhouse)
    plain = Asker(analytics, analytics_stores, FIRST)
    record, events = plain.request("Member.record"), plain.request("Member.recent_events")
    whole = await plain.records([*KNOWN, *OTHERS], [record, events])
    there = {each.key for each in whole if each.get(record) is not None}
    active = {each.key for each in whole if each.get(events)}
    async with process() as cache:
        await Asker(analytics, analytics_stores, FIRST, cache).records(KNOWN, [record])
        await cache.settle()
        records = await Asker(analytics, without, FIRST, cache).records([*KNOWN, *OTHERS], [record, events])
    for each, item in zip(records, existing(record, records), strict=True):
        if each.key in KNOWN:
            assert type(item) is (ObjectRecord if each.key in there else type(None))
        else:
            assert type(item) is (ObjectRecord if each.key in active else SectionError)
    assert active <= there, "what belongs to other tenants is not proven"
    assert active & set(OTHERS)


def _value(record: ObjectRecord, request: Any) -> Any:
    try:
        return record.get(request)
    except SectionError as error:
        return str(error)

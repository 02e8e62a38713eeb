"""Refusals that a client's value may be at fault for: to this client, and to no other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from loaders.model.loading import load_model
from loaders.objects.schema_faults import SchemaFaults
from loaders.objects.section_error import SectionError
from loaders.stores.errors import ColumnUnavailable, SchemaMismatch, StatementFailed
from tests.conftest import NewDatabase, Stores
from tests.loaders.objects.asking import Asker
from tests.loaders.objects.refused_values_model import TABLES
from tests.patience import PATIENCE_S
from tests.resolvers.missing import renamed

MODEL = load_model("tests.loaders.objects.refused_values_model")


@pytest.fixture(scope="module")
async def stores(new_database: NewDatabase) -> AsyncIterator[Stores]:
    """ClickHouse with events. Tests put back what they change."""
    async with new_database() as new:
        for statement in TABLES:
            await new.stores.clickhouse.command(statement)
        yield new.stores


@pytest.fixture
async def asker(stores: Stores) -> AsyncIterator[Asker]:
    asker = Asker(MODEL, stores)
    asker.faults = SchemaFaults(asker.databases(), heals=True)
    yield asker
    await asker.faults.close()


async def asked(asker: Asker, name: str, **options: Any) -> Any:
    """Return what a section answers."""
    request = asker.request(name, **options)
    (record,) = await asker.records([1], [request, asker.request("Customer.record")])
    return record.get(request)


async def events(asker: Asker, kind: str) -> Any:
    return await asked(asker, "Customer.events", filters={"kind": kind})


async def counts(asker: Asker, kind: str) -> Any:
    return await asked(asker, "Customer.counts", arguments={"kind": kind})


@pytest.mark.parametrize("ask", [events, counts])
async def test_a_bad_value_of_one_client_shuts_nothing_for_others(asker: Asker, ask: Any) -> None:
    truth = await ask(asker, "click")
    with pytest.raises(SectionError) as caught:
        await ask(asker, "nonsense")
    assert type(caught.value.cause) is SchemaMismatch
    assert asker.faults is not None
    assert asker.faults.unreadable() == []
    assert await ask(asker, "click") == truth


@pytest.mark.parametrize("value", ["click", "nonsense"])
async def test_a_filter_whose_column_is_missing_heals_whatever_its_value_was(
    asker: Asker, stores: Stores, value: str
) -> None:
    truth = await events(asker, "click")
    assert asker.faults is not None
    async with renamed(stores.clickhouse, "events", "kind"):
        for _ in range(2):
            with pytest.raises(SectionError) as caught:
                await events(asker, value)
        assert type(caught.value.cause) is ColumnUnavailable
        (fault,) = asker.faults._faults.values()
        (sample,) = fault.parts.values()
        assert sample.request.filters == (("kind", "x"),), "no client's value is kept"
    async with asyncio.timeout(PATIENCE_S):
        while asker.faults:  # noqa: ASYNC110 (of what has no event)
            await asyncio.sleep(0.02)
    assert await events(asker, "click") == truth


async def test_a_sub_select_that_reads_much_is_not_run_for_an_examination(asker: Asker) -> None:
    assert asker.faults is not None
    with pytest.raises(StatementFailed, match="TOO_MANY_BYTES"):
        await asker.faults.find([asker.request("Customer.heavy")], None)

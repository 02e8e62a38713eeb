"""Errors by which a store says that it takes no work now: they are no faults of the statement."""

import pytest

from loaders.stores.clickhouse import ClickHouse
from loaders.stores.clickhouse_errors import _BUSY_CODES, _UNAVAILABLE_CODES
from loaders.stores.errors import FailureKind, StatementFailed, StoreTimeout, StoreUnavailable
from loaders.stores.postgres import Postgres

UNAVAILABLE = {
    "53000": FailureKind.BUSY,
    "53100": FailureKind.BUSY,  # disk full
    "53200": FailureKind.BUSY,  # out of memory
    "53300": FailureKind.BUSY,  # too many connections
    "53400": FailureKind.BUSY,
    "57P01": FailureKind.BUSY,  # it is stopping
    "57P02": FailureKind.BUSY,  # it crashed
    "57P03": FailureKind.BUSY,  # it is starting
    "57P04": FailureKind.BUSY,
    "57P05": FailureKind.BUSY,
    "40001": FailureKind.BUSY,  # a standby's replication goes first
    "40P01": FailureKind.BUSY,
    "55P03": FailureKind.BUSY,
    "58000": FailureKind.BUSY,
    "58030": FailureKind.BUSY,  # its files cannot be read
    "08000": FailureKind.UNREACHABLE,
    "08006": FailureKind.UNREACHABLE,
    "08P01": FailureKind.UNREACHABLE,  # what PgBouncer says for all of its own
    "28000": FailureKind.UNREACHABLE,
    "28P01": FailureKind.UNREACHABLE,
    "3D000": FailureKind.UNREACHABLE,
    "25P03": FailureKind.UNREACHABLE,
}
FAILED = ("22012", "42601", "42P01", "42703", "42501", "25006", "23505", "P0001", "XX000", "MY123")


async def _raise(postgres: Postgres, code: str) -> None:
    await postgres.execute(f"do $$ begin raise exception 'as told' using errcode = '{code}'; end $$")


@pytest.mark.parametrize("code", UNAVAILABLE)
async def test_postgresql_that_takes_no_work_is_unavailable(postgres: Postgres, code: str) -> None:
    with pytest.raises(StoreUnavailable, match="as told") as failure:
        await _raise(postgres, code)
    assert failure.value.kind is UNAVAILABLE[code]


@pytest.mark.parametrize("code", FAILED)
async def test_what_is_wrong_with_a_statement_is_not_taken_for_postgresql_being_away(
    postgres: Postgres, code: str
) -> None:
    with pytest.raises(StatementFailed, match="as told"):
        await _raise(postgres, code)


async def test_a_statement_that_postgresql_cancelled_was_late(postgres: Postgres) -> None:
    with pytest.raises(StoreTimeout):
        await _raise(postgres, "57014")


async def _throw(clickhouse: ClickHouse, code: int) -> None:
    sql = f"select throwIf(1, 'as told', toInt16({code})) as n settings allow_custom_error_code_in_throwif = 1"
    await clickhouse.columns(sql, {})


@pytest.mark.parametrize("code", sorted(_UNAVAILABLE_CODES))
async def test_clickhouse_that_takes_no_work_is_unavailable(clickhouse: ClickHouse, code: int) -> None:
    with pytest.raises(StoreUnavailable) as failure:
        await _throw(clickhouse, code)
    assert (failure.value.kind is FailureKind.BUSY) is (code in _BUSY_CODES)


@pytest.mark.parametrize("code", [159, 160])
async def test_a_statement_that_clickhouse_ended_was_late(clickhouse: ClickHouse, code: int) -> None:
    with pytest.raises(StoreTimeout):
        await _throw(clickhouse, code)


@pytest.mark.parametrize("code", [6, 43, 46, 47, 60, 62, 153, 395, 497])
async def test_what_is_wrong_with_a_statement_is_not_taken_for_clickhouse_being_away(
    clickhouse: ClickHouse, code: int
) -> None:
    with pytest.raises(StatementFailed):
        await _throw(clickhouse, code)

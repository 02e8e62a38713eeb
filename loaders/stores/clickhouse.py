"""ClickHouse over HTTP: bounded connections, answers column by column."""

from __future__ import annotations

import asyncio
import math
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
from clickhouse_connect.driver.summary import QuerySummary

from loaders.deadline import longest_left, time_limit
from loaders.metrics import StoreMetrics, database_label
from loaders.request_tracker import record_statement
from loaders.stores.acquiring import acquired
from loaders.stores.circuit_breaker import Outage
from loaders.stores.clickhouse_driver import ClickHouseDriver, DriverOptions, received_bytes
from loaders.stores.clickhouse_errors import decoding, require_query_id, translated, unproven
from loaders.stores.errors import StoreUnavailable
from loaders.stores.protocols import ANSWER_ROWS, DATABASE_PARAMETER, Columns, TypedColumns, with_row_count
from loaders.stores.slow_statements import SlowStatements
from loaders.stores.store_guard import StoreGuard
from loaders.stores.urls.clickhouse import CLICKHOUSE
from loaders.stores.urls.store_url import parse_url
from loaders.tracing import current_statement, describe_database

STORE = CLICKHOUSE.store

# The server stops a statement at its timeout; the client gives up this much later, for the server that cannot answer.
_ANSWER_GRACE_S = 1.0
_OF_EXPLAIN: Mapping[str, int] = {"max_bytes_to_read": 1 << 28, "use_index_for_in_with_subqueries": 0}
"""Settings of statements that are explained or checked. ClickHouse executes scalar sub-selects even then, and without
these also those behind `in`; a statement that would read much so fails."""


class ClickHouse:
    """A client whose statements share a bounded number of connections. Safe to use from many tasks at once.

    Raises StoreUnavailable without a connection, StoreTimeout where none became free or the answer was late, and
    StatementFailed where the server refused the statement.
    """

    def __init__(
        self,
        driver: ClickHouseDriver,
        name: str,
        *,
        options: DriverOptions,
        acquire_timeout_s: float,
        metrics: StoreMetrics,
        slow_statement_s: float = 0.0,
    ) -> None:
        self._driver = driver
        self.metrics = metrics
        self.max_connections = options.max_connections
        self._used = 0
        self._guard = StoreGuard(metrics, name, probe=driver.probe, drop=driver.drop)
        self._free = asyncio.Semaphore(options.max_connections)
        self._acquire_timeout_s = acquire_timeout_s
        self._statement_timeout_s = options.statement_timeout_s
        self._slow = SlowStatements(STORE, driver.database, slow_statement_s)

    @classmethod
    async def connect(
        cls,
        url: str,
        *,
        max_connections: int,
        acquire_timeout_s: float,
        statement_timeout_s: float,
        compress: bool = False,
        variable: str = "",
        only_reads: bool = False,
        must_answer: bool = True,
        slow_statement_s: float = 0.0,
    ) -> ClickHouse:
        """Open a connection and learn the server's settings. StoreUnavailable, with its address, where it cannot.

        `compress` pays over a network and costs time on loopback. `variable` is the setting that holds the URL, for
        messages. With `only_reads` the server refuses to write, and a bare name names no table of the URL's database:
        statements name it as `{fw_database:Identifier}`, which is bound for each statement that has it. Without
        `must_answer`, a server that is away is used as soon as it is back. Statements that take `slow_statement_s` are
        logged; 0 logs none.
        """
        parts = parse_url(CLICKHOUSE, url, variable)
        options = DriverOptions(max_connections, statement_timeout_s, compress=compress, only_reads=only_reads)
        driver = ClickHouseDriver(parts, options)
        clickhouse = cls(
            driver,
            f"ClickHouse at {parts.address}",
            options=options,
            acquire_timeout_s=acquire_timeout_s,
            metrics=StoreMetrics(STORE, database_label(variable)),
            slow_statement_s=slow_statement_s,
        )
        try:
            await driver.open()
        except StoreUnavailable as error:
            if must_answer:
                raise
            clickhouse._guard.open(error)
        return clickhouse

    @property
    def database(self) -> str:
        """The database of the URL, in which tables lie that a model names without one."""
        return self._driver.database

    @property
    def outage(self) -> Outage | None:
        """Why the server is away; None while it is not."""
        return self._guard.outage

    @property
    def connections(self) -> tuple[int, int | None]:
        """How many connections execute a statement; how many are open without one, the driver does not tell."""
        return self._used, None

    async def columns(self, sql: str, parameters: Mapping[str, object]) -> Columns:
        """Run one statement; no columns at all where there is no row. Times are aware, in UTC; nulls are None.

        An answer is returned only if it is proven to be whole and to belong to this statement; see `_proven`. Raises
        StoreUnavailable otherwise.
        """
        if (span := current_statement()) is not None:
            describe_database(span, STORE, self._driver.database, self._driver.host)
        with self._slow.watched(sql, parameters):
            answer = await self._whole(sql, parameters)
            count = len(answer.columns[0]) if answer.columns else 0
            self.metrics.rows.value += count
            await record_statement(STORE, count, answer.columns)
        return answer

    async def _whole(self, sql: str, parameters: Mapping[str, object]) -> Columns:
        """Return the columns of a statement, of which those without a row are proven too."""
        counted = sql if ANSWER_ROWS in sql else with_row_count(sql)
        answer = await self._proven(counted, parameters)
        if not answer.names and not await self._is_empty(sql, parameters):
            answer = await self._proven(counted, parameters)  # rows were added between the two statements
            if not answer.names:
                raise unproven("it has no rows, and there are some")
        return answer

    async def typed_columns(self, sql: str, parameters: Mapping[str, object]) -> TypedColumns:
        """Run one statement; its columns and their types. Where it has no row, a second statement asks for them."""
        answer = await self.columns(sql, parameters)
        if answer.names:
            return TypedColumns(answer.names, answer.types, answer.columns)
        return await self.describe(sql, parameters)

    async def describe(self, sql: str, parameters: Mapping[str, object], *, reads_little: bool = False) -> TypedColumns:
        """Have one statement analyzed without running it; its columns and their types.

        ClickHouse executes scalar sub-selects even then. With `reads_little`, those that read much fail.
        """
        settings = {**self._settings(), **(_OF_EXPLAIN if reads_little else {})}
        async with self._turn(self._statement_timeout_s + _ANSWER_GRACE_S):
            bound = self._bound_parameters(sql, parameters)
            with decoding():
                described = await self._driver.client.query(
                    f"describe table (\n{sql}\n)", bound, settings=settings, column_oriented=True
                )
                require_query_id(described.summary)
                names, types = map(tuple, described.result_columns[:2])
        return TypedColumns(names, types, [()] * len(names))

    async def query_tree(self, sql: str, parameters: Mapping[str, object]) -> list[str]:
        """Return the lines of one statement's tree, in which each name is resolved. It is analyzed, and not run."""
        return list(await self._explained(f"explain query tree run_passes = 1, passes = 1 {sql}", parameters))

    async def explain(self, sql: str, parameters: Mapping[str, object]) -> Any:
        """Return the plan of one statement, which is not run, as JSON says it, with the use of indexes."""
        lines = await self._explained(f"explain json = 1, indexes = 1 {sql}", parameters)
        return orjson.loads("\n".join(lines))[0]["Plan"]

    async def _explained(self, sql: str, parameters: Mapping[str, object]) -> Sequence[str]:
        async with self._turn(self._statement_timeout_s + _ANSWER_GRACE_S):
            bound = self._bound_parameters(sql, parameters)
            with decoding():
                explained = await self._driver.client.query(
                    sql, bound, settings={**self._limit(), **_OF_EXPLAIN}, column_oriented=True
                )
                require_query_id(explained.summary)
                lines: Sequence[str] = explained.result_columns[0]
                return lines

    def _bound_parameters(self, sql: str, parameters: Mapping[str, object]) -> dict[str, object]:
        bound = {name: _bound(value) for name, value in parameters.items()}
        return bound | ({DATABASE_PARAMETER: self._driver.database} if DATABASE_PARAMETER in sql else {})

    async def _is_empty(self, sql: str, parameters: Mapping[str, object]) -> bool:
        """Return whether the statement has no rows: ClickHouse sends an empty body then, as a broken proxy does."""
        counting = f"select count() as n, 1 as {ANSWER_ROWS} from (\n{sql}\n)"  # noqa: S608 no value is in it
        count = await self._proven(counting, parameters)
        if count.names != ("n",):
            raise unproven("it is empty")
        return bool(count.columns[0][0] == 0)

    async def _proven(self, sql: str, parameters: Mapping[str, object]) -> Columns:
        """Return the columns of a response without the row-count column, which proves that the response is whole.

        The proof lies in the answer, and not in its framing or headers, which any proxy on the way may write anew: each
        row repeats the number of all rows, and the column's name is used once, so that no other answer has it.
        """
        proof = f"{ANSWER_ROWS}_{secrets.token_hex(8)}"
        answer = await self._read(sql.replace(ANSWER_ROWS, proof), parameters)
        names, columns, types = answer.names, answer.columns, answer.types
        if not columns or not columns[0]:
            return Columns((), ())
        if proof not in names:
            raise unproven("it is the answer to another statement")
        place = names.index(proof)
        rows = columns[place]
        if rows.count(len(rows)) != len(rows):
            raise unproven(f"it has {len(rows):,} rows of {rows[0]:,}")
        others = [*columns[:place], *columns[place + 1 :]]
        return Columns(_without(names, place), others, _without(types, place))

    async def _read(self, sql: str, parameters: Mapping[str, object]) -> Columns:
        """Return the columns of ClickHouse's response, which may be truncated."""
        async with self._turn(self._statement_timeout_s + _ANSWER_GRACE_S):
            bound = self._bound_parameters(sql, parameters)
            with decoding():
                result = await self._driver.client.query(
                    sql, bound, settings=self._settings(), column_oriented=True, tz_mode="aware"
                )
                require_query_id(result.summary)
                self.metrics.bytes.value += received_bytes(result)
                types = tuple(each.name for each in result.column_types)
                return Columns(tuple(result.column_names), result.result_columns, types)

    async def command(self, sql: str, parameters: Mapping[str, object] | None = None) -> None:
        """Run one statement for its effect. It may take as long as it needs."""
        async with self._turn(None):
            summary = await self._driver.client.command(
                sql,
                dict(parameters or {}),
                settings={"max_execution_time": 0},
                transport_settings={"X-ClickHouse-Format": "Null"},  # a body then comes from something else
            )
            require_query_id(summary.summary if isinstance(summary, QuerySummary) else {})

    async def insert(self, table: str, column_names: Sequence[str], columns: Sequence[Sequence[object]]) -> None:
        """Append rows to a table, given column by column in the order of the names.

        A time may be an aware datetime or whole seconds since 1970 in UTC, a date a date or whole days. Where the
        connection breaks before the answer, the driver sends the rows again: they may be there twice.
        """
        async with self._turn(None):
            summary = await self._driver.client.insert(
                table, columns, column_names, column_oriented=True, settings={"max_execution_time": 0}
            )
            require_query_id(summary.summary)

    def _settings(self) -> dict[str, Any]:
        """Return the settings of a statement: its limit, and where it is traced, its trace for the server's logs."""
        span = current_statement()
        if span is None:
            return self._limit()
        return {**self._limit(), "log_comment": f"traceparent='{span.traceparent}'"}

    def _limit(self) -> dict[str, float]:
        """Return the server's limit for a statement, where the deadline leaves less than it has anyway.

        It is rounded up: the client is exact, and a server that keeps settings for a connection need not change them.
        """
        left_s = longest_left(self._statement_timeout_s)
        if left_s >= self._statement_timeout_s:
            return {}
        return {"max_execution_time": math.ceil(left_s) if left_s > 1 else math.ceil(left_s * 10) / 10}

    async def ping(self) -> None:
        """Return when the server answers a statement; raises like `columns`."""
        await self.columns(f"select 1 as one, 1 as {ANSWER_ROWS}", {})

    async def check(self) -> None:
        """Return if the server answers a statement on a new connection, or has answered one within the last second.

        Raises StoreUnavailable otherwise, after a second at most.
        """
        await self._guard.check()

    async def close(self) -> None:
        """Close every connection."""
        await self._guard.close()
        await self._driver.close()

    @asynccontextmanager
    async def _turn(self, timeout_s: float | None) -> AsyncIterator[None]:
        """Wait for one of the connections, then translate what goes wrong on it."""
        async with self._guard.statement():
            await acquired(self._free.acquire, self.metrics, self._acquire_timeout_s)
            self._used += 1
            try:
                with translated(), self.metrics.timed():
                    async with time_limit(timeout_s):
                        yield
            finally:
                self._used -= 1
                self._free.release()


def _without(items: tuple[str, ...], place: int) -> tuple[str, ...]:
    return (*items[:place], *items[place + 1 :])


class _Literal:
    """A parameter that is written as ClickHouse reads it: the driver sends the text of what it does not know."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text


def _bound(value: object) -> object:
    """Thousands of ids as one literal, where there is nothing to escape: the driver would look at each character."""
    if type(value) is not list or set(map(type, value)) != {str}:
        return value
    together = "".join(value)
    if not together.isprintable() or "'" in together or "\\" in together:
        return value
    return _Literal("['" + "','".join(value) + "']")

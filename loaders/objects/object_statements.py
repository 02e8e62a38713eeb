"""Load sections of objects from the databases: plan and fuse statements, send them in chunks, read the answers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from loaders.concurrency import SharedTask, gather
from loaders.errors import without_frames
from loaders.metrics import record_load
from loaders.model.databases import STORE_NAMES, Database, Kind
from loaders.model.keys import Key, chunks
from loaders.model.scalars import BigInt, Scalar
from loaders.objects.schema_faults import SchemaFaults
from loaders.request_tracker import current_request
from loaders.statement_record import StatementRecord, recorded
from loaders.statements.needed_rows import SentRows, sent_rows
from loaders.statements.parameters import StatementScope
from loaders.statements.planning import plan
from loaders.statements.row_reader import read
from loaders.statements.section_request import SectionRequest
from loaders.statements.statement_plan import RelationPlan, StatementPlan
from loaders.stores.errors import (
    FailureKind,
    SchemaMismatch,
    StoreError,
    StoreTimeout,
    StoreUnavailable,
)
from loaders.stores.protocols import TypedAnalyticalStore, TypedRelationalStore
from loaders.tracing import child_span

MANY_KEYS = 200
"""Keys from which on the values of one section take a millisecond to read."""

_MAX_TRIES = 3
"""How often a statement is sent that names what its database does not have, each time without what was found so."""

Store = TypedRelationalStore | TypedAnalyticalStore
Values = list[Any]


@dataclass(frozen=True, slots=True, eq=False)
class ObjectStatements:
    """The databases, as the source of objects. A statement that fails fails its own requests, not the others.

    What `faults` knows to be missing in a database is not sent. Equal over the same stores, so that loads of several
    requests are made together.
    """

    stores: Mapping[Database, Store]
    faults: SchemaFaults

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ObjectStatements) and other.stores is self.stores

    def __hash__(self) -> int:
        return id(self.stores)

    async def load(
        self, requests: Mapping[SectionRequest, Sequence[Any]], scope: StatementScope
    ) -> dict[SectionRequest, tuple[Sequence[Any], Values | StoreError]]:
        """Return for each request the keys of its statement, and its values in their order.

        Requests may want different keys of one key space: a statement asks all of its requests for every key that one
        of them wants. Keys are canonical; those of `scope` do not count.
        """
        missing = self.faults.errors_of(requests) if self.faults else {}
        sent = {each: keys for each, keys in requests.items() if each not in missing} if missing else requests
        return {request: (requests[request], error) for request, error in missing.items()} | await self._load(
            sent, scope
        )

    async def _load(
        self, requests: Mapping[SectionRequest, Sequence[Any]], scope: StatementScope
    ) -> dict[SectionRequest, tuple[Sequence[Any], Values | StoreError]]:
        plans = plan(requests)
        together = [_keys_of(each, requests) for each in plans]
        tracker = current_request()
        if tracker is not None:
            tracker.stats.fused += [[request.section.name for request in each.requests] for each in plans]
        for request, keys in requests.items():
            record_load(request.section.name, len(keys))
        load = _Load(self.stores, scope, self.faults)
        with child_span(f"load {_space_of(requests)}") as span:
            if span is not None:
                span.set("fuseway.statements", len(plans))
                span.set("fuseway.keys", max(map(len, together), default=0))
            answers = await _answers(load, plans, together)
        return {
            request: (keys, values)
            for keys, answer in zip(together, answers, strict=True)
            for request, values in answer.items()
        }


@dataclass(slots=True)
class _Load:
    """One load: statements that need the same rows of another database wait for one statement."""

    stores: Mapping[Database, Store]
    scope: StatementScope
    faults: SchemaFaults
    _relations: dict[tuple[Any, ...], SharedTask[SentRows]] = field(default_factory=dict)

    async def answer(
        self, each: StatementPlan, chunks: Sequence[Sequence[Any]], tries: int = 1
    ) -> Mapping[SectionRequest, Values | StoreError]:
        """Return the values of all keys, which come in chunks that fit into one statement each."""
        version = self.faults.version
        try:
            if len(chunks) == 1:
                return await self._answer(each, chunks[0])
            values: dict[SectionRequest, list[Any]] = {request: [] for request in each.requests}
            for keys in chunks:
                for request, items in (await self._answer(each, keys)).items():
                    values[request] += items
        except SchemaMismatch as error:
            failure = without_frames(error)
        except StoreError as error:
            return dict.fromkeys(each.requests, without_frames(error))
        else:
            return values
        return await self._answer_rest(each, chunks, tries, failure, version)

    async def _answer_rest(
        self, each: StatementPlan, chunks: Sequence[Sequence[Any]], tries: int, failure: StoreError, sent_at: int
    ) -> Mapping[SectionRequest, Values | StoreError]:
        """Return the values of a statement that was refused, without those of its sections that are at fault."""
        scope = replace(self.scope, keys=chunks[0])
        try:
            is_new = await self.faults.examine(each.text.sql, each.asked, scope, sent_at)
        except TimeoutError:
            late = StoreTimeout(failure.store, f"The deadline passed while a statement was examined. {failure}")
            return dict.fromkeys(each.requests, late)
        values: dict[SectionRequest, Values | StoreError] = dict(self.faults.errors_of(each.requests))
        rest = [request for request in each.requests if request not in values]
        if not is_new or tries == _MAX_TRIES:
            return values | dict.fromkeys(rest, failure)
        self._relations.clear()  # those of the other database may have failed
        for answer in await gather([self.answer(part, chunks, tries + 1) for part in plan(rest)]) if rest else ():
            values |= answer
        return values

    async def _answer(self, each: StatementPlan, keys: Sequence[Any]) -> Mapping[SectionRequest, Values]:
        scope = replace(self.scope, keys=keys)
        statement = each.bind(scope, await self._sent(each.needs, each.database, scope))
        record = _record(each, keys)
        if each.database.kind is Kind.POSTGRES:
            with recorded(record, each.tables):
                rows = await self._postgres(each.database).rows(statement.sql, *statement.values.values())
            return await _read(each, list(zip(*rows, strict=True)), keys)
        with recorded(record, each.tables):
            answer = await self._clickhouse(each.database).columns(statement.sql, statement.values)
        if answer.names not in ((), each.text.names):
            message = "The answer of ClickHouse has other columns than its statement."
            raise StoreUnavailable(STORE_NAMES[each.database.kind], message, FailureKind.MALFORMED)
        return await _read(each, answer.columns, keys, answer.types)

    async def _sent(
        self, needs: Sequence[RelationPlan], database: Database, scope: StatementScope
    ) -> Sequence[SentRows]:
        if not needs:
            return ()
        return await gather([self._rows_of(each, database, scope) for each in needs])

    async def _rows_of(self, each: RelationPlan, database: Database, scope: StatementScope) -> SentRows:
        identity = (*each.identity, database, tuple(scope.keys))
        relation = self._relations.get(identity)
        if relation is None or relation.is_abandoned:
            relation = self._relations[identity] = SharedTask(self._relation(each, database, scope))
        return await relation.result()

    async def _relation(self, each: RelationPlan, database: Database, scope: StatementScope) -> SentRows:
        origin, target = each.database, database.kind
        statement = each.bind(scope, await self._sent(each.needs, origin, scope))
        with recorded(_record(each, scope.keys), each.tables):
            if origin.kind is Kind.POSTGRES:
                answer = await self._postgres(origin).typed_columns(statement.sql, *statement.values.values())
            else:
                answer = await self._clickhouse(origin).typed_columns(statement.sql, statement.values)
        return sent_rows(answer, origin.kind, target, STORE_NAMES[target])

    def _postgres(self, database: Database) -> TypedRelationalStore:
        return cast("TypedRelationalStore", self.stores[database])

    def _clickhouse(self, database: Database) -> TypedAnalyticalStore:
        return cast("TypedAnalyticalStore", self.stores[database])


async def _answers(
    load: _Load, plans: Sequence[StatementPlan], together: Sequence[Sequence[Any]]
) -> list[Mapping[SectionRequest, Values | StoreError]]:
    """Return the answer of each plan. Most statements are for the same list of keys, which is divided once."""
    of_list = {id(keys): (each.text.key, keys) for each, keys in zip(plans, together, strict=True)}
    divided = {place: chunked(key, keys) for place, (key, keys) in of_list.items()}
    return await gather([load.answer(each, divided[id(keys)]) for each, keys in zip(plans, together, strict=True)])


def _record(each: StatementPlan | RelationPlan, keys: Sequence[Any]) -> StatementRecord:
    """Begin the record of a statement, which is the current request's too."""
    record = StatementRecord(each.sections, STORE_NAMES[each.database.kind], len(keys))
    tracker = current_request()
    if tracker is not None:
        tracker.stats.begin_statement(record)
    return record


def _space_of(requests: Mapping[SectionRequest, Sequence[Any]]) -> str:
    """Return the name of the key space that requests are for: the object type, or what objects are looked up by."""
    return next((request.section.key_space.name for request in requests), "nothing")


def chunked(key: Key, keys: Sequence[Any]) -> Sequence[Sequence[Any]]:
    """Return the keys in lists that fit into one statement each."""
    if not key.scalars or not keys:
        return [keys] if keys else []
    sizes = [len(chunk) for chunk in chunks(key.write_all(keys))]
    if len(sizes) == 1:
        return [keys]
    ends = [sum(sizes[: place + 1]) for place in range(len(sizes))]
    return [keys[end - size : end] for size, end in zip(sizes, ends, strict=True)]


def valid_keys(key: Key, keys: Sequence[Any]) -> Sequence[Any]:
    """Return the keys that a database can hold; others are unknown, and would fail the statement for all.

    Keys of clients have been read as such. Those that rows of another database refer to may be any.
    """
    parts = [keys] if len(key.scalars) == 1 else list(zip(*keys, strict=True))
    if all(_are_valid(scalar, part) for scalar, part in zip(key.scalars, parts, strict=False)):
        return keys
    return [each for each in keys if key.read(key.write(each)) is not None]


def _are_valid(scalar: Scalar, values: Sequence[Any]) -> bool:
    """Return whether all values of a part of the key may be: a look at all together costs less than one at each."""
    if scalar.python is str:
        return "\0" not in "".join(values)
    if scalar.python in (int, BigInt):
        return bool(
            not values
            or (
                scalar.read_key
                and scalar.read_key(str(min(values))) is not None
                and scalar.read_key(str(max(values))) is not None
            )
        )
    return True


def _keys_of(each: StatementPlan, requests: Mapping[SectionRequest, Sequence[Any]]) -> Sequence[Any]:
    first, *others = (requests[request] for request in each.requests)
    if all(keys is first for keys in others):
        return first
    return list(dict.fromkeys(key for keys in (first, *others) for key in keys))


async def _read(
    each: StatementPlan, answer: Sequence[Sequence[Any]], keys: Sequence[Any], types: Sequence[str] = ()
) -> Mapping[SectionRequest, Values]:
    """Return the values of each request. Where there are many keys, others get the event loop in between."""
    values: dict[SectionRequest, Values] = {}
    for item in read(each, answer, keys, types):
        if item is not None:
            values[item[0]] = item[1]
        if item is None or len(keys) > MANY_KEYS:
            await asyncio.sleep(0)
    return values

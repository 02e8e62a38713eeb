"""Loads what a selection asks, wave by wave: objects, then all that they lead to, and so on down the tree."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

from loaders.model.shapes import Cardinality
from loaders.objects.object_record import ObjectRecord
from loaders.statements.section_request import SectionRequest
from loaders.stores.errors import StoreError

if TYPE_CHECKING:
    from resolvers.request_context import RequestContext
    from resolvers.selection_tree import Follow, SelectionNode

MANY_OBJECTS = 500
"""Above it, other requests get their turn between two ways that are followed."""

_Columns = dict[SectionRequest, Any]


async def load_objects(context: RequestContext, node: SelectionNode, keys: Sequence[Any]) -> list[ObjectRecord]:
    """Return what the selection asks of each key, in order, with all that it leads to.

    An object that does not exist has None in its record. Each level of the tree is loaded at once, so that whatever
    leads to one type shares its statements. A statement that failed leaves its error in the place of the values. What
    only deferred parts ask is loaded after a level, and not waited for.
    """
    if not keys:
        return []
    records = await _load(context, node, keys)
    await _follow_all(context, [(node, records)])
    return records


def existing(record: SectionRequest, records: Iterable[ObjectRecord]) -> list[ObjectRecord | None]:
    """Return the records of objects that exist, and None for others. Raises the StoreError that left it unknown."""
    return [each if each.get(record) is not None else None for each in records]


async def _load(context: RequestContext, node: SelectionNode, keys: Sequence[Any]) -> list[ObjectRecord]:
    """Return the records of keys with columns of their own, so that links can take the place of keys in them."""
    loaded = await context.loaders.objects.load((node.target.key_space, tuple(keys), node.requests))
    return _with_own_columns(context, node, loaded) if loaded else loaded


def _with_own_columns(
    context: RequestContext, node: SelectionNode, loaded: Sequence[ObjectRecord]
) -> list[ObjectRecord]:
    columns = dict(loaded[0].values)
    records = [ObjectRecord(key, columns, place) for key, _, place in loaded]
    return _with_deferred(context, node, records)


def _with_deferred(context: RequestContext, node: SelectionNode, records: list[ObjectRecord]) -> list[ObjectRecord]:
    """Return the records with what only deferred parts ask begun to be loaded."""
    deferred = node.deferred
    known = [each for each in records if _exists(node, each)]
    if deferred is None or not known:
        return records
    begun = iter(context.deferred.begin(known, deferred.requests, _load_deferred(context, deferred, known)))
    return [next(begun) if _exists(node, each) else each for each in records]


def _exists(node: SelectionNode, record: ObjectRecord) -> bool:
    if node.target.record is None:
        return True
    column = record.values[node.target.record]
    return not isinstance(column, StoreError) and column[record.place] is not None


async def _load_deferred(
    context: RequestContext, node: SelectionNode, records: Sequence[ObjectRecord]
) -> Sequence[ObjectRecord]:
    loaded = await _load(context, node, [each.key for each in records])
    await _follow_all(context, [(node, loaded)])
    return loaded


async def _follow_all(context: RequestContext, level: list[tuple[SelectionNode, list[ObjectRecord]]]) -> None:
    """Follow the ways of a level, which lead to the next one, until nothing leads on."""
    while level:
        ways = [way for node, records in level for way in _ways(node, records)]
        reached = await asyncio.gather(*(way.load(context) for way in ways))
        level = []
        for way, records in zip(ways, reached, strict=True):
            if records:
                level.append((way.follow.node, records))
            if len(records) > MANY_OBJECTS:
                await asyncio.sleep(0)


def _ways(node: SelectionNode, records: list[ObjectRecord]) -> Iterator[_Way]:
    for follow in node.follows:
        columns = records[0].values
        if not isinstance(columns[follow.request], StoreError):
            kind = _Links if follow.position is not None else _OwnRows
            yield kind(follow, columns, [each.place for each in records])


@dataclass(frozen=True, slots=True)
class _Way:
    """A way to follow from records that were loaded together: `places` are theirs in the columns."""

    follow: Follow
    columns: _Columns
    places: Sequence[int]

    async def load(self, context: RequestContext) -> list[ObjectRecord]:
        """Load what the way leads to, put it in the place of keys or rows, and return it."""
        raise NotImplementedError

    @property
    def is_list(self) -> bool:
        return self.follow.request.section.cardinality is not Cardinality.ONE

    def rows(self) -> list[Any]:
        """All rows of the records' own values, those of lists one after the other; None for a section without a row."""
        values = self.columns[self.follow.request]
        own = [values[place] for place in dict.fromkeys(self.places)]
        return list(chain.from_iterable(own)) if self.is_list else own

    def replace(self, rows: Iterable[Any]) -> None:
        """Put these in the place of `rows`, one for each, in a column of the records' own."""
        values = self.columns[self.follow.request]
        remaining = iter(rows)
        column: dict[int, Any] = {}
        for place in dict.fromkeys(self.places):
            column[place] = [next(remaining) for _ in values[place]] if self.is_list else next(remaining)
        self.columns[self.follow.request] = column


class _Links(_Way):
    """Rows with a column that holds a key."""

    __slots__ = ()

    async def load(self, context: RequestContext) -> list[ObjectRecord]:
        position, node = self.follow.position or 0, self.follow.node
        keys = dict.fromkeys(row[position] for row in self.rows() if row is not None)
        keys.pop(None, None)
        records: list[ObjectRecord] = []
        targets: Mapping[Any, Any] = {}
        if keys:
            try:
                records = await _load(context, node, list(keys))
                targets = {each.key: _target(node, each) for each in records}
            except StoreError as error:
                targets = dict.fromkeys(keys, error)
        # Other links of the same rows may have been put in place meanwhile.
        rows = self.rows()
        self.replace(row and (*row[:position], targets.get(row[position]), *row[position + 1 :]) for row in rows)
        return [each for each in records if _exists(node, each)]


def _target(node: SelectionNode, record: ObjectRecord) -> Any:
    """Return the record, None where the object does not exist, or the error that leaves it unknown."""
    column = record.values[node.target.record] if node.target.record is not None else None
    if isinstance(column, StoreError):
        return column
    return record if _exists(node, record) else None


class _OwnRows(_Way):
    """Rows that are the objects' own records, so that these need no second statement."""

    __slots__ = ()

    async def load(self, context: RequestContext) -> list[ObjectRecord]:
        rows, node = self.rows(), self.follow.node
        key_of = node.target.key_of
        present = [row for row in rows if row is not None]
        keys = [key_of(row) for row in present]
        rest = node.without_record().requests
        records = await _records(context, node, keys, rest, present)
        remaining = iter(records)
        self.replace(None if row is None else next(remaining) for row in rows)
        return records


async def _records(
    context: RequestContext,
    node: SelectionNode,
    keys: Sequence[Any],
    rest: frozenset[SectionRequest],
    rows: Sequence[Any],
) -> list[ObjectRecord]:
    """Return records of these keys, whose own columns are these rows, with the rest of what is asked of them."""
    if node.target.record is None or not keys:
        return []
    if not rest:
        columns: _Columns = {node.target.record: rows}
        return _with_deferred(context, node, list(map(ObjectRecord, keys, repeat(columns), range(len(keys)))))
    loaded = await context.loaders.objects.load((node.target.key_space, tuple(keys), rest))
    columns = dict(loaded[0].values)
    columns[node.target.record] = {each.place: row for each, row in zip(loaded, rows, strict=True)}
    records = [ObjectRecord(key, columns, place) for key, _, place in loaded]
    return _with_deferred(context, node, records)

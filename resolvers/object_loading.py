"""Loads what a selection asks, level by level: objects, then all that they lead to, and so on down the tree."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from loaders.concurrency import gather
from loaders.objects.object_record import ObjectRecord, has_errors, section_error, values_of
from loaders.stores.errors import StoreError
from resolvers.followed_ways import LinkWay, OwnRowsWay, ReferenceWay, Way, known_objects, load_node
from resolvers.function_calls import answers_of, checked_answers
from resolvers.function_columns import FunctionColumns, function_columns
from resolvers.selection_tree import FunctionCall

if TYPE_CHECKING:
    from resolvers.request_context import RequestContext
    from resolvers.selection_tree import SelectionNode

MANY_OBJECTS = 500
"""Objects of a level above which the event loop serves other requests before the next level."""

_Level = list[tuple["SelectionNode", Sequence[ObjectRecord]]]
"""Nodes with the records of their objects, all of which exist."""


async def load_objects(context: RequestContext, node: SelectionNode, keys: Sequence[Any]) -> list[ObjectRecord]:
    """Return what the selection asks of each key, in order, with all that it leads to.

    An object that does not exist has None in its record. Each level of the tree is loaded at once, so that whatever
    leads to one type shares its statements. A statement that failed leaves its error in the place of the values. What
    only deferred parts ask is loaded after a level, and not waited for.
    """
    if not keys:
        return []
    records = await load_node(context, node, keys)
    known = known_objects(node, records)
    level: _Level = [(node, known)] if known else []
    while level:
        level = await _next_level(context, level)
    return records


async def _next_level(context: RequestContext, level: _Level) -> _Level:
    """Complete a level with what functions answer, begin what is deferred, and return what the level leads to."""
    await gather([_call(context, node, call, records) for node, records in level for call in node.calls])
    for node, records in level:
        if node.deferred is not None:
            loading = load_objects(context, node.deferred, [each.key for each in records])
            context.deferred.begin(records, node.deferred.requests, loading)
    ways = [way for node, records in level for way in _ways(node, records)]
    reached = await gather([way.load(context) for way in ways])
    if sum(map(len, reached)) > MANY_OBJECTS:
        await asyncio.sleep(0)
    return [(way.follow.node, records) for way, records in zip(ways, reached, strict=True) if records]


def _ways(node: SelectionNode, records: Sequence[ObjectRecord]) -> Iterator[Way]:
    columns: dict[Any, Any] = records[0].values
    places = list(dict.fromkeys([each.place for each in records]))
    for follow in node.follows:
        if isinstance(follow.request, FunctionCall):
            yield ReferenceWay(follow, columns, places)
        else:
            loaded = _loaded_places(columns[follow.request], places)
            if loaded:
                yield (OwnRowsWay if follow.position is None else LinkWay)(follow, columns, loaded)


def _loaded_places(column: Any, places: Sequence[int]) -> Sequence[int]:
    """Return the places of objects whose values could be loaded."""
    if isinstance(column, StoreError):
        return ()
    if isinstance(column, list) and has_errors(column):
        return [place for place in places if not isinstance(column[place], StoreError)]
    return places


async def _call(
    context: RequestContext, node: SelectionNode, call: FunctionCall, records: Sequence[ObjectRecord]
) -> None:
    """Put what a function answers for each object among the objects' values; what it raises is each one's error."""
    columns: dict[Any, Any] = records[0].values
    objects = list({each.place: each for each in records}.values())
    record, lost = node.target.record, dict[int, Any]()
    if record is not None and call.function.columns:
        own = columns[record]
        if isinstance(own, StoreError):
            columns[call] = section_error(record, own)
            return
        lost = {each.place: own[each.place] for each in objects if isinstance(own[each.place], StoreError)}
        objects = [each for each in objects if each.place not in lost]
    values: Sequence[Any]
    try:
        taken = _own_columns(node, call, objects)
        answer = await answers_of(call, taken.values, context) if taken.count else []
        values = taken.with_errors(checked_answers(call, answer, taken.count))
    except Exception as error:
        values = [error] * len(objects)
    columns[call] = {each.place: value for each, value in zip(objects, values, strict=True)} | lost


def _own_columns(node: SelectionNode, call: FunctionCall, records: Sequence[ObjectRecord]) -> FunctionColumns:
    """Return the columns that a function takes, as Python's own values."""
    if node.target.record is None or not call.function.columns:
        return FunctionColumns({}, {}, len(records))
    columns = {column.name: column for column in node.target.record.section.columns}
    places = {name: place for place, name in enumerate(columns)}
    shapes = {name: columns[name].shape for name in call.function.columns}
    return function_columns(shapes, places, values_of(records, node.target.record))

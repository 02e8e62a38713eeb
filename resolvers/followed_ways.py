"""Ways from loaded objects on to others, which take the place of keys, rows and references in the objects' values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, cast

from loaders.model.shapes import Cardinality
from loaders.objects.existence import existing
from loaders.objects.object_record import ObjectRecord, make_records
from loaders.stores.errors import StoreError
from resolvers.function_calls import FunctionAnswerError, reference_key
from resolvers.function_columns import error_in
from resolvers.selection_tree import FunctionCall

if TYPE_CHECKING:
    from loaders.statements.section_request import SectionRequest
    from resolvers.request_context import RequestContext
    from resolvers.selection_tree import Follow, SelectionNode


async def load_node(context: RequestContext, node: SelectionNode, keys: Sequence[Any]) -> list[ObjectRecord]:
    """Return the records of keys with columns of their own, so that objects can take the place of keys in them."""
    records: list[ObjectRecord] = await context.loaders.objects.load(
        (node.target.key_space, tuple(keys), node.requests)
    )
    return records


def known_objects(node: SelectionNode, records: list[ObjectRecord]) -> list[ObjectRecord]:
    """Return the records, loaded together, of objects that exist; none where that is not known.

    What they lead to, and what deferred parts ask, is asked of such objects alone.
    """
    if not records or node.target.record not in records[0].values:
        return records
    return [each for each in existing(node.target.record, records) if isinstance(each, ObjectRecord)]


@dataclass(frozen=True, slots=True)
class Way:
    """A way to follow from objects that were loaded together: `places` are theirs in the columns, each once."""

    follow: Follow
    columns: dict[Any, Any]
    places: Sequence[int]

    async def load(self, context: RequestContext) -> list[ObjectRecord]:
        """Load the targets, store them in place of the keys, and return the objects that exist."""
        raise NotImplementedError

    def _is_list(self) -> bool:
        request = self.follow.request
        shape = request.shape if isinstance(request, FunctionCall) else request.section
        return shape.cardinality is not Cardinality.ONE

    def _first(self) -> int | None:
        """Return how many rows of each list lead on: not the one that only tells that another page follows."""
        request = self.follow.request
        return None if isinstance(request, FunctionCall) else request.first

    def rows(self) -> list[Any]:
        """Return the rows of all objects, those of lists one after the other; None for a section without a row."""
        values, first = self.columns[self.follow.request], self._first()
        own = [values[place] for place in self.places]
        return list(chain.from_iterable(rows[:first] for rows in own)) if self._is_list() else own

    def replace(self, rows: Iterable[Any]) -> None:
        """Put these in the place of `rows`, one for each. Other objects, such as unknown ones, keep their values."""
        values, first = self.columns[self.follow.request], self._first()
        column = dict(values) if isinstance(values, dict) else list(values)
        if self._is_list():
            remaining = iter(rows)
            for place in self.places:
                own = values[place]
                shown = len(own[:first])
                column[place] = [*islice(remaining, shown), *own[shown:]]
        else:
            for place, row in zip(self.places, rows, strict=True):
                column[place] = row
        self.columns[self.follow.request] = column


class LinkWay(Way):
    """Follow a column that holds a key to the objects it names."""

    __slots__ = ()

    async def load(self, context: RequestContext) -> list[ObjectRecord]:
        """Put objects in the place of their keys: None for one that does not exist, an error where that is unknown."""
        position, node = self.follow.position or 0, self.follow.node
        keys = dict.fromkeys([row[position] for row in self.rows() if row is not None])
        keys.pop(None, None)
        wrong = {key: error for key in keys if (error := error_in(key)) is not None}
        records, targets = await _targets(context, node, [key for key in keys if key not in wrong])
        # Other links of the same rows may have been put in place meanwhile.
        self.replace(_linked(self.rows(), position, {**targets, **wrong}))
        return records


def _linked(rows: Sequence[Any], position: int, targets: Mapping[Any, Any]) -> Sequence[Any]:
    """Return rows with what stands for each key in its place; None for a row that is None.

    Column by column, which takes a fifth of the time that it takes to make a new tuple of each.
    """
    present = [row for row in rows if row is not None]
    if not present:
        return rows
    columns: list[Iterable[Any]] = list(zip(*present, strict=True))
    columns[position] = map(targets.get, columns[position])
    linked = zip(*columns, strict=True)
    return list(linked) if len(present) == len(rows) else [row and next(linked) for row in rows]


class OwnRowsWay(Way):
    """Follow rows that are the objects' own records, which need no second statement."""

    __slots__ = ()

    async def load(self, context: RequestContext) -> list[ObjectRecord]:
        """Put objects in the place of their rows, with the rest of what is asked of them."""
        rows, key_of = self.rows(), self.follow.node.target.key_of
        present = [row for row in rows if row is not None]
        records = await _with_rows(context, self.follow.node, list(map(key_of, present)), present)
        remaining = iter(records)
        self.replace(None if row is None else next(remaining) for row in rows)
        return records


class ReferenceWay(Way):
    """Follow the references that a function returned for each object, one or a list."""

    __slots__ = ()

    async def load(self, context: RequestContext) -> list[ObjectRecord]:
        """Put objects in the place of references. What is no reference to such an object is an error in its place."""
        node, call = self.follow.node, cast("FunctionCall", self.follow.request)
        if isinstance(self.columns[call], StoreError):
            return []
        read = _key_reader(node, call.name)
        keys = {place: _mapped(value, read) for place, value in self.columns[call].items()}
        wanted = dict.fromkeys(each for value in keys.values() for each in _several(value))
        records, targets = await _targets(context, node, list(wanted))
        self.columns[call] = {place: _mapped(value, targets.get) for place, value in keys.items()}
        return records


def _key_reader(node: SelectionNode, name: str) -> Callable[[Any], Any]:
    key_space = node.target.key_space

    def read(reference: Any) -> Any:
        try:
            return reference_key(name, key_space.name, key_space.key, reference)
        except FunctionAnswerError as error:
            return error

    return read


def _several(value: Any) -> list[Any]:
    """Return the keys of a list, or one alone; what is no key is left out."""
    values = value if isinstance(value, list) else [value]
    return [each for each in values if each is not None and not isinstance(each, Exception)]


def _mapped(value: Any, read: Callable[[Any], Any]) -> Any:
    """Return what the function makes of a value, or of each of a list; None and errors pass."""
    if isinstance(value, list):
        return [_mapped(each, read) for each in value]
    return value if value is None or isinstance(value, Exception) else read(value)


async def _targets(
    context: RequestContext, node: SelectionNode, keys: Sequence[Any]
) -> tuple[list[ObjectRecord], Mapping[Any, Any]]:
    """Return the objects that exist, and what stands for each key: the object, None, or the error that hides it."""
    if not keys:
        return [], {}
    try:
        records = await load_node(context, node, keys)
    except StoreError as error:
        return [], dict.fromkeys(keys, error)
    if node.target.record is None:
        return records, {each.key: each for each in records}
    objects = existing(node.target.record, records)
    known = [each for each in objects if isinstance(each, ObjectRecord)]
    return known, {record.key: each for record, each in zip(records, objects, strict=True)}


async def _with_rows(
    context: RequestContext, node: SelectionNode, keys: Sequence[Any], rows: Sequence[Any]
) -> list[ObjectRecord]:
    """Return records of these keys, whose own columns are these rows, with the rest of what is asked of them."""
    if node.target.record is None or not keys:
        return []
    rest = node.without_record
    if not rest.requests:
        own: dict[SectionRequest, Any] = {node.target.record: rows}
        return make_records(keys, own, range(len(keys)))
    records = await load_node(context, rest, keys)
    columns: dict[Any, Any] = records[0].values
    columns[node.target.record] = {each.place: row for each, row in zip(records, rows, strict=True)}
    return records

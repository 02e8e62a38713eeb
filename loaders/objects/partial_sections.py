"""Sections of which columns are missing in their database: these alone are errors, and the others are answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from loaders.model.key_spaces import KeySpace
from loaders.objects.object_record import Values, section_error
from loaders.objects.object_source import RequestValues, SectionSource, TenantValues
from loaders.objects.schema_faults import SchemaFaults, Split
from loaders.statements.section_request import SectionRequest, merged
from loaders.stores.errors import StoreError

_MAX_ROUNDS = 4
"""How often requests are loaded whose section is found to lack other columns than the last time."""


@dataclass(frozen=True, slots=True)
class PartialSections:
    """A source of sections that asks another one for those that lack columns without these.

    The whole section is asked for too where a missing column is wanted: it is not sent, and what a cache has of it may
    still be served.
    """

    source: SectionSource
    faults: SchemaFaults

    async def load(
        self, space: KeySpace, keys: Sequence[Any], requests: Sequence[SectionRequest], values: TenantValues
    ) -> RequestValues:
        """Return the values of each request in the order of the keys, or the error that kept them from being loaded.

        A row has a SectionError in the place of a column that is missing.
        """
        if not self.faults:
            loaded = await self.source.load(space, keys, requests, values)
            if not self.faults:
                return loaded
            answers, waiting = dict(loaded), [each for each in requests if self.faults.split(each) is not None]
        else:
            answers, waiting = {}, list(requests)
        for _ in range(_MAX_ROUNDS):
            if not waiting:
                break
            splits = {request: self.faults.split(request) for request in waiting}
            asked = merged(each for request, split in splits.items() for each in _asked(request, split))
            loaded = await self.source.load(space, keys, asked, values)
            answers |= {request: _answer(request, split, loaded) for request, split in splits.items()}
            waiting = [request for request, split in splits.items() if self.faults.split(request) != split]
        return answers


def _asked(request: SectionRequest, split: Split | None) -> list[SectionRequest]:
    if split is None:
        return [request]
    is_missing = request.columns is None or bool(request.columns & split.columns)
    return [split.partial, request] if is_missing else [split.partial]


def _answer(request: SectionRequest, split: Split | None, loaded: RequestValues) -> Values | StoreError:
    if split is None:
        return loaded[request]
    whole, rows = loaded.get(request), loaded[split.partial]
    if isinstance(rows, StoreError):
        return rows if whole is None or isinstance(whole, StoreError) else whole
    error = section_error(request, split.error)
    names = (each.name for each in request.section.columns)
    lacks = [place for place, name in enumerate(names) if name in split.columns]
    known = [None] * len(rows) if whole is None or isinstance(whole, StoreError) else whole
    combine = _list if request.is_list else _row
    return [combine(row, each, lacks, error) for row, each in zip(rows, known, strict=True)]


def _row(row: Any, known: Any, places: Sequence[int], error: StoreError) -> Any:
    """Return a row with the missing columns of what is known of the whole row, or with the error in their places."""
    if row is None or isinstance(row, StoreError):
        return row
    result = list(row)
    is_known = isinstance(known, tuple)
    for place in places:
        result[place] = known[place] if is_known else error
    return tuple(result)


def _list(rows: Any, known: Any, places: Sequence[int], error: StoreError) -> Any:
    """Return a list as it is known as a whole, or its rows with the error in the places of the missing columns."""
    if isinstance(known, list):
        return known
    return rows if isinstance(rows, StoreError) else [_row(row, None, places, error) for row in rows]

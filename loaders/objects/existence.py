"""Which of the loaded objects exist, also while their own table cannot be asked."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from loaders.model.bound_sections import BoundSection
from loaders.model.databases import everyones
from loaders.objects.object_record import ObjectRecord, has_errors, section_error
from loaders.objects.section_error import SectionError
from loaders.statements.section_request import SectionRequest
from loaders.stores.errors import StoreError

ExistingObject = ObjectRecord | SectionError | None
"""An object that exists; None for one that does not; the error that keeps this from being known."""


def existing(record: SectionRequest, records: Sequence[ObjectRecord]) -> list[ExistingObject]:
    """Return of records that were loaded together those of objects that exist, in order.

    An object exists if the request of its record answers a row. Where that failed, any other section that has rows for
    the key proves it. An object that nothing proves is an error in its place.
    """
    if not records:
        return []
    column = records[0].values[record]
    if isinstance(column, StoreError):
        error = section_error(record, column)
        proven = _proven(record.section, records)
        return [each if each.place in proven else error for each in records]
    rows = [column[each.place] for each in records]
    if not has_errors(rows):
        return [None if row is None else each for each, row in zip(records, rows, strict=True)]
    unknown = [each for each, row in zip(records, rows, strict=True) if isinstance(row, SectionError)]
    proven = _proven(record.section, unknown)
    return [
        row if isinstance(row, SectionError) and each.place not in proven else None if row is None else each
        for each, row in zip(records, rows, strict=True)
    ]


def _proven(own: BoundSection, records: Sequence[ObjectRecord]) -> set[int]:
    """Return the places of the objects for which some section has rows."""
    places = {each.place for each in records}
    waiting = list(places)
    for request, values in records[0].values.items():
        if not waiting:
            break
        if isinstance(request, SectionRequest) and isinstance(values, list) and _proves(own, request.section):
            has_rows = _has_list if request.is_list else partial(_has_row, request.section)
            waiting = [place for place in waiting if not has_rows(values[place])]
    return places.difference(waiting)


def _proves(own: BoundSection, section: BoundSection) -> bool:
    """Return whether a section's rows prove that an object exists, in the viewer's tenant if objects belong to one."""
    return not _is_of_tenant(own) or _is_of_tenant(section)


def _is_of_tenant(section: BoundSection) -> bool:
    """Return whether all rows that a section reads are narrowed to the viewer's tenant."""
    return not any(section.bound_tables[table].tenant is everyones for table in section.tables)


def _has_list(value: Any) -> bool:
    return bool(value) and not isinstance(value, StoreError)


def _has_row(section: BoundSection, value: Any) -> bool:
    """Return whether a value was made of rows. The values over no rows, such as a count of 0, are no proof."""
    if value is None or isinstance(value, StoreError):
        return False
    if section.is_nullable:
        return True
    items = zip(value, section.empty, strict=True)
    return any(item is not None and item != nothing and not isinstance(item, StoreError) for item, nothing in items)

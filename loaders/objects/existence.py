"""Which of the loaded objects exist, also while their own table cannot be asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from loaders.model.bound_sections import BoundSection
from loaders.model.databases import everyones
from loaders.objects.object_record import ObjectRecord, section_error
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
    if not isinstance(column, StoreError):
        return [None if column[each.place] is None else each for each in records]
    error = section_error(record, column)
    proven = _proven(record.section, records)
    return [each if each.place in proven else error for each in records]


def _proven(own: BoundSection, records: Sequence[ObjectRecord]) -> set[int]:
    """Return the places of the objects for which some section has rows."""
    places: set[int] = set()
    waiting = {each.place for each in records}
    for request, values in records[0].values.items():
        if isinstance(request, SectionRequest) and isinstance(values, list | tuple) and _proves(own, request.section):
            places |= {place for place in waiting if _has_rows(request, values[place])}
    return places


def _proves(own: BoundSection, section: BoundSection) -> bool:
    """Return whether a section's rows prove that an object exists, in the viewer's tenant if objects belong to one."""
    return not _is_of_tenant(own) or _is_of_tenant(section)


def _is_of_tenant(section: BoundSection) -> bool:
    """Return whether all rows that a section reads are narrowed to the viewer's tenant."""
    return not any(section.bound_tables[table].tenant is everyones for table in section.tables)


def _has_rows(request: SectionRequest, value: Any) -> bool:
    """Return whether a value was made of rows. The values over no rows, such as a count of 0, are no proof."""
    if request.is_list:
        return bool(value)
    if value is None or request.section.is_nullable:
        return value is not None
    empty = request.section.empty
    return any(item is not None and item != nothing for item, nothing in zip(value, empty, strict=True))

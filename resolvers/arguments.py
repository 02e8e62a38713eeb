"""Arguments that several fields share, and how they are read: periods and cursors."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import orjson
import strawberry

from loaders.catalogue.declaration import ConnectionSection, Section
from loaders.errors import CallerError
from loaders.planning import Period

_MAX_VALUES = {"UInt16": 2**16 - 1, "DateTime('UTC')": 2**32 - 1}


@strawberry.input(
    name="Period",
    description="Calendar dates in New York, both inclusive; an absent end is open. It must not end before it begins.",
)
class PeriodInput:
    """What an analysis is narrowed to."""

    from_: date | None = strawberry.field(name="from", default=strawberry.UNSET, description="First date.")
    to: date | None = strawberry.field(default=strawberry.UNSET, description="Last date.")


def period_of(value: PeriodInput | Mapping[str, Any] | None) -> Period | None:
    """A period as the planner has it, from the input type or from its coerced values."""
    if value is None:
        return None
    if isinstance(value, PeriodInput):
        return Period(value.from_ or None, value.to or None)
    return Period(value.get("from", value.get("from_")), value.get("to"))


def encoded(values: Sequence[object]) -> str:
    """An opaque cursor that holds the values: text and whole numbers."""
    return base64.urlsafe_b64encode(orjson.dumps(values)).decode().rstrip("=")


def decoded(cursor: str, kinds: Sequence[type]) -> tuple[Any, ...]:
    """The values of a cursor. Raises CallerError where it is not one of this list's."""
    try:
        padded = cursor.encode() + b"=" * (-len(cursor) % 4)
        values = orjson.loads(base64.urlsafe_b64decode(padded))
    except (binascii.Error, ValueError) as error:
        raise _not_a_cursor(cursor) from error
    if not isinstance(values, list) or [type(value) for value in values] != list(kinds):
        raise _not_a_cursor(cursor)
    return tuple(values)


def after_of(section: type[Section], cursor: str | None) -> tuple[str | int, ...]:
    """The cursor columns of the row that a page of the section follows; () without one."""
    if cursor is None or not issubclass(section, ConnectionSection):
        return ()
    kinds = [kind for _, kind in section.cursor]
    values = decoded(cursor, [int if kind in _MAX_VALUES else str for kind in kinds])
    if any(
        kind in _MAX_VALUES and not 0 <= value <= _MAX_VALUES[kind] for kind, value in zip(kinds, values, strict=True)
    ):
        raise _not_a_cursor(cursor)
    return values


def cursor_of(section: type[ConnectionSection], row: Sequence[Any]) -> str:
    """The cursor of one of the section's rows."""
    place = {column.name: at for at, column in enumerate(section.columns)}
    return encoded([_plain(row[place[name]]) for name, _ in section.cursor])


def _plain(value: Any) -> str | int:
    if isinstance(value, datetime):
        return int(value.timestamp())
    return value if isinstance(value, int) else str(value)


def _not_a_cursor(cursor: str) -> CallerError:
    return CallerError(f"after: {cursor[:40]!r} is not a cursor of this list.")

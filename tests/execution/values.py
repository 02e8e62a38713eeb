"""Values for fields: those that a field's type expects, and those that no resolver should give."""

import math
import types
from collections.abc import AsyncIterator, Generator, Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import strawberry
from graphql import GraphQLError, Undefined

from loaders.model.canonical import ScalarError
from resolvers.scalar_types import make_enum


class Boom(Exception):  # noqa: N818 (a name that is easily seen in a message)
    """What failing resolvers raise."""


class IntLike(int):
    """Not exactly an int."""


class FloatLike(float):
    """Not exactly a float."""


class StrLike(str):
    """Not exactly a str."""

    __slots__ = ()


class ListLike(list[Any]):
    """Not exactly a list."""


class TupleLike(tuple[Any, ...]):
    """Not exactly a tuple."""

    __slots__ = ()


class DateLike(date):
    """Not exactly a date."""


class DateTimeLike(datetime):
    """Not exactly a datetime."""


class Number(IntEnum):
    """An int with a name."""

    ONE = 1


@strawberry.enum
class Colour(Enum):
    """The values of an enum type."""

    RED = "red"
    BLUE = "blue"


class Later:
    """Something to await, that does not mind when nobody does."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __repr__(self) -> str:
        return f"Later({self._value!r})"

    def __await__(self) -> Generator[Any, None, Any]:
        yield from ()
        if isinstance(self._value, Boom):
            raise self._value
        return self._value


def one_shot(*values: Any) -> Iterator[Any]:
    """An iterator that has its values once."""
    yield from values


async def one_shot_async(*values: Any) -> AsyncIterator[Any]:
    """The same, to be awaited."""
    for value in values:
        yield value


@types.coroutine
def old_coroutine() -> Generator[Any, None, Any]:
    """A generator that can be awaited, though its type cannot."""
    yield from ()
    return None


Mood = make_enum("Mood", {"GLAD": "", "SAD": ""})
"""An enum of a model: its values are its names."""

_ENDS = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
_DECIMALS = [Decimal("1.5"), Decimal("1E+3"), Decimal("NaN"), 3, 1.5]

EXACT: dict[str, tuple[Any, ...]] = {
    "Int": (0, 1, -7, 2**31 - 1, -(2**31)),
    "Float": (0.0, -0.0, 1.5, 1e308, 5e-324, -2.0),
    "String": ("", "a", "é", "\x00", "\ud800", "😀", "null"),
    "ID": ("", "x", "1", "\udfff"),
    "Boolean": (True, False),
    "Date": (date(2013, 1, 1), date.min, date.max),
    "DateTime": (datetime(2013, 1, 1, 5, 6, 7, 8, tzinfo=UTC), datetime(2013, 1, 1, tzinfo=UTC), *_ENDS),
    "BigInt": (0, 1, -7, 2**53 + 1, 2**63 - 1, -(2**63), 2**64 - 1),
    "Decimal": ("1.50", "0", "-12345678901234567890.123456789000"),
    "UUID": ("123e4567-e89b-12d3-a456-426614174000", "00000000-0000-0000-0000-0000000000ab"),
    "Base64": ("", "AP8="),
    "JSON": ({"a": [1, None, {"é": "x"}]}, ["\ud83d"], {}, [], [1, [2.5]], "text", "", 0, 2**70, -0.0, True, False),
    "Mood": ("GLAD", "SAD"),
}
"""By scalar: values that are as its type has them."""


def odd_values() -> list[Any]:
    """Values that are wrong, or not exactly right, for most types; new ones each time, since some can be used once."""
    return [
        *(2**31, -(2**31) - 1, 2**53 + 1, 2**70, 10**400, True, False, 0, 1, 1.0, 2.5, -0.0, 1e16, 1e400, -1e400),
        *(float("nan"), Decimal("1.5"), Decimal(3), 3 + 0j, IntLike(3), FloatLike(2.0), FloatLike("nan"), Number.ONE),
        *("", "text", "12", "1.5", "true", StrLike("sub"), "\ud800", b"bytes", bytearray(b"b"), Colour.RED),
        *(date(2013, 1, 2), datetime(2013, 1, 2), time(1, 2), DateLike(2013, 1, 2), DateTimeLike(2013, 1, 2)),
        *([], [1], ["a"], [None], [[]], [Boom("in a list")], (), (1, 2), {}, {"a": 1}, {1}, range(2), one_shot(1, 2)),
        *(one_shot_async(1), ListLike([1]), TupleLike((1,)), object(), int, len, None, Undefined, strawberry.UNSET),
        *(
            ScalarError("as a value"),
            Boom("as a value"),
            GraphQLError("as a value"),
            ExceptionGroup("as a group", [Boom("inside")]),
        ),
        *(
            Later(None),
            Later(1),
            Later("later"),
            Later(Boom("later")),
            Later([Later(1)]),
            old_coroutine(),
            NotImplemented,
            ...,
        ),
    ]


def exact_value(rng: Random, scalar: str) -> Any:
    """A value that is as the type has it."""
    return rng.choice(EXACT[scalar])


def near_values(scalar: str) -> list[Any]:
    """Values that are nearly as the type has them."""
    near: dict[str, list[Any]] = {
        "Int": [2**31, -(2**31) - 1, True, 1.0, "1", IntLike(3)],
        "Float": [math.nan, math.inf, -math.inf, 3, True, "1.5", FloatLike("nan")],
        "String": [1, True, StrLike("sub"), b"b", None],
        "ID": [1, 1.5, True, StrLike("sub"), None],
        "Boolean": [0, 1, "true", None],
        "Date": [datetime(2013, 1, 2), DateLike(2013, 1, 2), "2013-01-02", None],
        "DateTime": [
            *(date(2013, 1, 2), DateTimeLike(2013, 1, 2), "2013-01-02", None, datetime(2013, 1, 1), datetime.max),
            *(datetime(2013, 1, 1, tzinfo=timezone(timedelta(minutes=offset))) for offset in (0, -330, 14 * 60)),
            *(datetime(2013, 7, 1, 5, tzinfo=ZoneInfo("America/New_York")), datetime(2013, 1, 1, fold=1)),
            datetime(1800, 1, 1, tzinfo=ZoneInfo("Europe/Amsterdam")),  # an offset with seconds
            datetime.min.replace(tzinfo=ZoneInfo("Asia/Kolkata")),
        ],
        "BigInt": [2**64, -(2**63) - 1, True, 1.0, "1", IntLike(3), *_DECIMALS],
        "Decimal": [StrLike("1.5"), b"1.5", True, *_DECIMALS],
        "UUID": [UUID(int=0xAB), 1, StrLike("sub"), b"b"],
        "Base64": [b"\x00\xff", bytearray(b"b"), StrLike("sub"), 1],
        "JSON": [
            (1, 2),
            {1},
            Decimal("1.50"),
            UUID(int=1),
            date(2013, 1, 2),
            datetime(2013, 1, 2),
            b"b",
            StrLike("sub"),
        ],
        "Mood": ["glad", "Glad", *Mood, StrLike("GLAD"), Colour.RED, 1, ["GLAD"]],
    }
    return near.get(scalar, [None])


def odd_value(rng: Random, of: str) -> Any:
    """A value that is wrong, or not exactly right, for a field of this type."""
    return rng.choice(near_values(of) if rng.random() < 0.5 else odd_values())

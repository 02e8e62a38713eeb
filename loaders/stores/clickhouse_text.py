"""ClickHouse's text as the driver reads it: what is no UTF-8 is an error in its place.

ClickHouse's String holds any bytes. The driver reads those that are no UTF-8 as their hexadecimal digits, which nobody
can tell from a text of such digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clickhouse_connect.datatypes.base import type_map
from clickhouse_connect.datatypes.registry import type_cache
from clickhouse_connect.datatypes.string import String
from clickhouse_connect.driver.query import QueryContext
from clickhouse_connect.driver.types import ByteSource

from loaders.model.canonical import ScalarError

_ANY_BYTES = "latin-1"
"""Decodes any bytes, one character each, as fast as the driver decodes UTF-8. ASCII is the same in both."""


class UTF8String(String, registered=False):
    """The type String, with a ScalarError in place of what is no UTF-8."""

    def _read_column_binary(self, source: ByteSource, num_rows: int, ctx: QueryContext, _read_state: Any) -> Any:
        if self.read_format(ctx) == "bytes":
            return super()._read_column_binary(source, num_rows, ctx, _read_state)
        return _decoded(source.read_str_col(num_rows, _ANY_BYTES))

    def _read_nullable_column(self, source: ByteSource, num_rows: int, ctx: QueryContext, read_state: Any) -> Any:
        if self.read_format(ctx) == "bytes" or not ctx.use_none:
            return super()._read_nullable_column(source, num_rows, ctx, read_state)
        column = source.read_str_col(num_rows, _ANY_BYTES, True, None)
        if "".join(filter(None, column)).isascii():
            return column
        rest = iter(_decoded([text for text in column if text is not None]))
        return [None if text is None else next(rest) for text in column]


def use_utf8_strings() -> None:
    """Have the driver read every String of this process as UTF8String. It has no setting of one client for this."""
    if type_map["String"] is not UTF8String:
        type_map["String"] = UTF8String
        type_cache.clear()  # of types that were read before


def _decoded(column: Sequence[str]) -> Sequence[str | ScalarError]:
    """Return texts of UTF-8 whose bytes were read as one character each; a ScalarError stands for what is no UTF-8."""
    text = "\0".join(column)  # all at once: to look at each value would take as long as to read it
    if text.isascii():
        return column
    try:
        decoded = text.encode(_ANY_BYTES).decode().split("\0")
    except UnicodeDecodeError:
        return _decoded_each(column)
    return decoded if len(decoded) == len(column) else _decoded_each(column)


def _decoded_each(column: Sequence[str]) -> list[str | ScalarError]:
    """Return what `_decoded` does. The error is one object, so that it is logged once."""
    error = ScalarError("String cannot represent this value: it is not UTF-8.")
    decoded: list[str | ScalarError] = []
    for text in column:
        try:
            decoded.append(text.encode(_ANY_BYTES).decode())
        except UnicodeDecodeError:
            decoded.append(error)
    return decoded

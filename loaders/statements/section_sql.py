"""SQL that both databases have in common: what a section selects, from which rows, in which order."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from loaders.model.bound_sections import BoundColumn, BoundSection
from loaders.model.databases import Kind, Relation, Table
from loaders.model.references import Fragment, OwnField
from loaders.statements.list_conditions import after_condition, filter_conditions
from loaders.statements.parameters import StatementScope
from loaders.statements.request_shape import OtherRows, RequestShape, never_null, other_rows
from loaders.statements.row_sources import RequestScope, RowsWriter
from loaders.statements.section_request import SectionRequest

_MAX_NAME = 63
"""Bytes of a name in PostgreSQL, which cuts longer ones: two of them could become one."""
_MAX_ALIAS = 40
SOURCE = "fw_source"
"""The alias of the rows that a section is over."""
_NO_WORD = re.compile(r"\W", re.ASCII)


@dataclass(frozen=True, slots=True)
class NamedRequest:
    """A request of a statement by its place, with the prefix that its columns and parameters have."""

    shape: RequestShape
    scope: RequestScope

    @property
    def alias(self) -> str:
        """The prefix: no column of a model begins as it does."""
        return self.scope.alias

    def column(self, column: BoundColumn) -> str:
        """Return what a column is called in the answer."""
        return _column_name(self.alias, column)

    def names(self) -> list[str]:
        """Return what the wanted columns are called in the answer, in order."""
        return list(map(self.column, self.shape.wanted()))

    def order_names(self) -> list[str]:
        """Return what the values of the order are called in the answer, in order."""
        return [f"{self.alias}__order_{place}" for place in range(len(self.shape.order))]


def named(shapes: Sequence[RequestShape]) -> list[NamedRequest]:
    """Return the requests of a statement with aliases that tell what they are, each another."""
    seen: Counter[str] = Counter()
    result = []
    for place, shape in enumerate(shapes):
        path = _NO_WORD.sub("_", shape.section.name.partition(".")[2])
        seen[path] += 1
        alias = shortened(f"fw_{path}", _MAX_ALIAS) + (f"__{seen[path]}" if seen[path] > 1 else "")
        fields = {column.name: _column_name(alias, column) for column in shape.section.columns}
        result.append(NamedRequest(shape, RequestScope(place, alias, dict(shape.picks), fields)))
    return result


def shortened(name: str, max_length: int) -> str:
    """Return a name of at most so many characters: a longer one ends in a digest of itself, so that none are alike."""
    if len(name) <= max_length:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: max_length - len(digest) - 1]}_{digest}"


def _column_name(alias: str, column: BoundColumn) -> str:
    return shortened(f"{alias}__{column.name}", _MAX_NAME)


def column_sql(writer: RowsWriter, column: BoundColumn, scope: RequestScope) -> str:
    """Return a column's SQL, so that the driver keeps its value."""
    sql = writer.fragment(column.sql, scope)
    if writer.kind is Kind.POSTGRES:
        return sql
    return column.scalar.select_clickhouse(sql, is_list=column.is_list)


def selected(writer: RowsWriter, request: NamedRequest, columns: Iterable[BoundColumn] | None = None) -> list[str]:
    """Return the wanted columns of a section, or some of its columns, each with its name."""
    some = request.shape.wanted() if columns is None else columns
    return [f"{column_sql(writer, column, request.scope)} as {request.column(column)}" for column in some]


def key_names(shape: RequestShape) -> list[str]:
    """Return what the parts of the key are called in an answer."""
    return [f"fw_key_{place}" for place in range(len(shape.section.key_columns))]


def selected_keys(writer: RowsWriter, shape: RequestShape) -> list[str]:
    """Return the columns that hold the key, each with its name."""
    columns = map(writer.quoted, shape.section.key_columns)
    return [f"{column} as {name}" for column, name in zip(columns, key_names(shape), strict=True)]


def from_rows(
    writer: RowsWriter, request: NamedRequest, further: Sequence[str] = (), *, by_key: str = "", has_where: bool = True
) -> str:
    """Return the rows that a section is over, with all conditions that hold for them.

    `by_key` is the condition that rows belong to one key, in the place of the one that they belong to any. Without
    `has_where`, the section's own condition is left out.
    """
    section, scope = request.shape.section, request.scope
    over, columns = section.over, section.key_columns
    if isinstance(over, Table):
        source = writer.table(over)
        conditions = writer.conditions(over, SOURCE, () if by_key else columns)
    else:
        source = writer.relation(over, scope)
        is_narrowed = bool(by_key) or other_rows(section) is OtherRows.NONE or narrows_groups(writer, section)
        conditions = [] if is_narrowed else writer.keys(columns, SOURCE)
    if by_key:
        conditions = [*conditions, by_key]
    if has_where and section.where.parts:
        conditions = [*conditions, f"({writer.fragment(section.where, scope)})"]
    conditions = [*conditions, *filter_conditions(writer, request.shape, scope), *filter(None, further)]
    where = f"\nwhere {' and '.join(conditions)}" if conditions else ""
    return f"from {source} as {SOURCE}{where}"


def narrows_groups(writer: RowsWriter, section: BoundSection) -> bool:
    """Return whether the groups of other keys are left out rather than their rows, of which there are few."""
    is_grouped = not section.is_row and bool(section.key_columns) and isinstance(section.over, Relation)
    return writer.kind is Kind.CLICKHOUSE and is_grouped and other_rows(section) is OtherRows.SOME


def having(writer: RowsWriter, shape: RequestShape, further: str = "") -> str:
    """Return the condition on groups. Without the count, ClickHouse would test that of the keys for each row."""
    keys = writer.keys(key_names(shape)) if narrows_groups(writer, shape.section) else []
    conditions = [*(f"if(count() > 0, {condition}, false)" for condition in keys), *filter(None, [further])]
    return f"\nhaving {' and '.join(conditions)}" if conditions else ""


def order_sql(writer: RowsWriter, request: NamedRequest) -> list[str]:
    """Return the expressions of the order over the rows, or over the section's own columns by their names."""
    return [writer.fragment(term.expression, request.scope) for term in request.shape.order]


def order_suffixes(request: NamedRequest) -> list[str]:
    """Return what stands behind each expression of the order.

    PostgreSQL reads an index for an order only where nulls stand as in the index, so that their place is left out where
    there are none.
    """
    section = request.shape.section
    return [
        (" desc" if term.is_descending else "") if never_null(section, term) else term.suffix
        for term in request.shape.order
    ]


def after_rows(writer: RowsWriter, request: NamedRequest, names: Sequence[str]) -> str:
    """Return the condition that rows come behind the one that the page follows; `names` are the order's expressions."""
    shape = request.shape
    return after_condition(writer, shape, request.scope, shape.order, names.__getitem__)


def limit(writer: RowsWriter, request: NamedRequest) -> str:
    """Return the SQL that stands for the number of rows of each key."""
    place = request.scope.place

    def value(_scope: StatementScope, requests: Sequence[SectionRequest]) -> int:
        return requests[place].limit

    return writer.parameters.typed(f"{request.alias}__first", "bigint", "UInt32", value)


def with_fields(request: NamedRequest, fields: Mapping[str, str]) -> NamedRequest:
    """Return a request whose SQL names its section's fields in another way."""
    return replace(request, scope=replace(request.scope, fields=fields))


def inlined(writer: RowsWriter, request: NamedRequest) -> NamedRequest:
    """Return a request whose SQL has the expressions of fields in their place, whether these are selected or not."""
    fields: dict[str, str] = {}
    scope = replace(request.scope, fields=fields)
    waiting = list(request.shape.section.columns)
    while waiting:
        ready = [column for column in waiting if all(name in fields for name in _named_fields(column.sql))]
        if not ready:
            break  # they name each other, and whoever writes one of them fails
        for column in ready:
            fields[column.name] = f"({writer.fragment(column.sql, scope)})"
        waiting = [column for column in waiting if column not in ready]
    return with_fields(request, fields)


def _named_fields(fragment: Fragment) -> list[str]:
    return [each.name for each in fragment.references() if isinstance(each, OwnField)]


def lines(columns: Iterable[str]) -> str:
    """Return columns of a select, each on a line of its own."""
    return ",\n    ".join(columns)

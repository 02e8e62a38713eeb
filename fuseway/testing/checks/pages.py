"""A list's pages join into the list, in each order, and its filters choose the rows that Python would."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from fuseway.testing.cases import CheckedModel, cases
from fuseway.testing.compare import describe, difference, shown
from fuseway.testing.literals import argument, comparable
from fuseway.testing.paged_lists import PagedList, paged_lists
from fuseway.testing.queries import some
from fuseway.testing.results import read_answer
from loaders.model.filter_conditions import FilterOperator

if TYPE_CHECKING:
    from fuseway.testing.model_session import ModelSession
    from loaders.model.filter_conditions import FilterCondition
    from loaders.model.scalars import Scalar

_SMALL = (1, 7)
"""Sizes of the pages that are joined."""
_MAX_PAGES = 20
"""Pages that are joined at most."""
_PARENTS = 12
"""Objects of which the one with the longest list is taken."""
_VALUES = 4
"""Values that each condition is tried with."""
_Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OrderCase:
    """A list, and one of its orders; an empty text is its own."""

    paged: PagedList
    order: str

    def __str__(self) -> str:
        return f"{self.paged}-{self.order or 'default order'}"


@dataclass(frozen=True, slots=True)
class FilterCase:
    """A list, and a condition over a column that its rows show as a field."""

    paged: PagedList
    condition: FilterCondition
    field: str

    def __str__(self) -> str:
        return f"{self.paged}-{self.condition.name}"


def _orders(checked: CheckedModel) -> Iterator[OrderCase]:
    for each in paged_lists(checked):
        yield OrderCase(each, "")
        for member in each.section.orders:
            for direction in ("ASC", "DESC"):
                yield OrderCase(each, f"orderBy: {{ field: {member.upper()}, direction: {direction} }}")


def _filters(checked: CheckedModel) -> Iterator[FilterCase]:
    for each in paged_lists(checked):
        for condition, field in each.shown_conditions():
            yield FilterCase(each, condition, field)


@cases(_orders)
def test_pages_join_into_the_list(fuseway_session: ModelSession, case: OrderCase) -> None:
    """Small pages, each behind the last one's cursor, are together what one large page is."""
    reader = _Reader.of(fuseway_session, case.paged)
    whole = reader.rows(case.order, first=case.paged.max)
    for size in _SMALL:
        joined, is_end = reader.walk(case.order, size)
        place = difference(whole[: len(joined)] if not is_end else whole, joined)
        if place is not None:
            head = f"{case}: pages of {size} rows do not join into the list (of {reader.parent or 'the query'})."
            pytest.fail(f"{head}\n{describe(place, 'one large page', f'pages of {size}')}", pytrace=False)
    total = reader.total
    if total is not None and len(whole) != min(total, case.paged.max):
        pytest.fail(f"{case}: totalCount is {total}, and the list has {len(whole)} rows.", pytrace=False)


@cases(_filters)
def test_filters_agree_with_python(fuseway_session: ModelSession, case: FilterCase) -> None:
    """A condition chooses the rows of the list that it would choose in Python."""
    reader, condition = _Reader.of(fuseway_session, case.paged), case.condition
    rows, is_whole = reader.walk("", case.paged.max)
    if not is_whole:
        pytest.skip(f"{case.paged} has more than {len(rows)} rows: too many to be looked at in Python")
    known = [row[case.field] for row in rows if row[case.field] is not None]
    if not known and condition.operator is not FilterOperator.PRESENT:
        pytest.skip(f"no row of {case.paged} has a value in {case.field}")
    for written, holds in _tries(condition, known):
        text = f"filter: {{ {case.paged.filter_name(condition)}: {written} }}"
        chosen, _ = reader.walk(text, case.paged.max)
        right = [row for row in rows if holds(row[case.field])]
        place = difference(right, chosen)
        if place is not None:
            head = f"{case}: the condition {written} chooses other rows (of {reader.parent or 'the query'})."
            pytest.fail(f"{head}\n{describe(place, 'in Python', 'in the database')}", pytrace=False)


def _tries(condition: FilterCondition, known: Sequence[Any]) -> Iterator[tuple[str, Callable[[Any], bool]]]:
    """Yield values of a condition as they are written, each with the same condition on a value of an answer."""
    operator, scalar = condition.operator, condition.scalar
    if operator is FilterOperator.PRESENT:
        yield "true", lambda value: value is not None
        yield "false", lambda value: value is None
        return
    if operator is FilterOperator.CONTAINS:
        items = list(dict.fromkeys(item for value in known for item in value))
        for item in some(items, _VALUES):
            yield argument(scalar, item), partial(_contains, item)
        return
    values = some(sorted(dict.fromkeys(known), key=lambda value: comparable(scalar, value)), _VALUES)
    if operator is FilterOperator.PREFIX:
        for start in dict.fromkeys(text[:length] for text in values for length in (1, len(text) - 1, len(text))):
            yield argument(scalar, start), partial(_begins, start)
    elif operator is FilterOperator.ONE_OF:
        for each in ([], values[:1], values[::2]):
            written = f"[{', '.join(argument(scalar, value) for value in each)}]"
            yield written, partial(_contained, each)
    elif operator is FilterOperator.BETWEEN:
        yield from _ranges(condition, values)
    else:
        yield from _comparisons(condition, values)


def _ranges(condition: FilterCondition, values: Sequence[Any]) -> Iterator[tuple[str, Callable[[Any], bool]]]:
    scalar = condition.scalar
    first, last = values[0], values[-1]
    for low, high in ((first, last), (values[len(values) // 2], None), (None, values[len(values) // 2])):
        ends = {"from": low, "to": high}
        written = ", ".join(f"{name}: {argument(scalar, end)}" for name, end in ends.items() if end is not None)
        yield f"{{ {written} }}", partial(_within, scalar, low, high)


_COMPARISONS: Mapping[FilterOperator, Callable[[Any, Any], bool]] = {
    FilterOperator.EQUALS: lambda value, bound: bool(value == bound),
    FilterOperator.AT_LEAST: lambda value, bound: bool(value >= bound),
    FilterOperator.AT_MOST: lambda value, bound: bool(value <= bound),
    FilterOperator.LESS_THAN: lambda value, bound: bool(value < bound),
}


def _comparisons(condition: FilterCondition, values: Sequence[Any]) -> Iterator[tuple[str, Callable[[Any], bool]]]:
    scalar, compare = condition.scalar, _COMPARISONS[condition.operator]
    for bound in values:
        yield argument(scalar, bound), partial(_compared, scalar, compare, bound)


def _contains(item: Any, value: Any) -> bool:
    return value is not None and item in value


def _contained(values: Sequence[Any], value: Any) -> bool:
    return value in values


def _begins(start: str, value: str | None) -> bool:
    return value is not None and value.startswith(start)


def _within(scalar: Scalar, low: Any, high: Any, value: Any) -> bool:
    if value is None:
        return False
    read = comparable(scalar, value)
    return bool((low is None or comparable(scalar, low) <= read) and (high is None or read <= comparable(scalar, high)))


def _compared(scalar: Scalar, compare: Callable[[Any, Any], bool], bound: Any, value: Any) -> bool:
    return value is not None and compare(comparable(scalar, value), comparable(scalar, bound))


@dataclass(slots=True)
class _Reader:
    """Reads the list of one parent, the one with most rows of some; a list of the query has none."""

    session: ModelSession
    paged: PagedList
    parent: str = ""
    total: int | None = None

    @classmethod
    def of(cls, session: ModelSession, each: PagedList) -> _Reader:
        """Return the reader of a list. Skips the test where the list has no rows."""
        reader = cls(session, each)
        route = each.route
        if route is not None:
            ids = some(session.ids(route.origin, _PARENTS * 5), _PARENTS) if route.origin else [""]
            sizes = {key: reader._size(key) for key in ids}
            reader.parent = max(sizes, key=lambda key: sizes[key], default="")
        if not reader.rows("", first=1):
            pytest.skip(f"{each} has no rows")
        return reader

    def rows(self, arguments: str, first: int) -> list[_Row]:
        """Return the rows of one page."""
        return [edge["node"] for edge in self._page(arguments, first)["edges"]]

    def walk(self, arguments: str, size: int) -> tuple[list[_Row], bool]:
        """Return the rows of page after page, and whether the last one says that it is."""
        rows: list[_Row] = []
        after = ""
        for _ in range(_MAX_PAGES):
            page = self._page(f"{arguments} {after}", size)
            rows += [edge["node"] for edge in page["edges"]]
            if not page["pageInfo"]["hasNextPage"]:
                return rows, True
            if not page["edges"]:
                pytest.fail(f"{self.paged}: an empty page says that another one follows: {shown(page)}", pytrace=False)
            after = f'after: "{page["pageInfo"]["endCursor"]}"'
        return rows, False

    def _size(self, parent: str) -> int:
        self.parent = parent
        return len(self.rows("", first=self.paged.max))

    def _page(self, arguments: str, first: int) -> Any:
        query = self.paged.query(f"first: {first} {arguments}", self.parent)
        response = self.session.unlimited.post({"query": query}, self.session.tenant, self.session.model.scopes)
        answer = read_answer(response.json(), response.status)
        if answer.errors:
            pytest.fail(f"{self.paged}: {answer.errors[0]}\n  query: {query}", pytrace=False)
        page = self.paged.page(answer.data)
        if "filter:" not in arguments:
            self.total = page.get("totalCount")
        return page

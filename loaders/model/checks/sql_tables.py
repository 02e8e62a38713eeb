"""Tables that SQL names itself, found without a parser."""

from __future__ import annotations

from collections.abc import Iterator

from loaders.model.sql_words import SQLWord, words

_WITH_FROM_INSIDE = frozenset({"extract", "trim", "substring", "overlay", "position", "ltrim", "rtrim"})
_ENDS_TABLE_LIST = frozenset({"group", "order", "limit", "window"})
"""Clauses that may hold commas behind a list of tables. Words that can be a table's alias are not among them."""
_BEGINS_QUERY = frozenset({"select", "with", "values", "from", "table"})
_BEFORE_QUERY = frozenset({"", "(", "union", "all", "distinct", "except", "intersect"})
_ROW_MAKERS = frozenset({"unnest", "generate_series", "numbers", "zeros", "values", "json_each", "jsonb_each"})
_BEFORE_OPERAND = frozenset({"", "(", ",", "select"})
_BEHIND_UNION = frozenset({"all", "distinct", "select", "("})
_CONSTANTS = frozenset({"true", "false", "null"})


def named_tables(sql: str) -> Iterator[tuple[int, str]]:
    """Yield offset and name of each table that SQL names itself, beside common table expressions."""
    result = words(sql)
    scan = _TableScan()
    nothing = SQLWord("other", "", len(sql))
    for place, word in enumerate(result):
        before = [each.lower for each in result[max(0, place - 3) : place]]
        after = result[place + 1] if place + 1 < len(result) else nothing
        if scan.names_table(word, ["", "", "", *before][-3:], after):
            yield word.offset, word.text


class _TableScan:
    """The place of a scan in its SQL: the brackets and the lists of tables around it, and whether a table comes next.

    A common table expression is known by its exact name, behind its own query and within the brackets around it; one
    that is recursive also behind the `union` of its query. Anywhere else the name is that of a table.
    """

    def __init__(self) -> None:
        self._calls: list[str] = []
        """The word before each open bracket."""
        self._table_lists: list[int] = []
        """How many brackets are around each open list of tables."""
        self._selects: list[int] = []
        """How many brackets are around each query that has begun."""
        self._withs: list[tuple[int, bool]] = []
        """How many brackets are around each `with` whose query has not begun, and whether it is recursive."""
        self._known: list[tuple[str, int]] = []
        self._being_defined: list[tuple[str, int]] = []
        self._recursive: list[tuple[str, int]] = []
        self._name_before = ""
        """The name before the bracket that closed last, or the last name."""
        self._names: list[str] = []
        self._expects_table = False

    @property
    def _depth(self) -> int:
        return len(self._calls)

    def names_table(self, word: SQLWord, before: list[str], after: SQLWord) -> bool:
        """Take the next word; return whether it names a table."""
        expected, self._expects_table = self._expects_table, False
        is_table = False
        if word.text == "(":
            self._open(before[-1], expected)
        elif word.text == ")":
            self._close()
        elif expected and not (before[-1] == "(" and word.lower in _BEGINS_QUERY):
            is_table = self._is_table(word, after)
        elif word.kind == "name":
            is_table = self._is_last_of_in(word, before[-1], after)
            self._keyword(word.lower, before, after)
        elif word.text == "," and self._in_table_list():
            self._expects_table = True
        if word.kind == "name" and word.lower != "as":
            self._name_before = word.text
        return is_table

    def _open(self, before: str, expected: bool) -> None:
        self._calls.append(before)
        self._names.append(self._name_before)
        if expected:  # brackets around joined tables, or around a query
            self._table_lists.append(self._depth)
            self._expects_table = True

    def _close(self) -> None:
        if self._calls:
            self._calls.pop()
            self._name_before = self._names.pop()
        depth = self._depth
        self._table_lists = [each for each in self._table_lists if each <= depth]
        self._selects = [each for each in self._selects if each <= depth]
        self._withs = [each for each in self._withs if each[0] <= depth]
        self._known = [each for each in self._known if each[1] <= depth]
        self._known += [each for each in self._being_defined if each[1] == depth]
        self._recursive = [each for each in self._recursive if each[1] < depth]
        self._being_defined = [each for each in self._being_defined if each[1] < depth]

    def _is_table(self, word: SQLWord, after: SQLWord) -> bool:
        if word.kind == "reference":
            return False
        if word.lower in ("lateral", "only"):
            self._expects_table = True
            return False
        is_known = any(word.text == name for name, _ in self._known)
        return not is_known and not (after.text == "(" and word.lower in _ROW_MAKERS)

    def _is_last_of_in(self, word: SQLWord, before: str, after: SQLWord) -> bool:
        """Return whether a name stands alone at the end of `in (…)`: ClickHouse reads a table of that name."""
        is_last = before in ("(", ",") and after.text == ")" and word.lower not in _CONSTANTS
        calls = "".join(f"{each} " for each in self._calls).rstrip("( ")
        return is_last and calls.rpartition(" ")[2] == "in"

    def _keyword(self, keyword: str, before: list[str], after: SQLWord) -> None:
        if keyword == "from":
            self._from(before)
        elif keyword == "join":
            self._join(before)
        elif keyword == "table" and self._begins_query(before[-1]):
            self._expects_table = after.kind == "name"
        elif keyword == "union" and before[-1] != "as" and after.lower in _BEHIND_UNION:
            self._known += [each for each in self._recursive if each[1] == self._depth - 1]
        elif keyword == "in":  # in ClickHouse, a table may stand there without brackets
            self._expects_table = after.kind == "name" and after.lower not in _CONSTANTS
        elif keyword == "with" and before[-1] in _BEFORE_QUERY:
            self._end_table_list()
            self._withs.append((self._depth, after.lower == "recursive"))
        elif keyword == "as" and after.lower in ("(", "materialized", "not"):
            self._definition()
        elif keyword in ("select", "values") and self._begins_query(before[-1]):
            self._end_table_list()
            self._selects.append(self._depth)
            self._withs = [each for each in self._withs if each[0] != self._depth]
        elif (keyword in _ENDS_TABLE_LIST and before[-1] != "as") or (keyword == "using" and after.text != "("):
            self._end_table_list()

    def _begins_query(self, before: str) -> bool:
        """Return whether a query may begin behind a word; elsewhere `select` can be the alias of a table."""
        return before in _BEFORE_QUERY or any(depth == self._depth for depth, _ in self._withs)

    def _from(self, before: list[str]) -> None:
        is_comparison = before[1:] in (["is", "distinct"], ["not", "distinct"]) and before[0] not in _BEFORE_OPERAND
        call = self._calls[-1] if self._calls else ""
        is_of_call = call in _WITH_FROM_INSIDE and self._depth not in self._selects
        if not is_comparison and not is_of_call:
            self._table_lists.append(self._depth)
            self._expects_table = True

    def _join(self, before: list[str]) -> None:
        if before[-1] == "array" and before[-2] != "as":  # arrays of the rows that are there
            self._end_table_list()
            return
        if not self._in_table_list():
            self._table_lists.append(self._depth)
        self._expects_table = True

    def _definition(self) -> None:
        """Note a name of a `with`."""
        for depth, is_recursive in self._withs:
            if depth == self._depth:
                self._being_defined.append((self._name_before, depth))
                if is_recursive:
                    self._recursive.append((self._name_before, depth))

    def _in_table_list(self) -> bool:
        return bool(self._table_lists) and self._table_lists[-1] == self._depth

    def _end_table_list(self) -> None:
        if self._in_table_list():
            self._table_lists.pop()

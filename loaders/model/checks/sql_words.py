"""A look at SQL without a parser: its words, whether its brackets and quotes close, and which tables it names.

Databases parse the SQL that a model holds; here is found what must not even be sent. It looks at fragments in which
each reference is replaced by REFERENCE.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

REFERENCE = "\ue002"
"""Stands in SQL for a reference while it is looked at: a character that no name has."""
_TOKEN = re.compile(
    r"""(?P<reference>\ue002)|(?P<space>\s+)|(?P<comment>--[^\n]*|/\*.*?\*/)|(?P<text>'(?:[^'\\]|''|\\.)*')|(?P<dollar>\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
    |(?P<name>(?:"(?:[^"]|"")+"|`[^`]+`|[^\W\d][\w$]*)(?:\.(?:"(?:[^"]|"")+"|`[^`]+`|[^\W\d][\w$]*))*)
    |(?P<number>\d[\w.]*)|(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_OPENING, _CLOSING = {"(": ")", "[": "]", "{": "}"}, frozenset(")]}")
_WITH_FROM_INSIDE = frozenset({"extract", "trim", "substring", "overlay", "position", "ltrim", "rtrim"})
_ENDS_TABLE_LIST = frozenset(
    {"where", "group", "order", "having", "limit", "window", "union", "intersect", "except", "prewhere", "settings"}
    | {"offset", "select", "fetch", "for"}
)
_ROW_MAKERS = frozenset(
    {"unnest", "generate_series", "numbers", "zeros", "values", "json_each", "jsonb_each", "lateral"}
)
FORBIDDEN = frozenset(
    {
        "dictget",
        "dictgetordefault",
        "dictgetornull",
        "dicthas",
        "joinget",
        "joingetornull",
        "merge",
        "remote",
        "remotesecure",
    }
    | {
        "url",
        "urlcluster",
        "file",
        "filecluster",
        "s3",
        "s3cluster",
        "hdfs",
        "mysql",
        "postgresql",
        "mongodb",
        "redis",
        "odbc",
    }
    | {
        "jdbc",
        "sqlite",
        "cluster",
        "clusterallreplicas",
        "input",
        "executable",
        "loop",
        "azureblobstorage",
        "deltalake",
    }
    | {"iceberg", "hudi", "gcs", "mergetreeindex", "query_to_xml", "table_to_xml", "cursor_to_xml", "schema_to_xml"}
    | {"database_to_xml", "query_to_xmlschema", "query_to_xml_and_xmlschema", "table_to_xml_and_xmlschema", "dblink"}
    | {"dblink_exec", "dblink_connect", "pg_read_file", "pg_read_binary_file", "pg_ls_dir", "pg_stat_file", "lo_import"}
    | {
        "lo_export",
        "lo_get",
        "lo_put",
        "pg_sleep",
        "sleep",
        "sleepeachrow",
        "set_config",
        "nextval",
        "setval",
        "pg_notify",
    }
    | {
        "pg_terminate_backend",
        "pg_cancel_backend",
        "currval",
        "pg_advisory_lock",
        "ts_stat",
        "evalmlmethod",
        "hasthreadfuzzer",
    }
)
"""Functions that read tables or files which the gateway cannot see in the SQL, change something, or wait."""
_STATEMENTS = frozenset(
    {"insert", "update", "delete", "drop", "alter", "create", "truncate", "grant", "copy", "call", "attach"}
)


@dataclass(frozen=True, slots=True)
class SQLWord:
    """A word, quoted text, number or character of SQL, and where it begins."""

    kind: str
    text: str
    offset: int

    @property
    def lower(self) -> str:
        """The word as SQL takes it where it is not quoted."""
        return self.text.lower()


def words(sql: str) -> list[SQLWord]:
    """Return the words of SQL, without spaces and comments."""
    matches = _TOKEN.finditer(sql)
    return [
        SQLWord(match.lastgroup or "other", match.group(), match.start())
        for match in matches
        if match.lastgroup not in ("space", "comment")
    ]


def syntax_mistakes(sql: str) -> Iterator[tuple[int, str]]:
    """Yield offset and text of what must not be sent: open brackets and quotes, several statements, writing words."""
    expected: list[tuple[str, int]] = []
    found = words(sql)
    for place, word in enumerate(found):
        if word.text in _OPENING:
            expected.append((_OPENING[word.text], word.offset))
        elif word.text in _CLOSING:
            if not expected or expected.pop()[0] != word.text:
                yield word.offset, f"{word.text} closes nothing"
        elif word.text in ("'", '"', "`"):
            yield word.offset, "a quote is not closed"
        elif word.text == ";":
            yield word.offset, "a ; ends the statement: a fragment is a part of one"
        elif word.lower in _STATEMENTS and _begins_statement(found, place):
            yield word.offset, f"{word.text} changes something: a model only reads"
    for bracket, offset in expected:
        yield offset, f"a bracket is not closed: {bracket} is missing"


def _begins_statement(found: Sequence[SQLWord], place: int) -> bool:
    """Whether a word stands first, or after a bracket, with a name after it: then it is no column."""
    is_first = place == 0 or found[place - 1].text == "("
    return is_first and place + 1 < len(found) and found[place + 1].kind == "name"


def forbidden_functions(sql: str) -> Iterator[tuple[int, str]]:
    """Yield offset and name of each function that a model must not call."""
    found = words(sql)
    for word, following in itertools.pairwise(found):
        name = word.lower.rpartition(".")[2].strip('"`')
        if word.kind == "name" and following.text == "(" and name in FORBIDDEN:
            yield word.offset, word.text


def named_tables(sql: str) -> Iterator[tuple[int, str]]:
    """Yield offset and name of each table that SQL names itself, beside common table expressions."""
    found = words(sql)
    scan = _TableScan(_common_table_names(found))
    for place, word in enumerate(found):
        before = found[place - 1].lower if place else ""
        after = found[place + 1] if place + 1 < len(found) else SQLWord("other", "", len(sql))
        if scan.names_table(word, before, after):
            yield word.offset, word.text


class _TableScan:
    """Where in its SQL a scan is: within which brackets, in which lists of tables, and whether a table comes next."""

    def __init__(self, known: set[str]) -> None:
        self._known = known
        self._calls: list[str] = []
        """The word before each open bracket."""
        self._table_lists: list[int] = []
        """Of each list of tables that is open, how many brackets are around it."""
        self._expects_table = False

    def names_table(self, word: SQLWord, before: str, after: SQLWord) -> bool:
        """Take the next word; return whether it names a table."""
        expected, self._expects_table = self._expects_table, False
        if word.text in ("(", ")"):
            self._bracket(word, before)
        elif word.kind == "name" and expected:
            return self._is_table(word, after)
        elif word.kind == "name":
            self._keyword(word.lower, before, after)
        elif word.text == "," and self._in_table_list():
            self._expects_table = True
        return False

    def _bracket(self, word: SQLWord, before: str) -> None:
        if word.text == "(":
            self._calls.append(before)
        elif self._calls:
            self._calls.pop()
        while self._table_lists and self._table_lists[-1] > len(self._calls):
            self._table_lists.pop()

    def _is_table(self, word: SQLWord, after: SQLWord) -> bool:
        if word.lower in ("lateral", "only"):
            self._expects_table = True
            return False
        return word.lower not in self._known and not (after.text == "(" and word.lower in _ROW_MAKERS)

    def _keyword(self, keyword: str, before: str, after: SQLWord) -> None:
        if keyword == "from" and before != "distinct" and (self._calls or [""])[-1] not in _WITH_FROM_INSIDE:
            self._table_lists.append(len(self._calls))
            self._expects_table = True
        elif keyword == "join":
            self._expects_table = True
        elif keyword == "in":  # in ClickHouse, a table may stand there without brackets
            self._expects_table = after.kind == "name"
        elif keyword in _ENDS_TABLE_LIST and self._in_table_list():
            self._table_lists.pop()

    def _in_table_list(self) -> bool:
        return bool(self._table_lists) and self._table_lists[-1] == len(self._calls)


def _common_table_names(found: Sequence[SQLWord]) -> set[str]:
    """Names before `as (`: those of common table expressions, which read what they say themselves."""
    return {
        first.lower
        for first, second, third in zip(found, found[1:], found[2:], strict=False)
        if first.kind == "name"
        and second.lower == "as"
        and (third.text == "(" or third.lower in ("materialized", "not"))
    }

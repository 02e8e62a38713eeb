"""SQL of a model: what must not be sent to a database, found before one is asked."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from typing import Any

from loaders.model.checks.python_texts import description_mistake
from loaders.model.checks.sql_mistakes import MISSING_F, syntax_mistakes
from loaders.model.checks.sql_tables import named_tables
from loaders.model.class_reader import DeclaredField
from loaders.model.classes import Declared, Filter, Section, options_of
from loaders.model.databases import Database, Relation, Rows, Value
from loaders.model.declaration import ModelDeclaration, ModelParts
from loaders.model.names import table_parts
from loaders.model.places import Place, place_of_class
from loaders.model.problems import RELATION, Problems, suggestion
from loaders.model.references import FilterValue, Fragment, OwnField, Reference
from loaders.model.sql_words import REFERENCE, SQLWord, has_comment, words

_SHOWN: dict[type[Reference], str] = {
    Rows: "rows of a table",
    Relation: "a relation",
    Value: "a column of the tenant's own row",
    OwnField: "{m.field(…)}",
    FilterValue: "{value}",
}
_HINTS: dict[type[Reference], str] = {
    FilterValue: " It is what a client gives to a filter: elsewhere, declare m.argument(…).",
}
_NOT_IN_VALUE = frozenset({"select", "union", "intersect", "except", "where", "having", "limit", "as"})
_SEVERAL = frozenset({"untuple", "columns"})
"""ClickHouse's functions that answer several columns."""


def check_fragments(_model: ModelDeclaration, parts: ModelParts, problems: Problems) -> None:
    """Check all SQL of a model: its text, the functions that it calls, the tables that it names, and its references."""
    schemas = frozenset(name for table in parts.tables for name in _schema(table.name))
    for relation, fragment in parts.relations.items():
        look = _Look(relation.place, RELATION, schemas, problems)
        look.query(fragment, relation.database)
    for cls in parts.classes(Section):
        where = options_of(cls).get("where")
        if where:
            look = _Look(place_of_class(cls), cls.__name__, schemas, problems)
            look.expression(where, (Rows, Relation, Value, OwnField, FilterValue))
            look.one_value(where)
    for declared in parts.all_fields():
        forbidden = (Rows, Relation, Value, *_forbidden_in(declared.owner))
        look = _Look(declared.place, declared.subject, schemas, problems)
        for sql in declared.expressions:
            look.expression(sql, forbidden)
            look.one_value(sql)
            look.sentence(sql, declared.word.description if declared.word is not None else "")
        if isinstance(declared.option("order"), str):
            look.expression(declared.option("order"), forbidden)
            look.one_value(declared.option("order"), may_have_commas=True)
        look.own_fields(declared, {each.name for each in parts.fields[declared.owner]})
    for pick in parts.picks:
        for sql in pick.sql.values():
            look = _Look(pick.place, pick.argument.name, schemas, problems)
            look.expression(sql, (Rows, Relation, Value))
            look.one_value(sql, may_have_commas=True)


def _schema(name: str) -> tuple[str, ...]:
    try:
        return table_parts(name)[:-1]
    except ValueError:
        return ()


def _forbidden_in(owner: type[Declared]) -> tuple[type[Reference], ...]:
    if issubclass(owner, Filter):
        return (OwnField,)
    return (FilterValue,) if issubclass(owner, Section) else (OwnField, FilterValue)


class _Look:
    def __init__(self, place: Place, subject: str, schemas: frozenset[str], problems: Problems) -> None:
        self._place = place
        self._subject = subject
        self._schemas = schemas
        self._problems = problems

    def query(self, fragment: Fragment, database: Database) -> None:
        """Look at a relation's SQL, in which rows of its own database and relations of any may stand."""
        sql = fragment.shown(REFERENCE)
        self._common(sql)
        if not words(sql) or words(sql)[0].lower not in ("select", "with"):
            self._add(sql, 0, "a relation is a query: begin it with select or with.")
        self._references(fragment, (FilterValue, OwnField, Value))
        for rows in fragment.references():
            if isinstance(rows, Rows) and rows.table.database is not database:
                self._add(sql, 0, _elsewhere(rows, database))

    def expression(self, sql: Any, forbidden: tuple[type[Reference], ...]) -> None:
        """Look at SQL over rows that are there: it reads no others."""
        if not isinstance(sql, str):
            self._problems.add(self._place, self._subject, f"SQL is a text, and is {sql!r}.")
            return
        try:
            fragment = Fragment.of(sql)
        except ValueError:  # noted when the model was walked
            return
        shown = fragment.shown(REFERENCE)
        self._common(shown)
        if has_comment(shown):
            self._add(shown, 0, "a comment stands in an expression: write it in Python, beside the text.")
        self._references(fragment, forbidden)

    def one_value(self, sql: Any, *, may_have_commas: bool = False) -> None:
        """Look for what would make several columns, or another query, of an expression; an order has commas."""
        depth = 0
        result = words(sql) if isinstance(sql, str) else []
        for before, word in itertools.pairwise([SQLWord("other", "", 0), *result]):
            depth += (word.text in ("(", "[")) - (word.text in (")", "]"))
            is_star = word.text == "*" and before.text in ("", ".")
            if (
                (depth == 0 and ((word.text == "," and not may_have_commas) or word.lower in _NOT_IN_VALUE))
                or is_star
                or word.lower in _SEVERAL
            ):
                self._add(sql, word.offset, f"{word.text} stands in an expression, which is one value without a name.")

    def sentence(self, sql: Any, description: Any) -> None:
        """Look for a description in the place of the SQL."""
        try:
            mistake = description_mistake(Fragment.of(sql).shown("x"), description) if isinstance(sql, str) else ""
        except ValueError:  # noted when the model was walked
            return
        if mistake:
            self._add(sql, 0, mistake, is_cause=True)

    def own_fields(self, declared: DeclaredField, known: Collection[str]) -> None:
        """Look for fields of the same section that are none."""
        for sql in declared.expressions:
            for reference in _references_of(sql):
                if isinstance(reference, OwnField) and reference.name not in known:
                    hint = suggestion(reference.name, known)
                    message = f"{declared.owner.__name__} has no field {reference.name}.{hint}"
                    self._problems.add(self._place, self._subject, message)

    def _common(self, sql: str) -> None:
        for offset, mistake in syntax_mistakes(sql):
            self._add(sql, offset, f"{mistake}.", is_cause=mistake == MISSING_F)
        for word in words(sql):
            if word.kind == "name" and word.lower.startswith("fw_"):
                self._add(sql, word.offset, f"{word.text}: names that begin with fw_ are the gateway's own.")
        named = dict(named_tables(sql))
        for offset, name in named.items():
            message = f"names the table {name}: declare it and write {{table.asked('column')}} or {{table.all}}."
            self._add(sql, offset, message)
        for word in words(sql):
            schema = word.text.split(".")[0].strip('"`')
            if word.kind == "name" and "." in word.text and schema in self._schemas and word.offset not in named:
                message = f"names the schema {schema}: declare its table and write {{table.all}} or asked."
                self._add(sql, word.offset, message)

    def _references(self, fragment: Fragment, forbidden: tuple[type[Reference], ...]) -> None:
        for reference in fragment.references():
            if isinstance(reference, forbidden):
                message = f"{_SHOWN[type(reference)]} cannot stand in this SQL.{_HINTS.get(type(reference), '')}"
                self._problems.add(self._place, self._subject, message)

    def _add(self, sql: str, offset: int, message: str, *, is_cause: bool = False) -> None:
        line = sql.count("\n", 0, offset)
        place = Place(self._place.file, self._place.line + line if self._place.line else 0)
        self._problems.add(place, self._subject, message, is_cause=is_cause)


def _references_of(sql: Any) -> list[Reference]:
    try:
        return Fragment.of(sql).references() if isinstance(sql, str) else []
    except ValueError:
        return []


def _elsewhere(rows: Rows, database: Database) -> str:
    name = rows.table.name
    return (
        f"{name} lies in {rows.table.database.variable}, and the query is of {database.variable}: declare a relation of"
        f" its own database over {name}, whose rows are then sent along."
    )

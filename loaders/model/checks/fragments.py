"""SQL of a model: what must not be sent to a database, found before one is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from loaders.model.checks.sql_words import REFERENCE, forbidden_functions, named_tables, syntax_mistakes
from loaders.model.class_reader import DeclaredField
from loaders.model.classes import Declared, Filter, Section, options_of
from loaders.model.databases import Relation, Rows
from loaders.model.declaration import Model, Reached
from loaders.model.names import table_parts
from loaders.model.places import Place, place_of_class
from loaders.model.problems import Problems
from loaders.model.references import Fragment, Reference
from loaders.model.words import FilterValue, Pick


def check_fragments(_model: Model, reached: Reached, problems: Problems) -> None:
    """Brackets, quotes, several statements, functions that hide what they read, and tables that are named bare."""
    schemas = {name for table in reached.tables for name in _schema(table.name)}
    for relation, fragment in reached.relations.items():
        _Look(relation.place, "relation", problems).query(fragment, schemas)
    for cls in reached.classes(Section):
        _where(cls, schemas, problems)
    for declared in reached.all_fields():
        for sql in _expressions(declared):
            look = _Look(declared.place, declared.subject, problems)
            look.expression(sql, schemas, is_filter=issubclass(declared.owner, Filter))


def _schema(name: str) -> tuple[str, ...]:
    try:
        return table_parts(name)[:-1]
    except ValueError:
        return ()


def _where(cls: type[Declared], schemas: set[str], problems: Problems) -> None:
    where = options_of(cls).get("where", "")
    if where:
        _Look(place_of_class(cls), cls.__name__, problems).expression(where, schemas)


def _expressions(declared: DeclaredField) -> Iterator[str]:
    """The SQL that a field's word was given."""
    given: Mapping[str, Any] = declared.word.given if declared.word is not None else {}
    for name in ("expression", "part", "whole", "sql"):
        if isinstance(given.get(name), str):
            yield given[name]
    order = given.get("order")
    if isinstance(order, Pick):
        yield from (one for one in order.sql.values() if isinstance(one, str))
    elif isinstance(order, str):
        yield order


class _Look:
    def __init__(self, place: Place, subject: str, problems: Problems) -> None:
        self._place = place
        self._subject = subject
        self._problems = problems

    def query(self, fragment: Fragment, schemas: set[str]) -> None:
        """Look at a relation's SQL, in which rows of tables and relations may stand."""
        self._common(fragment, schemas)
        self._references(fragment, (FilterValue,))

    def expression(self, sql: str, schemas: set[str], *, is_filter: bool = False) -> None:
        """Look at SQL over rows that are there: it reads no others."""
        try:
            fragment = Fragment.of(sql)
        except ValueError:
            return
        self._common(fragment, schemas)
        self._references(fragment, (Rows, Relation) if is_filter else (Rows, Relation, FilterValue))

    def _common(self, fragment: Fragment, schemas: set[str]) -> None:
        sql = fragment.shown(REFERENCE)
        for offset, mistake in syntax_mistakes(sql):
            self._add(sql, offset, f"{mistake}.")
        for offset, name in forbidden_functions(sql):
            self._add(sql, offset, f"{name}() may read what the gateway cannot see, or change something: leave it out.")
        for offset, name in named_tables(sql):
            message = f"names the table {name}: declare it and write {{table.asked('column')}} or {{table.all}}."
            self._add(sql, offset, message)
        for schema in schemas:
            if (offset := sql.find(f"{schema}.")) >= 0 and not named_like(sql, offset):
                self._add(
                    sql, offset, f"names the schema {schema}: declare its table and write {{table.all}} or asked."
                )

    def _references(self, fragment: Fragment, forbidden: tuple[type[Reference], ...]) -> None:
        for reference in fragment.references():
            if isinstance(reference, forbidden):
                what = {Rows: "rows of a table", Relation: "a relation", FilterValue: "{value}"}[type(reference)]
                self._problems.add(self._place, self._subject, f"{what} cannot stand in this SQL.")

    def _add(self, sql: str, offset: int, message: str) -> None:
        line = sql.count("\n", 0, offset)
        place = Place(self._place.file, self._place.line + line if self._place.line else 0)
        self._problems.add(place, self._subject, message)


def named_like(sql: str, offset: int) -> bool:
    """Whether the name at an offset is the end of a longer one, or named_tables has it already."""
    is_part = offset > 0 and (sql[offset - 1].isalnum() or sql[offset - 1] in "_.")
    return is_part or any(at == offset for at, _ in named_tables(sql))

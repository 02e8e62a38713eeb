"""Plans of statements: what to send for some requests, and what has to be there before."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from loaders.model.databases import Database, Kind, Relation, Table, tables_of
from loaders.statements.needed_rows import MAX_SENT_ROWS, SentRows, rows_sql
from loaders.statements.parameters import Parameter, StatementScope
from loaders.statements.row_sources import NeededRelation, RowsWriter, StatementRules
from loaders.statements.section_request import SectionRequest
from loaders.statements.statement_text import AnswerColumns, StatementText

_MARK = re.compile("\ue003([0-9]+)\ue003")


@dataclass(frozen=True, slots=True)
class BoundStatement:
    """SQL with its values: by name for ClickHouse, in the order of their numbers for PostgreSQL."""

    sql: str
    values: dict[str, Any]


@dataclass(frozen=True, eq=False)
class RelationPlan:
    """The statement that answers all rows of a relation, which another database's statement needs."""

    relation: Relation
    requests: tuple[SectionRequest, ...]
    text: str
    parameters: tuple[Parameter, ...]
    needs: tuple[RelationPlan, ...]
    identity: tuple[Any, ...]
    """Equal for plans that answer the same rows for the same keys."""

    @property
    def database(self) -> Database:
        """The database that the relation lies in."""
        return self.relation.database

    @property
    def sql(self) -> str:
        """The SQL, with a name in the place of rows that are sent along."""
        return shown(self.text)

    @cached_property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables that it reads in its database, each once."""
        return _names(tables_of(self.relation), self.database)

    @cached_property
    def sections(self) -> tuple[str, ...]:
        """The names of the sections that it is for, each once."""
        return tuple(dict.fromkeys(request.section.name for request in self.requests))

    def bind(self, scope: StatementScope, sent: Sequence[SentRows] = ()) -> BoundStatement:
        """Return the SQL and its values; `sent` are the rows of what it needs, in order."""
        return bound(self.text, self.parameters, self.requests, self.database.kind, scope, sent)


@dataclass(frozen=True, eq=False)
class StatementPlan:
    """One statement for some requests, and the relations of other databases whose rows it needs."""

    requests: tuple[SectionRequest, ...]
    """In the order of their columns in the answer."""
    text: StatementText
    asked: tuple[SectionRequest, ...] = field(repr=False)
    """The same requests by their places among the parameters."""
    needs: tuple[RelationPlan, ...] = ()

    @property
    def database(self) -> Database:
        """The database that answers."""
        return self.text.database

    @property
    def sql(self) -> str:
        """The SQL, with a name in the place of rows that are sent along."""
        return shown(self.text.sql)

    @cached_property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables that it reads in its database, each once."""
        return _names([table for request in self.requests for table in request.section.tables], self.database)

    @cached_property
    def sections(self) -> tuple[str, ...]:
        """The names of the sections that it answers, each once."""
        return tuple(dict.fromkeys(request.section.name for request in self.requests))

    @cached_property
    def parts(self) -> tuple[tuple[SectionRequest, AnswerColumns], ...]:
        """The requests with their columns in the answer."""
        return tuple(zip(self.requests, self.text.columns, strict=True))

    @cached_property
    def is_by_row(self) -> bool:
        """Whether each row of the answer is one of a list's, so that a key may have several."""
        return any(request.is_list and not columns.is_gathered for request, columns in self.parts)

    @cached_property
    def passes(self) -> tuple[tuple[SectionRequest, ...], ...]:
        """The requests that are answered from one pass over rows each."""
        return tuple(tuple(self.asked[place] for place in places) for places in self.text.passes)

    def bind(self, scope: StatementScope, sent: Sequence[SentRows] = ()) -> BoundStatement:
        """Return the SQL and its values; `sent` are the rows of what it needs, in order."""
        return bound(self.text.sql, self.text.parameters, self.asked, self.database.kind, scope, sent)

    def statements(self) -> int:
        """Return how many statements it takes, those of what it needs among them."""
        return 1 + sum(map(_statements, self.needs))


def _names(tables: Sequence[Table], database: Database) -> tuple[str, ...]:
    return tuple(dict.fromkeys(table.name for table in tables if table.database is database))


def _statements(plan: RelationPlan) -> int:
    return 1 + sum(map(_statements, plan.needs))


def shown(text: str) -> str:
    """Return SQL with names in the places of rows that are sent along."""
    return _MARK.sub(lambda match: f"fw_sent_{match.group(1)}", text)


def bound(
    text: str,
    parameters: Sequence[Parameter],
    requests: Sequence[SectionRequest],
    kind: Kind,
    scope: StatementScope,
    sent: Sequence[SentRows],
) -> BoundStatement:
    """Return SQL with all of its values."""
    values = {parameter.name: parameter.source(scope, requests) for parameter in parameters}
    selects: list[str] = []
    for number, rows in enumerate(sent):
        places = []
        for place, (column, items) in enumerate(zip(rows.columns, rows.values, strict=True)):
            name = f"fw_sent_{number}_{place}"
            values[name] = items
            is_postgres = kind is Kind.POSTGRES
            places.append(f"${len(values)}::{column.type(kind)}" if is_postgres else f"{{{name}:{column.type(kind)}}}")
        selects.append(rows_sql(rows.columns, places, kind))
    sql = _MARK.sub(lambda match: selects[int(match.group(1))], text) if selects else text
    return BoundStatement(sql, values)


def relation_plans(
    needed: Sequence[NeededRelation], requests: Sequence[SectionRequest], rules: StatementRules
) -> tuple[RelationPlan, ...]:
    """Return the plans of relations that a statement needs, in order, each with those that it needs itself."""
    return tuple(_relation_plan(each, requests, rules) for each in needed)


def _relation_plan(needed: NeededRelation, requests: Sequence[SectionRequest], rules: StatementRules) -> RelationPlan:
    relation = needed.relation
    writer = RowsWriter(relation.database, rules)
    rows = writer.fragment(relation.fragment, needed.request).strip()
    # One row too many is an error, and a relation of millions must not fill the memory before.
    text = writer.statement(f"select * from (\n{rows}\n) as fw_rows limit {MAX_SENT_ROWS + 1}")
    request = requests[needed.request.place]
    identity = (relation, request.section.key_space, request.period, request.arguments)
    needs = relation_plans(writer.needed, requests, rules)
    return RelationPlan(relation, tuple(requests), text, writer.parameters.all(), needs, identity)

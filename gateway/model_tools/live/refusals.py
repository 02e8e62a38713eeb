"""The parts at fault where a store refuses a statement: its rows, its condition, a column, or its order.

Each part is tried on its own in a statement that has nothing else of the model, so that one mistake hides no other.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from gateway.model_tools.every_statement import Addition, PossibleStatement
from gateway.model_tools.live.places import ModelPlaces, Subject, place_in, relations_in
from gateway.model_tools.live.statements import LiveStatements, RefusedStatementError
from loaders.model.bound_sections import BoundColumn, BoundSection
from loaders.model.bound_tables import BoundTable, OwnTenant, with_parents
from loaders.model.databases import Kind, Relation, Table
from loaders.model.names import column_names, table_parts
from loaders.model.problems import Problem
from loaders.model.references import Fragment, OwnField
from loaders.model.scalars import INTEGER
from loaders.model.shapes import Cardinality, Shape, ValueKind
from loaders.statements.planning import plan
from loaders.statements.section_request import section_request
from loaders.statements.statement_plan import StatementPlan

_PRODUCTS = {Kind.POSTGRES: "PostgreSQL", Kind.CLICKHOUSE: "ClickHouse"}
_ONE = BoundColumn(
    "nothing", Fragment(("1",)), Shape(Cardinality.ONE, ValueKind.SCALAR, int, scalar=INTEGER), (INTEGER,)
)
_NOTHING = Fragment(())
_SERVER_SAID = re.compile(r"DB::Exception: (?P<said>.*?)(?:(?<=[.?]) In scope .*)?(?: \([A-Z_]+\).*)?$", re.DOTALL)
_ADVICE = re.compile(r"\.? (?:HINT|DETAIL): ")
_ALIAS = re.compile(r"fw_(?:source|table|versions|parent)\.")
_FROM_ALIAS = re.compile(r" from table with name fw_\w+(?: \(an alias of [^)]*\))?")
_OF_ALIAS = re.compile(rf"column {_ALIAS.pattern}(.+?) does not exist")
_NAMED = re.compile(r"[`'\"“]([^`'\"”]+)[`'\"”]|relation ([\w.]+)|column ([\w.]+)|function ([\w.]+)\(")


@dataclass(frozen=True, slots=True)
class _Refusal:
    """A statement that a store refused, and what it said."""

    refused: RefusedStatementError

    @property
    def kind(self) -> Kind:
        """The kind of the store."""
        return self.refused.kind

    @property
    def message(self) -> str:
        """The store's words, without what it said of itself and of the gateway's own names."""
        text = str(self.refused).partition(" refused the statement: ")[2] or str(self.refused)
        if self.kind is Kind.CLICKHOUSE and (match := _SERVER_SAID.search(text)) is not None:
            text = match["said"]
        text = _OF_ALIAS.sub(r'column "\1" does not exist', _ADVICE.sub(". ", " ".join(text.split())))
        return _ALIAS.sub("", _FROM_ALIAS.sub("", text)).rstrip(".")

    def names(self) -> Iterator[str]:
        """Yield the names that the store's message has, with their parts."""
        for match in _NAMED.finditer(self.message):
            name = next(filter(None, match.groups()))
            yield name
            yield name.rpartition(".")[2]


@dataclass(slots=True)
class Refusals:
    """Finds the parts of a model that make a store refuse statements."""

    statements: LiveStatements
    places: ModelPlaces

    async def of(self, statement: PossibleStatement) -> tuple[list[Problem], BoundSection | None]:
        """Return what is at fault, and the section without its faulty columns; None where nothing of it is left.

        Both are for a statement of a section alone. What is added to one that is good is at fault itself.
        """
        refusal = await self._refusal(statement.section)
        if refusal is None:
            return [], statement.section
        section = statement.section
        bare = await self._refusal(_bare(section))
        if bare is not None:
            return [self._of_rows(section, bare)], None
        problems = await self._of_condition(section)
        where = _NOTHING if problems else section.where
        broken = {name: each async for name, each in self._of_columns(section)}
        in_order = await self._of_order(section) if section.cardinality is not Cardinality.ONE else []
        problems += [*broken.values(), *in_order]
        if not problems:
            problems = [self._problem(self.places.of_section(section), refusal, [])]
        good = tuple(column for column in section.columns if column.name not in broken)
        is_lost = not good or in_order or any(column.is_grouped for column in section.columns if column not in good)
        named = {each.name for column in good for each in _needed(section, column)}
        if is_lost or named & broken.keys() or _order_fields(section) & broken.keys():
            return problems, None
        return problems, replace(section, columns=good, where=where, digest=f"{section.digest} mended")

    def of_addition(self, statement: PossibleStatement, refused: RefusedStatementError) -> Problem:
        """Return the problem of a statement whose section alone is good."""
        refusal = _Refusal(refused)
        if statement.addition is Addition.PERIOD:
            for table in statement.section.tables:
                if set(_columns_in(table.options.time)) & set(refusal.names()):
                    message = f"{_said(refusal)} of a period: {refusal.message}. Say time=, a column that it has."
                    return Problem(table.place, table.name, message)
        subject = self.places.of_statement(statement)
        about = f" {statement.addition.value}" if statement.addition is not Addition.NOTHING else ""
        if statement.addition is Addition.OTHERS:
            about = f" together with others ({statement.name})"
        return Problem(subject.place, subject.name, f"{_said(refusal)}{about}: {refusal.message}.")

    async def of_fused(self, statement: PossibleStatement, refused: RefusedStatementError) -> list[Problem]:
        """Return the problems of sections that are good alone: of each without which the others are good together."""
        guilty = []
        for request in statement.plan.requests:
            others = [each for each in statement.plan.requests if each is not request]
            if not [each for each in plan(others) if await self._refusal_of(each, statement.section) is not None]:
                guilty.append(self.of_addition(replace(statement, section=request.section), refused))
        return guilty or [self.of_addition(statement, refused)]

    async def _refusal(self, section: BoundSection) -> _Refusal | None:
        """Return why a section alone is refused; None where it is not."""
        (only,) = plan([section_request(section)])
        return await self._refusal_of(only, section)

    async def _refusal_of(self, statement: StatementPlan, section: BoundSection) -> _Refusal | None:
        try:
            if statement.database.kind is Kind.POSTGRES:
                await self.statements.explained(statement, section)
            else:
                await self.statements.query_tree(statement, section)
        except RefusedStatementError as refused:
            return _Refusal(refused)
        return None

    def _of_rows(self, section: BoundSection, refusal: _Refusal) -> Problem:
        """Return the problem of the rows that a section is over: a table, its columns, or a relation's SQL."""
        for name in refusal.names():
            for table in with_parents(section.tables, section.bound_tables):
                problem = _of_table(table, section.bound_tables[table], name, refusal)
                if problem is not None:
                    return problem
        subject = self.places.of_section(section)
        if not isinstance(section.over, Relation):
            return self._problem(subject, refusal, [])
        relations = [Subject(each.place, "relation") for each in relations_in(section.over)]
        fragments = [each.fragment for each in relations_in(section.over)]
        problem = self._problem(subject, refusal, list(zip(relations, fragments, strict=True)))
        own = problem.place == subject.place and section.key_columns
        return problem if not own else self._problem(subject, refusal, [])

    async def _of_condition(self, section: BoundSection) -> list[Problem]:
        if not section.where.parts:
            return []
        refusal = await self._refusal(replace(_bare(section), where=section.where))
        if refusal is None:
            return []
        subject = self.places.of_condition(section)
        return [self._problem(subject, refusal, [(subject, section.where)])]

    async def _of_columns(self, section: BoundSection) -> AsyncIterator[tuple[str, Problem]]:
        """Yield name and problem of each column that is refused on its own, grouped ones first."""
        broken: set[str] = set()
        grouped = [column for column in section.columns if column.is_grouped]
        others = [column for column in section.columns if not column.is_grouped]
        for column in (*grouped, *others):
            needed = _needed(section, column)
            if broken & {each.name for each in needed}:
                continue
            good = () if column.is_grouped else tuple(each for each in grouped if each.name not in broken)
            refusal = await self._refusal(_with_columns(section, good, needed, is_grouped=column.is_grouped))
            if refusal is not None:
                broken.add(column.name)
                subject = self.places.of_column(section, column.name)
                yield column.name, self._problem(subject, refusal, [(subject, column.sql)])

    async def _of_order(self, section: BoundSection) -> list[Problem]:
        if not section.is_row:
            return []
        problems = []
        subject = self.places.of_section(section)
        for term in section.default_order:
            trial = replace(_bare(section), cardinality=Cardinality.LIST, default_order=(term,), first=1)
            refusal = await self._refusal(trial)
            if refusal is not None:
                problems.append(self._problem(subject, refusal, [(subject, term.expression)]))
        return problems

    def _problem(self, subject: Subject, refusal: _Refusal, fragments: Sequence[tuple[Subject, Fragment]]) -> Problem:
        """Return the problem of a part, at the line in its SQL that the store means, as far as that is known."""
        place = subject.place
        for of_fragment, fragment in fragments:
            spot = _spot(fragment, refusal)
            if spot is not None:
                place = place_in(of_fragment, fragment, *spot)
                subject = of_fragment
                break
        return Problem(place, subject.name, f"{_said(refusal)}: {refusal.message}.")


def _said(refusal: _Refusal) -> str:
    return f"{_PRODUCTS[refusal.kind]} refuses the SQL"


def _bare(section: BoundSection) -> BoundSection:
    """Return a section that has the rows of another and nothing else of it."""
    return replace(
        section,
        columns=(_ONE,),
        where=_NOTHING,
        cardinality=Cardinality.ONE,
        is_row=True,
        default_order=(),
        tie_break=(),
        picked_order=None,
        filters={},
        orders={},
        target="",
        first=0,
        digest=f"{section.digest} bare",
    )


def _with_columns(
    section: BoundSection, grouped: Sequence[BoundColumn], columns: Sequence[BoundColumn], *, is_grouped: bool
) -> BoundSection:
    """Return a section of these columns over the same rows, grouped as far as its own are."""
    every = tuple(dict.fromkeys([*grouped, *columns]))
    if is_grouped or section.is_row:
        return replace(_bare(section), columns=tuple(replace(each, is_grouped=False) for each in every))
    if not grouped:
        return replace(_bare(section), columns=every, is_row=False)
    order = section.tie_break[:1]
    return replace(section, columns=every, where=_NOTHING, default_order=order, tie_break=order, picked_order=None)


def _needed(section: BoundSection, column: BoundColumn) -> list[BoundColumn]:
    """Return a column and those that its SQL names, each once."""
    by_name = {each.name: each for each in section.columns}
    waiting, needed = [column], dict[BoundColumn, None]()
    while waiting:
        each = waiting.pop(0)
        needed[each] = None
        named = (part.name for part in each.sql.references() if isinstance(part, OwnField))
        waiting += [by_name[name] for name in named if name in by_name and by_name[name] not in needed]
    return list(needed)


def _order_fields(section: BoundSection) -> set[str]:
    """Return the names of the section's own fields that its order names."""
    references = (part for term in section.default_order for part in term.expression.references())
    return {part.name for part in references if isinstance(part, OwnField)}


def _of_table(table: Table, bound: BoundTable, name: str, refusal: _Refusal) -> Problem | None:
    """Return the problem of a table that is missing, or lacks a column that its declaration names."""
    said = refusal.message.lower()
    parts = table_parts(table.name)
    if name in (parts[-1], ".".join(parts)) and "column" not in said.partition(name.lower())[0]:
        message = f"{_said(refusal)} that reads it: {refusal.message}. Look at its name and at the account's rights."
        return Problem(table.place, table.name, message)
    own = bound.tenant.column if isinstance(bound.tenant, OwnTenant) else None
    if name == own:
        advice = "Say tenant=, the column that it has, <parent>.via(…) or m.everyones"
        return Problem(table.place, table.name, f"{_said(refusal)} that names its tenant: {refusal.message}. {advice}.")
    if name in {*_columns_in(table.options.time), *_columns_in(table.options.latest)}:
        return Problem(table.place, table.name, f"{_said(refusal)} that names its column: {refusal.message}.")
    return None


def _columns_in(text: str) -> Iterable[str]:
    return column_names(text) if text else ()


def _spot(fragment: Fragment, refusal: _Refusal) -> tuple[int, int] | None:
    """Return the part of a fragment and the character in it that the store means; None where that is not known."""
    texts = [(place, part) for place, part in enumerate(fragment.parts) if isinstance(part, str)]
    position = refusal.refused.error.position
    if position is not None:
        for place, text in texts:
            start = refusal.refused.sql.find(text)
            while start >= 0:
                if start <= position < start + len(text):
                    return place, position - start
                start = refusal.refused.sql.find(text, start + 1)
    for name in refusal.names():
        for place, text in texts:
            match = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)
            if match is not None:
                return place, match.start()
    return None

"""The fleet's model answers what the built-in fleet answers, section by section, on the same data."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import pytest

from loaders.catalogue import SECTIONS
from loaders.catalogue.declaration import ListSection, Section
from loaders.model.bound_sections import BoundSection
from loaders.model.databases import Kind
from loaders.model.loading import load_model
from loaders.model.shapes import Cardinality
from loaders.planning import Period
from loaders.planning.section_request import section_request
from loaders.section_statements import SectionStatements
from loaders.statements.rows import Bounds, SentRows, StatementScope
from loaders.statements.select import SelectStatement, foreign_relations, select, select_relation
from tests.conftest import Stores

MODEL = load_model("deploy.fleet.model")
USES = MODEL.bound_sections
PERIOD = Period(dt.date(2013, 3, 1), dt.date(2013, 5, 31))
BOUNDS = Bounds(dt.date(2013, 3, 1), dt.date(2013, 6, 1))
SHOWN = [section for section in SECTIONS.values() if not section.hidden]


def _use_of(section: type[Section]) -> BoundSection:
    return USES.get(f"Aircraft.analysis.{section.name}") or USES[f"Aircraft.{section.name}"]


async def _run(stores: Stores, statement: SelectStatement) -> SentRows:
    if statement.kind is Kind.POSTGRES:
        rows = await stores.postgres.rows(statement.sql, *statement.values.values())
        return SentRows(tuple(rows[0].keys()) if rows else (), list(zip(*(tuple(row) for row in rows), strict=True)))
    answer = await stores.clickhouse.columns(statement.sql, statement.values)
    return SentRows(answer.names, answer.columns)


async def _answers(stores: Stores, use: BoundSection, ids: Sequence[str], bounds: Bounds) -> dict[str, Any]:
    asked = StatementScope(use.key, ids, None, bounds, bound_tables=use.bound_tables)
    sent = {relation: await _run(stores, select_relation(relation, asked)) for relation in foreign_relations(use)}
    answer = await _run(stores, select(use, replace(asked, sent=sent)))
    rows = zip(*answer.columns, strict=True)
    if use.cardinality is Cardinality.ONE:
        return {row[0]: row[1:] for row in rows}
    return {key: [row[1:] for row in together] for key, together in groupby(rows, lambda row: row[0])}


def _is_same(left: Any, right: Any) -> bool:
    if isinstance(left, float) or isinstance(right, float):
        return left is not None and right is not None and math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(_is_same, left, right))
    return bool(left == right)


@pytest.fixture(scope="module")
async def ids(sample_stores: Stores) -> list[str]:
    """Two hundred aircraft, registered or not, and one that is unknown."""
    rows = await sample_stores.postgres.rows("select tail_number from aircraft order by md5(tail_number) limit 200")
    return [*(row["tail_number"] for row in rows), "N0FLY"]


@pytest.mark.parametrize("period", [None, PERIOD], ids=["ever", "spring"])
@pytest.mark.parametrize("section", SHOWN, ids=lambda section: section.name)
async def test_a_section_of_the_model_answers_as_the_built_in_one(
    section: type[Section], period: Period | None, sample_stores: Stores, ids: list[str]
) -> None:
    use = _use_of(section)
    old = section_request(section, period)
    loaded = await SectionStatements(*sample_stores).load(ids, [old])
    expected = loaded[old]
    assert not isinstance(expected, Exception)
    found = await _answers(sample_stores, use, ids, BOUNDS if period is not None else Bounds())
    nothing: Any = [] if issubclass(section, ListSection) else None
    for key, value in zip(ids, expected, strict=True):
        empty = tuple(column.empty for column in section.columns)
        wanted = nothing if value is None else value[: use.first] if isinstance(value, list) else value
        got = found.get(key, empty if wanted == empty else nothing)
        assert _is_same(got, wanted), (key, got, wanted)

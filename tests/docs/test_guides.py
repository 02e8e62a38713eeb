"""Follows the guides, each in a folder of its own, on databases of its own."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest

from tests.docs.steps import Reader

pytestmark = pytest.mark.slow

DOCS = Path(__file__).parents[2] / "docs"
QUICKSTART, PLANS = (DOCS / "quickstart.md").read_text(), (DOCS / "reading-plans.md").read_text()
TABLES = ("settings.sh", "stations.sql", "rides.sql")


def test_the_quickstart_leads_from_an_empty_folder_to_a_dashboard(reader: Reader) -> None:
    reader.follow(QUICKSTART)
    march = reader.ask(
        '{ stationsByIds(ids: [1, 17]) { rides(period: { from: "2026-03-01", to: "2026-03-31" }) { count minutesMean } } }'
    )
    assert march["data"]["stationsByIds"] == [{"rides": _rides(1)}, {"rides": _rides(17)}]


def _rides(station: int) -> dict[str, Any]:
    """Return the rides of a station in March, by the formula that the page makes its rides with."""
    begin = dt.datetime(2026, 1, 1)
    rides = [
        5 + number % 40
        for number in range(100_000)
        if 1 + number % 500 == station and (begin + dt.timedelta(seconds=300 * number)).month == 3
    ]
    return {"count": str(len(rides)), "minutesMean": sum(rides) / len(rides)}


def test_tenants_and_scopes(user: Reader) -> None:
    user.follow((DOCS / "tenants-and-scopes.md").read_text())


def test_from_an_orm_to_a_model(user: Reader) -> None:
    user.take(QUICKSTART, *TABLES)
    user.follow((DOCS / "from-an-orm.md").read_text())


def test_plans_are_shown_as_they_are_and_each_query_takes_as_many_statements(user: Reader) -> None:
    user.take(QUICKSTART, *TABLES)
    user.follow(PLANS)
    plans = re.findall(r"^python3 plan\.py '([^\n]*)'.*?^statements: (\d+)", PLANS, flags=re.MULTILINE | re.DOTALL)
    assert len(plans) > 10
    for query, statements in plans:
        answer = user.ask(query, accounting=True)
        assert "errors" not in answer
        assert sum(answer["extensions"]["accounting"]["statements"].values()) == int(statements), query

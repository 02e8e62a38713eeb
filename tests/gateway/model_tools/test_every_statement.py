"""Every statement of a model: each thing that a request may add is tried once, and none in combinations."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.model_tools.every_statement import Addition, every_statement
from loaders.model.loading import load_model
from loaders.model.model import Model
from tests.loaders.model.models import RIGHT, load


@pytest.fixture
def model(tmp_path: Path) -> Model:
    """The small right model."""
    return load(tmp_path, RIGHT)


def additions(model: Model, name: str) -> list[tuple[str, str]]:
    """The additions of the statements of a section."""
    return [(each.addition.name, each.name) for each in every_statement(model) if each.section.name == name]


def test_a_section_is_tried_alone_and_with_a_period(model: Model) -> None:
    assert ("NOTHING", "") in additions(model, "Order.use")
    assert ("PERIOD", "") in additions(model, "Order.use")


def test_a_page_has_its_filters_its_orders_both_ways_and_pages_behind_rows(model: Model) -> None:
    assert additions(model, "Query.orders") == [
        ("NOTHING", ""),
        ("AFTER", ""),  # the order is by what is never null
        ("FILTER", "state"),
        ("FILTER", "noted"),
        ("ORDER", "total"),
        ("ORDER", "total"),  # behind a row; descending is the default order, which has been tried
    ]
    assert additions(model, "Query.orders.count") == [("NOTHING", ""), ("FILTER", "state"), ("FILTER", "noted")]


def test_sections_of_a_key_space_are_fused_and_rows_of_the_other_store_are_read(model: Model) -> None:
    every = every_statement(model)

    (sent,) = [each for each in every if each.addition is Addition.SENT]
    assert sent.database.name == "crm"
    assert sent.section.name == "Order.rank"
    assert not [each for each in every if each.addition is Addition.OTHERS]  # no two sections read the same rows alike


def test_fused_sections_are_those_of_one_object_type() -> None:
    every = every_statement(load_model("deploy.analytics.model"))

    fused = [each.name.split(", ") for each in every if each.addition is Addition.OTHERS]
    assert ["Member.recent_events", "Member.usage.by_month", "Member.usage.by_project"] in fused
    assert all(len({name.split(".")[0] for name in names}) == 1 for names in fused)


def test_the_tenants_own_columns_are_read_by_statements_too() -> None:
    names = [each.section.name for each in every_statement(load_model("deploy.analytics.model"))]

    assert "Tenant.app.workspaces.time_zone" in names


def test_each_text_comes_once_and_their_number_grows_with_the_lines_of_the_model(model: Model, tmp_path: Path) -> None:
    before = every_statement(model)
    assert len({(each.database, each.sql) for each in before}) == len(before)
    longer = RIGHT.replace("    noted: bool", '    dear: Decimal = m.at_least("total")\n    noted: bool')
    file = tmp_path / "longer"
    file.mkdir()

    after = every_statement(load(file, longer))

    lists_with_the_filter = 4  # two pages and their counts
    assert len(after) == len(before) + lists_with_the_filter

"""The files of a scaffolded model package."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.model_tools.scaffold.choices import Choices, TableId
from gateway.model_tools.scaffold.example import ExampleQuery, example_query
from gateway.model_tools.scaffold.model_text import model_text
from gateway.model_tools.scaffold.plan import Plan
from gateway.model_tools.scaffold.planning import plan_model
from gateway.model_tools.scaffold.python_text import docstring
from gateway.model_tools.scaffold.tests_text import tests_text
from loaders.catalog.catalog import DatabaseCatalog
from loaders.errors import CallerError
from loaders.model.databases import ClickHouse, Kind, Postgres

EXAMPLES = "examples"
DASHBOARD = f"{EXAMPLES}/dashboard"
"""The dashboard's query, without the ending: the variables stand beside it in JSON."""


@dataclass(frozen=True, slots=True)
class ModelPackage:
    """The files of a model by their path in its folder, and what a report about it needs.

    The variables of the example are not among the files, since only the databases know keys of objects.
    """

    files: Mapping[str, str]
    example: ExampleQuery
    plan: Plan


def scaffold(catalogs: Iterable[DatabaseCatalog], choices: Choices) -> ModelPackage:
    """Return the files of a model over the chosen tables. Raises CallerError where none of them can hold objects."""
    plan = plan_model(catalogs, choices)
    if not plan.objects:
        reasons = [f"  {reason}: {', '.join(tables)}" for reason, tables in plan.reasons().items()]
        raise CallerError("\n".join(["No chosen table can hold objects. They have", *reasons]))
    example = example_query(plan)
    files = {
        "__init__.py": "\n".join([*docstring(f"The model {choices.name}.", indent=0), ""]),
        "model.py": model_text(plan, examples=EXAMPLES),
        "test_model.py": tests_text(
            choices.name, _variable(example.kind.table), has_tenants=choices.tenant is not None
        ),
        f"{DASHBOARD}.graphql": example.text,
    }
    return ModelPackage(files, example, plan)


def _variable(table: TableId) -> str:
    """Return the setting of the URL of a table's database."""
    return (Postgres if table.kind is Kind.POSTGRES else ClickHouse)(table.database).variable

"""A model at one revision: its schema, and what a schema does not show, as JSON that another process can read.

It runs as a program of its own, `python -P -m gateway.model_tools.snapshot OUTPUT MODEL [ROOT]`, since two revisions of
one package cannot be imported into one process. It writes the file OUTPUT, since a model may print while it is
imported. Modules are looked for in the folder ROOT first.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.model_tools.checks.known_model import KnownModel
from gateway.schema import build_schema
from loaders.model.bound_tables import OwnTenant, ParentTenant
from loaders.model.loading import load_model
from loaders.model.problems import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from loaders.model.bound_tables import TenantCondition
    from loaders.model.databases import Freshness, Table
    from loaders.model.model import Model

EVERYONE = "everyone"
"""Whose rows those are that belong to no tenant."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The facts that two revisions of a model are compared by.

    Fields are named by their schema coordinates, tables by their database's variable and their name.
    """

    schema: str
    tenant: str
    """The claim and the type of the model's tenant; empty without one."""
    tenants: Mapping[str, str]
    """By table, whose rows it holds."""
    scopes: Mapping[str, list[str]]
    """By object type and field, what a viewer needs for it. One with spaces is several, of which any is enough."""
    freshness: Mapping[str, list[int] | None]
    """By table, seconds that its rows are fresh, may be stale, and may be stale where loading fails, or None."""
    prices: Mapping[str, float]
    """By field, or table with few rows, what its price is worked out from."""
    readings: Mapping[str, Mapping[str, str]]
    """By table, the options that choose its rows and say what its times mean."""


def snapshot_of(model: Model) -> Snapshot:
    """Return what a model is compared by."""
    uses = list(KnownModel.of(model, [], is_live=False).uses())
    sections = {f"{use.field.owner.__name__}.{use.field.graphql_name}": use.section for use in uses}
    records = {name: model.bound_sections[f"{name}.record"] for name in model.objects}
    of_fields = {
        f"{owner.name}.{field.graphql_name}": sorted(owner.field_scopes.get(field.name, ()))
        for owner in model.objects.values()
        for field in owner.fields
    }
    of_sections = {name: sorted(section.scopes) for name, section in {**records, **sections}.items()}
    return Snapshot(
        build_schema(model).as_str(),
        "" if model.tenant is None else f"{model.tenant.claim}, {model.tenant.type.__name__}",
        {_name(table): _tenant(model.bound_tables[table].tenant) for table in model.tables},
        {**of_fields, **of_sections},
        {_name(table): _seconds(table.options.freshness) for table in model.tables},
        dict(_prices(model, sections)),
        {_name(table): _readings(table) for table in model.tables},
    )


def _name(table: Table) -> str:
    return f"{table.database.variable} {table.name}"


def _readings(table: Table) -> Mapping[str, str]:
    options = table.options
    zone = options.zone if isinstance(options.zone, str) else f"{options.zone.table.name}.{options.zone.column}"
    own = {"time": options.time, "zone": zone, "latest": options.latest, "key": options.key}
    return {**own, "zone of the database": table.database.zone}


def _tenant(condition: TenantCondition) -> str:
    if isinstance(condition, OwnTenant):
        return f"the tenant in {condition.column}"
    if isinstance(condition, ParentTenant):
        return f"the tenant of {condition.parent.name} by {', '.join(condition.columns)}"
    return EVERYONE


def _seconds(freshness: Freshness | None) -> list[int] | None:
    if freshness is None:
        return None
    return [freshness.fresh_s, freshness.stale_while_revalidate_s, freshness.stale_if_error_s]


def _prices(model: Model, sections: Mapping[str, Any]) -> Iterable[tuple[str, float]]:
    for name, section in sections.items():
        if section.max:
            yield name, section.usual or section.first
    for table in model.tables:
        if table.options.rows:
            yield _name(table), table.options.rows
    for subject, function in model.functions.items():
        yield subject, function.points


def read_snapshot(text: str) -> Snapshot:
    """Return the snapshot in a JSON text."""
    return Snapshot(**json.loads(text))


def main(arguments: list[str]) -> int:
    """Write the snapshot of a model to a file; the model's mistakes go to standard error, with status 1."""
    output, target, *roots = arguments
    sys.path[:0] = roots
    try:
        Path(output).write_text(json.dumps(asdict(snapshot_of(load_model(target)))), encoding="utf-8")
    except ModelError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

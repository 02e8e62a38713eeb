"""A dashboard's query for a scaffolded model: columns, a link, a list and a section of several objects."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model_tools.scaffold.plan import FieldKind, Plan, PlannedField, PlannedObject
from loaders.model.names import camel

_LARGE = ("m.JSON", "bytes")
_MAX_COLUMNS = 3
_ROWS = 3


@dataclass(frozen=True, slots=True)
class ExampleQuery:
    """A query of several objects of one type by their ids, its only variable."""

    kind: PlannedObject
    text: str


def example_query(plan: Plan) -> ExampleQuery:
    """Return the query of the object type that shows most of the model."""
    kind = max(plan.objects.values(), key=lambda each: (_worth(plan, each), -len(each.key), each.name))
    root = next(each for each in plan.roots if each.target == kind.name and each.annotation.startswith("list["))
    fields = ["id", *(camel(each.name) for each in _columns(kind)[:_MAX_COLUMNS])]
    for wanted in (FieldKind.LINK, FieldKind.LIST, FieldKind.SECTION, FieldKind.MONTHS):
        fields += next((_nested(plan, field) for field in kind.fields if field.kind is wanted), list[str]())
    lines = [
        f"# A dashboard over {kind.name} objects, whose ids are the variable below.",
        "query Dashboard($ids: [ID!]!) {",
        f"  {camel(root.name)}(ids: $ids) {{",
        *(f"    {field}" for field in fields),
        "  }",
        "}",
    ]
    return ExampleQuery(kind, "\n".join(lines) + "\n")


def _worth(plan: Plan, kind: PlannedObject) -> int:
    kinds = {field.kind for field in kind.fields}
    weights = {FieldKind.SECTION: 4, FieldKind.LIST: 3, FieldKind.LINK: 1}
    lists = sum(field.kind is FieldKind.LIST for field in kind.fields)
    is_direct = plan.choices.tenant is None or bool(plan.tenants.of_tables[kind.table].column)
    return 100 * is_direct + 10 * sum(weights.get(each, 0) for each in kinds) + min(lists, 9)


def _columns(kind: PlannedObject) -> list[PlannedField]:
    """Return the fields of an object's columns that a table on a screen could show."""
    fields = [field for field in kind.fields if field.kind is FieldKind.COLUMN]
    shown = [field for field in fields if not field.annotation.startswith(_LARGE)]
    return sorted(shown, key=lambda field: field.name.endswith("_id"))  # in their order otherwise


def _nested(plan: Plan, field: PlannedField) -> list[str]:
    arguments = f"(first: {_ROWS})" if field.annotation.startswith("list[") else ""
    return [f"{camel(field.name)}{arguments} {{ {' '.join(_inner(plan, field))} }}"]


def _inner(plan: Plan, field: PlannedField) -> list[str]:
    if field.kind is FieldKind.MONTHS:
        return ["month", "count"]
    section = next((each for each in plan.sections.values() if each.name == field.target), None)
    if section is not None:
        return [camel(each.name) for each in section.fields[:_MAX_COLUMNS]]
    target = next(each for each in plan.objects.values() if each.name == field.target)
    return ["id", *(camel(each.name) for each in _columns(target)[:2])]

"""Answers that a scaffolded model should give, worked out in plain Python from all rows of its tables."""

from __future__ import annotations

import ast
import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from gateway.model_tools.scaffold.choices import TableId
from gateway.model_tools.scaffold.package import ModelPackage
from gateway.model_tools.scaffold.plan import FieldKind, PlannedField, PlannedObject
from loaders.model.class_reader import DeclaredField
from loaders.model.databases import Kind
from loaders.model.model import Model
from loaders.model.names import camel, column_names, quoted_name
from loaders.stores.clickhouse import ClickHouse
from loaders.stores.postgres import Postgres

Row = Mapping[str, Any]
IDS = 15
FIRST = 3


@dataclass(frozen=True)
class Truth:
    """All rows of the tables of a model, and which of them one tenant sees."""

    package: ModelPackage
    model: Model
    rows: Mapping[TableId, Sequence[Row]]
    tenant: str | None

    def visible(self, table: TableId) -> list[Row]:
        """Return the rows of a table that the tenant sees, in the order of the key."""
        return [row for row in self.rows[table] if self._is_visible(table, row)]

    def ids(self, kind: PlannedObject, rows: Sequence[Row]) -> list[str]:
        """Return the ids of objects, as the API has them."""
        key = self.model.objects[kind.name].key
        values = [self._decoded(kind, name, rows) for name in kind.key]
        return key.write_all(values[0] if len(values) == 1 else list(zip(*values, strict=True)))

    def expected(self, kind: PlannedObject, field: PlannedField, rows: Sequence[Row]) -> list[Any]:
        """Return the values of a field of some objects, in order, as JSON has them."""
        if field.kind in (FieldKind.KEY, FieldKind.COLUMN):
            return [_as_json(value, field) for value in self._decoded(kind, field.column, rows)]
        answer: Callable[[PlannedObject, PlannedField, Row], Any] = {
            "one": self._link,
            "first": self._first,
            "many": self._many,
            "through": self._through,
            "section": self._section,
        }[field.word]
        return [answer(kind, field, row) for row in rows]

    def _is_visible(self, table: TableId, row: Row) -> bool:
        tenant = self.package.plan.tenants.of_tables.get(table)
        if self.tenant is None or tenant is None:
            return True
        if tenant.parent is not None and tenant.foreign_key is not None:
            own = [row[name] for name in tenant.foreign_key.columns]
            referenced = tenant.foreign_key.referenced_columns
            parents = [each for each in self.rows[tenant.parent] if [each[name] for name in referenced] == own]
            return any(self._is_visible(tenant.parent, each) for each in parents)
        return not tenant.column or str(row[tenant.column]) == self.tenant

    def _decoded(self, kind: PlannedObject, column: str, rows: Sequence[Row]) -> list[Any]:
        field = self._declared(kind, column)
        values = [row[column] for row in rows]
        if field.shape is None or field.shape.scalar is None:
            raise TypeError(field.subject)
        scalar = field.shape.scalar
        return scalar.decode_lists(values) if field.shape.is_list else scalar.decode(values)

    def _declared(self, kind: PlannedObject, column: str) -> DeclaredField:
        fields = self.model.objects[kind.name].fields
        return next(each for each in fields if each.is_own_column and column_names(each.column_text) == (column,))

    def _kind(self, name: str) -> PlannedObject:
        return next(each for each in self.package.plan.objects.values() if each.name == name)

    def _matching(self, kind: PlannedObject, names: Sequence[str], values: Sequence[Any]) -> list[Row]:
        return [row for row in self.visible(kind.table) if [row[name] for name in names] == list(values)]

    def _link(self, _kind: PlannedObject, field: PlannedField, row: Row) -> Any:
        target = self._kind(field.target)
        values = [row[name] for name in column_names(_texts(field)[0])]
        matches = self._matching(target, target.key, values)
        return {"id": self.ids(target, matches)[0]} if matches else None

    def _first(self, kind: PlannedObject, field: PlannedField, row: Row) -> Any:
        return next(iter(self._many(kind, field, row)), None)

    def _many(self, kind: PlannedObject, field: PlannedField, row: Row) -> list[Any]:
        target = self._kind(field.target)
        names = column_names(_texts(field)[0])
        matches = self._matching(target, names, [row[name] for name in kind.key])
        return [{"id": text} for text in self.ids(target, _ordered(matches, _order(field), target)[:FIRST])]

    def _through(self, kind: PlannedObject, field: PlannedField, row: Row) -> list[Any]:
        target = self._kind(field.target)
        mine, theirs = (column_names(text) for text in _texts(field))
        join = next(t for t, each in self.package.plan.tables.items() if each.variable == field.arguments[0])
        values = [row[name] for name in kind.key]
        keys = [
            [each[name] for name in theirs] for each in self.visible(join) if [each[name] for name in mine] == values
        ]
        matches = [each for each in self.visible(target.table) if [each[name] for name in target.key] in keys]
        return [{"id": text} for text in self.ids(target, _ordered(matches, _order(field), target)[:FIRST])]

    def _section(self, kind: PlannedObject, field: PlannedField, row: Row) -> Any:
        section = next(s for s in self.package.plan.sections.values() if field.target in (s.name, s.month))
        names, values = column_names(_texts(field)[0]), [row[name] for name in kind.key]
        rows = [each for each in self.visible(section.table) if [each[name] for name in names] == values]
        if field.kind is FieldKind.SECTION:
            return {"count": str(len(rows))}
        time = self.package.plan.tables[section.table].time
        months = sorted({each[time].strftime("%Y-%m-01") for each in rows}, reverse=True)[:FIRST]
        return [
            {"month": month, "count": str(sum(each[time].strftime("%Y-%m-01") == month for each in rows))}
            for month in months
        ]


async def read_truth(
    package: ModelPackage, model: Model, postgres: Postgres | None, clickhouse: ClickHouse | None, tenant: str | None
) -> Truth:
    """Read all rows of the tables of a model, each table in the order of its objects' key."""
    rows: dict[TableId, Sequence[Row]] = {}
    for table in package.plan.tables:
        kind = package.plan.objects.get(table)
        order = ", ".join(quoted_name(name, table.kind) for name in kind.key) if kind is not None else "1"
        name = ".".join(quoted_name(part, table.kind) for part in table.name.split(".", 1))
        sql = f"select * from {name} order by {order}"
        if table.kind is Kind.POSTGRES and postgres is not None:
            rows[table] = [_in_zone(dict(row), package.plan.choices.zone) for row in await postgres.rows(sql)]
        elif clickhouse is not None:
            answer = await clickhouse.columns(sql, {})
            every = [dict(zip(answer.names, values, strict=True)) for values in zip(*answer.columns, strict=True)]
            rows[table] = _latest(every, package, table)
    return Truth(package, model, rows, tenant)


def _latest(rows: Sequence[Row], package: ModelPackage, table: TableId) -> list[Row]:
    """Return the rows of which each is the latest one of its key, where the model says what that is."""
    planned = package.plan.tables[table]
    if not planned.latest:
        return list(rows)
    key = planned.key or package.plan.objects[table].key
    latest: dict[Any, Row] = {}
    for row in rows:
        other = latest.setdefault(tuple(row[name] for name in key), row)
        if row[planned.latest] > other[planned.latest]:
            latest[tuple(row[name] for name in key)] = row
    return list(latest.values())


def _in_zone(row: Row, zone: str) -> Row:
    """Return a row whose times without a zone are instants in one."""
    return {
        name: value.replace(tzinfo=ZoneInfo(zone))
        if zone and isinstance(value, dt.datetime) and value.tzinfo is None
        else value
        for name, value in row.items()
    }


async def differences(truth: Truth, client: httpx.AsyncClient) -> list[str]:
    """Ask for every field of some objects of each type, and return where the answers are not the truth's."""
    return [text async for kind in _kinds(truth) for text in [*await _differences(truth, kind, client)]]


async def _kinds(truth: Truth) -> Any:
    for kind in truth.package.plan.objects.values():
        yield kind


async def _differences(truth: Truth, kind: PlannedObject, client: httpx.AsyncClient) -> list[str]:
    rows = truth.visible(kind.table)[:IDS]
    ids = truth.ids(kind, rows)
    fields = [field for field in kind.fields if camel(field.name) != "id"]
    root = next(
        each for each in truth.package.plan.roots if each.target == kind.name and each.annotation[:5] == "list["
    )
    texts = []
    for part in _parts(fields):
        selection = " ".join(_asked(field) for field in part)
        query = f"query($ids: [ID!]!) {{ {camel(root.name)}(ids: $ids) {{ id {selection} }} }}"
        answer = (await client.post("/graphql", json={"query": query, "variables": {"ids": ids}})).json()
        if "errors" in answer:
            texts.append(f"{kind.name}: {json.dumps(answer['errors'])[:400]} for {query[:300]}")
            continue
        objects = answer["data"][camel(root.name)]
        for field in part:
            expected, values = truth.expected(kind, field, rows), [each[camel(field.name)] for each in objects]
            if values != expected:
                place = next(n for n, pair in enumerate(zip(values, expected, strict=True)) if pair[0] != pair[1])
                texts.append(f"{kind.name}.{field.name} of {ids[place]}: {values[place]!r} is {expected[place]!r}")
    return texts


def _parts(fields: Sequence[PlannedField]) -> Iterator[Sequence[PlannedField]]:
    for place in range(0, max(len(fields), 1), 10):
        yield fields[place : place + 10]


def _asked(field: PlannedField) -> str:
    name = camel(field.name)
    if field.kind in (FieldKind.KEY, FieldKind.COLUMN):
        return name
    arguments = f"(first: {FIRST})" if field.annotation.startswith("list[") else ""
    inner = {FieldKind.SECTION: "count", FieldKind.MONTHS: "month count"}.get(field.kind, "id")
    return f"{name}{arguments} {{ {inner} }}"


def _texts(field: PlannedField) -> list[str]:
    """Return the columns that a word names, which stand in front of its options."""
    return [ast.literal_eval(each) for each in field.arguments if each[0] in "\"'"]


def _order(field: PlannedField) -> str:
    return next(str(ast.literal_eval(each.removeprefix("order="))) for each in field.arguments if each[:6] == "order=")


def _ordered(rows: list[Row], order: str, target: PlannedObject) -> list[Row]:
    """Return rows in an order over columns, nulls last; texts are ordered as the server has ordered the keys."""
    ranks = {id(row): place for place, row in enumerate(rows)}
    terms = [term.rpartition(" ") if term.endswith(" desc") else (term, "", "") for term in order.split(", ")]
    for text, _, direction in reversed(terms):
        (name,) = column_names(text)
        if name in target.key:
            rows = sorted(rows, key=lambda row: ranks[id(row)], reverse=direction == "desc")
            continue
        present = [row for row in rows if row[name] is not None]
        present = sorted(present, key=lambda row: row[name], reverse=direction == "desc")
        rows = [*present, *(row for row in rows if row[name] is None)]
    return rows


def _as_json(value: Any, field: PlannedField) -> Any:
    if isinstance(value, list):
        return [_as_json(item, field) for item in value]
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value) if isinstance(value, int) and "m.BigInt" in field.annotation else value

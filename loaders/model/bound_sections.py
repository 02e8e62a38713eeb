"""Uses of sections: what a model is lowered to. Loaders plan, fuse and cache uses, and know no links or pages."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, replace

from loaders.model.class_reader import DeclaredField
from loaders.model.databases import Database, Kind, Relation, Table, tables_of
from loaders.model.keys import Key
from loaders.model.model import Model, ObjectType, SectionType
from loaders.model.names import column_names, quoted_name
from loaders.model.order_terms import OrderTerm, order_terms
from loaders.model.references import Fragment
from loaders.model.scalars import SCALARS, TEXT
from loaders.model.shapes import Cardinality, Shape, ValueKind
from loaders.model.tenancy import Tenancy
from loaders.model.words import Pick

RECORD = "record"
"""The name of the use that answers an object's own columns."""


@dataclass(frozen=True, slots=True)
class BoundColumn:
    """One value of each row: its SQL over the rows, and what it is. `target` is the type that a link leads to."""

    name: str
    sql: Fragment
    shape: Shape
    is_grouped: bool = False
    target: str = ""


@dataclass(frozen=True, slots=True)
class BoundSection:
    """Rows of a table or relation that belong to the objects of one type, and what is answered of them.

    `key_columns` hold the object's key in these rows. `is_row` says that columns are a row's own values; otherwise they
    are aggregates of the object's rows, or of those that have the same grouped columns. `pick` chooses the order.
    """

    name: str
    owner: str
    over: Table | Relation
    where: Fragment
    key: Key
    key_columns: tuple[str, ...]
    columns: tuple[BoundColumn, ...]
    cardinality: Cardinality
    is_row: bool
    order: tuple[OrderTerm, ...] = ()
    pick: Pick | None = None
    first: int = 0
    max: int = 0
    is_periodic: bool = False
    target: str = ""
    """The object type whose records the rows are, where they are some's."""
    tenancy: Tenancy = dataclasses.field(default=Tenancy(), compare=False)

    @property
    def database(self) -> Database:
        """The database that the rows lie in."""
        return self.over.database


def bound_sections(model: Model) -> dict[str, BoundSection]:
    """Return all uses by name: each object's record, and the sections and lists of its fields and groups."""
    tenancy = tenancy_of(model)
    uses = (use for object_type in model.objects.values() for use in _of_object(model, object_type))
    return {use.name: replace(use, tenancy=tenancy) for use in uses}


def tenancy_of(model: Model) -> Tenancy:
    """Return how the tables of a model say whose rows they hold."""
    keys = {object_type.table: object_type.key.columns for object_type in model.objects.values()}
    if model.tenant is None:
        return Tenancy(keys=keys)
    return Tenancy(model.tenant.column, SCALARS.get(model.tenant.type, TEXT), keys)


def _of_object(model: Model, object_type: ObjectType) -> Iterator[BoundSection]:
    yield _record(object_type)
    for path, field, is_periodic in _fields_with_groups(model, object_type):
        word, shape = field.word, field.shape
        if word is None or shape is None:
            continue
        name = f"{object_type.name}.{path}"
        if word.name == "section":
            section = model.sections[shape.type.__name__]
            yield _section(name, section, object_type, field, is_periodic=is_periodic)
        elif word.name in ("many", "first"):
            yield _objects(model, name, object_type, field)
        elif word.name == "through":
            yield _through(model, name, object_type, field)
        elif word.name == "one" and field.given("over") is not None:
            yield _link(name, object_type, field)


def _fields_with_groups(model: Model, object_type: ObjectType) -> Iterator[tuple[str, DeclaredField, bool]]:
    """Yield path and field of the object's fields and those of its groups, and whether a period narrows them."""
    for field in object_type.fields:
        is_periodic = bool(field.given("period"))
        if field.shape is not None and field.shape.kind is ValueKind.GROUP:
            group = model.groups[field.shape.type.__name__]
            yield from ((f"{field.name}.{below.name}", below, is_periodic) for below in group.fields)
        else:
            yield field.name, field, is_periodic


def _record(object_type: ObjectType) -> BoundSection:
    return BoundSection(
        name=f"{object_type.name}.{RECORD}",
        owner=object_type.name,
        over=object_type.table,
        where=Fragment(()),
        key=object_type.key,
        key_columns=object_type.key.columns,
        columns=tuple(_own_columns(object_type)),
        cardinality=Cardinality.ONE,
        is_row=True,
    )


def _own_columns(object_type: ObjectType) -> Iterator[BoundColumn]:
    """Yield the columns of an object's table that its fields need; those of links hold the target's key."""
    for field in object_type.fields:
        if field.shape is None:
            continue
        name = field.word.name if field.word is not None else "column"
        is_link = name == "one" and not field.has_sql_link
        if is_link or name in ("column", "key"):
            (column,) = column_names(field.column_text)
            sql = Fragment((quoted_name(column, object_type.table.database.kind),))
            yield BoundColumn(field.name, sql, field.shape, target=field.shape.type.__name__ if is_link else "")


def _section(
    name: str, section: SectionType, owner: ObjectType, field: DeclaredField, *, is_periodic: bool
) -> BoundSection:
    over = field.given("over") or section.over
    order, cardinality = field.given("order"), field.shape.cardinality if field.shape is not None else Cardinality.ONE
    columns = tuple(_section_columns(section, over.database.kind))
    is_list = cardinality is not Cardinality.ONE
    return BoundSection(
        name=name,
        owner=owner.name,
        over=over,
        where=Fragment.of(section.where),
        key=owner.key,
        key_columns=column_names(field.column_text),
        columns=columns,
        cardinality=cardinality,
        is_row=section.single or (is_list and not any(column.is_grouped for column in columns)),
        order=order_terms(order) if isinstance(order, str) else (),
        pick=order if isinstance(order, Pick) else None,
        first=0 if cardinality is Cardinality.ONE else field.given("first"),
        max=0 if cardinality is Cardinality.ONE else field.given("max"),
        is_periodic=is_periodic and any(table.options.time for table in tables_of(over)),
    )


def _section_columns(section: SectionType, kind: Kind) -> Iterator[BoundColumn]:
    for field in section.fields:
        if field.shape is None or field.word is None or field.word.name == "computed":
            continue
        target = field.shape.type.__name__ if field.shape.kind is ValueKind.OBJECT else ""
        sql = Fragment.of(_expression(field, kind))
        yield BoundColumn(field.name, sql, field.shape, field.word.name == "group_by", target)


def _expression(field: DeclaredField, kind: Kind) -> str:
    """SQL of a section's field in the language of its store."""
    name = field.word.name if field.word is not None else ""
    is_postgres = kind is Kind.POSTGRES
    if name == "percentile":
        level, expression = field.given("level"), field.given("expression")
        if is_postgres:
            return f"percentile_disc({level}) within group (order by {expression})"
        return f"toFloat64(quantileExact({level})({expression}))"
    if name == "ratio":
        part, whole = field.given("part"), field.given("whole")
        return f"({part})::float8 / nullif({whole}, 0)" if is_postgres else f"{part} / nullIf({whole}, 0)"
    return str(field.given("column" if name == "one" else "expression"))


def _objects(model: Model, name: str, owner: ObjectType, field: DeclaredField) -> BoundSection:
    """A list of objects, or the first of one: their own records, so that they need no second statement."""
    shape = field.shape
    if shape is None:
        raise TypeError(field.subject)
    target, is_one = model.objects[shape.type.__name__], shape.cardinality is Cardinality.ONE
    return BoundSection(
        name=name,
        owner=owner.name,
        over=target.table,
        where=Fragment(()),
        key=owner.key,
        key_columns=column_names(field.column_text),
        columns=tuple(_own_columns(target)),
        cardinality=Cardinality.LIST if is_one else shape.cardinality,
        is_row=True,
        order=(*_order_of(model, field.given("order")), *_tie_break(target)),
        target=target.name,
        first=1 if is_one else field.given("first"),
        max=1 if is_one else field.given("max"),
    )


def _tie_break(target: ObjectType) -> Iterator[OrderTerm]:
    """Yield the terms that decide between rows which an order leaves equal."""
    return (OrderTerm(quoted_name(column, target.table.database.kind)) for column in target.key.columns)


_THROUGH = "fw_through"
"""The alias of this object's key in a list through a relation, which no column of the target's table has."""


def _through(model: Model, name: str, owner: ObjectType, field: DeclaredField) -> BoundSection:
    """A list of the objects that a relation brings together with this one: the target's table joined to it."""
    use = _objects(model, name, owner, field)
    target = model.objects[use.target] if use.target else owner
    between: Table | Relation = field.given("relation")
    mine, theirs = column_names(field.given("mine")), column_names(field.given("theirs"))
    kind = between.database.kind
    rows = f"{between.asked(field.given('mine'))}" if isinstance(between, Table) else f"{between}"
    keys = ", ".join(f"r.{quoted_name(column, kind)} as {_THROUGH}_{place}" for place, column in enumerate(mine))
    pairs = zip(target.key.columns, theirs, strict=True)
    matched = " and ".join(f"t.{quoted_name(key, kind)} = r.{quoted_name(column, kind)}" for key, column in pairs)
    sql = f"select {keys}, t.* from {rows} as r inner join {target.table.all} as t on {matched}"  # noqa: S608 (names in quotes, and references)
    over = Relation(between.database, sql, field.place)
    return replace(use, over=over, key_columns=tuple(f"{_THROUGH}_{place}" for place in range(len(mine))))


def _order_of(model: Model, order: object) -> tuple[OrderTerm, ...]:
    """The terms of a text, or of the default of an order that clients choose from."""
    if isinstance(order, str):
        return order_terms(order)
    declared = model.orders[getattr(order, "__name__", "")]
    members = {field.name: field for field in declared.fields}
    return tuple(
        OrderTerm(
            str(members[term.expression].given("expression")),
            term.is_descending,
            members[term.expression].given("nulls") == "first",
        )
        for term in order_terms(declared.default)
    )


def _link(name: str, owner: ObjectType, field: DeclaredField) -> BoundSection:
    """A link by a value that is computed from rows elsewhere."""
    shape = field.shape
    if shape is None:
        raise TypeError(field.subject)
    column = BoundColumn(field.name, Fragment.of(str(field.given("column"))), shape, target=shape.type.__name__)
    over: Table | Relation = field.given("over")
    key_columns = column_names(field.given("by"))
    return BoundSection(
        name, owner.name, over, Fragment(()), owner.key, key_columns, (column,), Cardinality.ONE, is_row=False
    )

"""Binding sections: from the fields of a model to the bound sections that answer them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from loaders.model.bound_sections import COUNT, RECORD, BoundColumn, BoundSection
from loaders.model.bound_tables import BoundTable
from loaders.model.class_reader import DeclaredField
from loaders.model.column_scopes import ColumnScopes, scopes_of_columns, touched_scopes
from loaders.model.databases import Kind, Relation, Table
from loaders.model.filter_conditions import FilterCondition
from loaders.model.key_spaces import NO_KEY, KeySpace
from loaders.model.keys import Key
from loaders.model.list_binding import (
    default_terms,
    filter_conditions,
    order_members,
    terms_of,
)
from loaders.model.model import Model, ObjectType, SectionType
from loaders.model.names import column_names, quoted_name
from loaders.model.order_terms import OrderMember, OrderTerm, with_tie_break
from loaders.model.references import Fragment
from loaders.model.scalars import INTEGER, Scalar
from loaders.model.section_columns import column_expression, empty_value, ordered_section
from loaders.model.section_facts import with_facts
from loaders.model.shapes import Cardinality, Shape, ValueKind

ROOT = "Query"
"""The first part of the names of what root fields are answered from."""
_NOTHING = Fragment(())
_THROUGH = "fw_through"
"""The alias of this object's key in a list through a relation, which no column of the target's table has."""


def bind_sections(model: Model) -> dict[str, BoundSection]:
    """Return all that can be loaded, by name: records, sections, lists, links, look-ups, pages and their counts."""
    binder = _Binder(model)
    sections = [each for object_type in model.objects.values() for each in binder.of_object(object_type)]
    sections += binder.of_roots()
    return {each.name: with_facts(each, model) for each in sections}


@dataclass(frozen=True, slots=True)
class _Order:
    """How a list of objects is ordered and filtered, and the scopes that its default order needs."""

    default: tuple[OrderTerm, ...]
    tie_break: tuple[OrderTerm, ...]
    members: Mapping[str, OrderMember]
    filters: Mapping[str, FilterCondition]
    scopes: frozenset[str]


class _Binder:
    def __init__(self, model: Model) -> None:
        self._model = model
        self._scopes: ColumnScopes = model.column_scopes
        self._bound: Mapping[Table, BoundTable] = model.bound_tables
        self._spaces = {name: KeySpace(name, each.key) for name, each in model.objects.items()}
        self._records = {name: self._record(each) for name, each in model.objects.items()}

    def of_object(self, owner: ObjectType) -> Iterator[BoundSection]:
        """Yield the object's record, and what its fields and those of its groups are answered from."""
        yield self._records[owner.name]
        for path, field, outer in self._fields_with_groups(owner):
            name = f"{owner.name}.{path}"
            word = field.word_name
            if word == "section":
                yield from self._section(name, owner, field, outer)
            elif word in ("many", "first"):
                yield from _with_count(self._objects(name, self._spaces[owner.name], field))
            elif word == "through":
                yield from _with_count(self._through(name, owner, field))
            elif word == "one" and field.has_sql_link:
                yield self._link(name, owner, field)

    def of_roots(self) -> Iterator[BoundSection]:
        """Yield the look-ups by unique columns and the pages; other root fields use the records of objects."""
        for root in self._model.roots:
            word = root.word_name
            if word == "by_key" and root.option("column"):
                yield self._look_up(f"{ROOT}.{root.name}", root)
            elif word == "page":
                name = f"{ROOT}.{root.name}"
                yield from _with_count(self._objects(name, KeySpace(name, NO_KEY), root))

    def _fields_with_groups(self, owner: ObjectType) -> Iterator[tuple[str, DeclaredField, DeclaredField | None]]:
        """Yield path and field of the object's fields and of those of its groups, these with the group's own field."""
        for field in owner.fields:
            if field.shape is not None and field.shape.kind is ValueKind.GROUP:
                group = self._model.groups[field.shape.type.__name__]
                yield from ((f"{field.name}.{inner.name}", inner, field) for inner in group.fields)
            else:
                yield field.name, field, None

    def _record(self, owner: ObjectType) -> BoundSection:
        return BoundSection(
            name=f"{owner.name}.{RECORD}",
            key_space=self._spaces[owner.name],
            over=owner.table,
            where=_NOTHING,
            key_columns=owner.key.columns,
            columns=tuple(self._own_columns(owner)),
            cardinality=Cardinality.ONE,
            is_row=True,
            is_nullable=True,
            scopes=_any_of(owner.readable_with),
            has_own_scopes=bool(owner.readable_with),
            bound_tables=self._bound,
        )

    def _own_columns(self, owner: ObjectType) -> Iterator[BoundColumn]:
        """Yield the columns of an object's table that its fields need; those of links hold the target's key."""
        kind = owner.table.database.kind
        for field in owner.fields:
            name = field.word_name or "column"
            if field.shape is None or field.has_sql_link or name not in ("column", "key", "one"):
                continue
            names = ", ".join(quoted_name(column, kind) for column in column_names(field.column_text))
            is_several = len(column_names(field.column_text)) > 1
            sql = Fragment((f"({names})" if is_several else names,))
            scope = field.option("scope", "")
            target = self._target(field.shape)
            yield BoundColumn(field.name, sql, field.shape, self._scalars(field.shape), target=target, scope=scope)

    def _target(self, shape: Shape) -> str:
        return str(shape.type.__name__) if shape.kind is ValueKind.OBJECT else ""

    def _scalars(self, shape: Shape) -> tuple[Scalar, ...]:
        if shape.scalar is not None:
            return (shape.scalar,)
        return self._model.objects[shape.type.__name__].key.scalars

    def _look_up(self, name: str, root: DeclaredField) -> BoundSection:
        """A look-up by a unique column: the object's record, so that it needs no second statement."""
        target = self._model.objects[_shape(root).type.__name__]
        columns = column_names(root.option("column"))
        scalars = target.column_scalars
        return replace(
            self._records[target.name],
            name=name,
            key_space=KeySpace(name, Key(columns, tuple(scalars[column] for column in columns))),
            key_columns=columns,
            target=target.name,
            scopes=scopes_of_columns(columns, target.table, self._scopes),
        )

    def _objects(self, name: str, space: KeySpace, field: DeclaredField) -> BoundSection:
        """A list of objects, or the first of one: their own records, so that they need no second statement."""
        shape = _shape(field)
        target, is_one = self._model.objects[shape.type.__name__], shape.cardinality is Cardinality.ONE
        order = self._order(target, field)
        return BoundSection(
            name=name,
            key_space=space,
            over=target.table,
            where=_NOTHING,
            key_columns=column_names(field.column_text) if space.key.columns else (),
            columns=self._records[target.name].columns,
            cardinality=Cardinality.LIST if is_one else shape.cardinality,
            is_row=True,
            default_order=order.default,
            tie_break=order.tie_break,
            target=target.name,
            first=1 if is_one else field.option("first"),
            max=1 if is_one else field.option("max"),
            usual=field.option("usual", 0),
            filters=order.filters,
            orders=order.members,
            scopes=order.scopes,
            bound_tables=self._bound,
        )

    def _order(self, target: ObjectType, field: DeclaredField) -> _Order:
        table, scalars, order = target.table, target.column_scalars, field.option("order")
        kind = table.database.kind
        key = zip(target.key.columns, target.key.scalars, strict=True)
        tie_break = tuple(OrderTerm(Fragment((quoted_name(column, kind),)), scalar=scalar) for column, scalar in key)
        members: Mapping[str, OrderMember] = {}
        if isinstance(order, str):
            terms = terms_of(order, kind, scalars)
        else:
            declared = self._model.orders[order.__name__]
            members = order_members(declared.fields, table, scalars, self._scopes)
            terms = default_terms(declared.default, members)
        narrowed = field.option("filter")
        conditions = self._model.filters[narrowed.__name__].fields if narrowed is not None else ()
        filters = filter_conditions(conditions, table, self._scopes)
        touched = touched_scopes((term.expression for term in terms), [table], self._scopes)
        return _Order(with_tie_break(terms, tie_break), tie_break, members, filters, touched)

    def _through(self, name: str, owner: ObjectType, field: DeclaredField) -> BoundSection:
        """A list of the objects that a relation brings together with this one: the target's table joined to it."""
        section = self._objects(name, self._spaces[owner.name], field)
        target = self._model.objects[section.target]
        between: Table | Relation = field.option("relation")
        mine, theirs = column_names(field.option("mine")), column_names(field.option("theirs"))
        kind = between.database.kind
        rows = f"{between.asked(field.option('mine'))}" if isinstance(between, Table) else f"{between}"
        keys = ", ".join(f"r.{quoted_name(column, kind)} as {_THROUGH}_{place}" for place, column in enumerate(mine))
        pairs = zip(target.key.columns, theirs, strict=True)
        matched = " and ".join(f"t.{quoted_name(key, kind)} = r.{quoted_name(column, kind)}" for key, column in pairs)
        sql = f"select {keys}, t.* from {rows} as r inner join {target.table.all} as t on {matched}"
        over = Relation(between.database, sql, field.place)
        return replace(section, over=over, key_columns=tuple(f"{_THROUGH}_{place}" for place in range(len(mine))))

    def _link(self, name: str, owner: ObjectType, field: DeclaredField) -> BoundSection:
        """A link by a value that is computed from rows elsewhere."""
        shape = _shape(field)
        sql = Fragment.of(str(field.option("column")))
        return BoundSection(
            name=name,
            key_space=self._spaces[owner.name],
            over=field.option("over"),
            where=_NOTHING,
            key_columns=column_names(field.option("by")),
            columns=(BoundColumn(field.name, sql, shape, self._scalars(shape), target=self._target(shape)),),
            cardinality=Cardinality.ONE,
            is_row=False,
            is_nullable=True,
            scopes=_any_of(field.option("readable_with")),
            has_own_scopes=bool(field.option("readable_with")),
            bound_tables=self._bound,
        )

    def _section(
        self, name: str, owner: ObjectType, field: DeclaredField, outer: DeclaredField | None
    ) -> Iterator[BoundSection]:
        shape = _shape(field)
        section = self._model.sections[shape.type.__name__]
        over = field.option("over") or section.over
        columns = tuple(self._section_columns(section, over.database.kind))
        is_list, is_grouped = shape.cardinality is not Cardinality.ONE, any(column.is_grouped for column in columns)
        fields = [field] if outer is None else [outer, field]
        bound = BoundSection(
            name=name,
            key_space=self._spaces[owner.name],
            over=over,
            where=Fragment.of(section.where),
            key_columns=column_names(field.column_text),
            columns=columns,
            cardinality=shape.cardinality,
            is_row=section.single or (is_list and not is_grouped),
            first=field.option("first") if is_list else 0,
            max=field.option("max") if is_list else 0,
            usual=field.option("usual", 0),
            is_periodic=any(bool(each.option("period")) for each in fields),
            is_nullable=not is_list and shape.nullable,
            empty=() if is_list or shape.nullable else tuple(map(empty_value, columns)),
            scopes=frozenset(str(each.option("scope")) for each in fields if each.option("scope")),
            bound_tables=self._bound,
        )
        yield ordered_section(bound, section, field.option("order")) if is_list else bound

    def _section_columns(self, section: SectionType, kind: Kind) -> Iterator[BoundColumn]:
        for field in section.fields:
            if field.shape is None or field.word is None or field.is_computed:
                continue
            sql, scalars, target = column_expression(field, kind), self._scalars(field.shape), self._target(field.shape)
            yield BoundColumn(field.name, sql, field.shape, scalars, field.word.name == "group_by", target)


def _with_count(section: BoundSection) -> Iterator[BoundSection]:
    """Yield a list, and behind a page the section that counts its rows under the same filters."""
    yield section
    if section.cardinality is Cardinality.PAGE:
        shape = Shape(Cardinality.ONE, ValueKind.SCALAR, int, scalar=INTEGER)
        yield replace(
            section,
            name=f"{section.name}.{COUNT}",
            columns=(BoundColumn(COUNT, Fragment(("count(*)",)), shape, (INTEGER,)),),
            cardinality=Cardinality.ONE,
            is_row=False,
            default_order=(),
            tie_break=(),
            orders={},
            first=0,
            max=0,
            empty=(0,),
            target="",
            scopes=frozenset(),
        )


def _shape(field: DeclaredField) -> Shape:
    if field.shape is None:
        raise TypeError(field.subject)
    return field.shape


def _any_of(scopes: tuple[str, ...]) -> frozenset[str]:
    """Return what is needed where any one of some scopes is enough."""
    return frozenset({" ".join(scopes)}) if scopes else frozenset()

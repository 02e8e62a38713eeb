"""Objects, sections and groups: keys, links, periods, and how lists of rows are made."""

from __future__ import annotations

from loaders.model.class_reader import DeclaredField
from loaders.model.classes import Declared, Object, Section, options_of
from loaders.model.databases import Kind, Relation, Table, tables_of
from loaders.model.declaration import ModelDeclaration, ModelParts
from loaders.model.names import is_scope
from loaders.model.places import Place, place_of_class
from loaders.model.problems import Problems
from loaders.model.scalars import NUMBERS
from loaders.model.shapes import Cardinality, ValueKind


def check_objects(model: ModelDeclaration, parts: ModelParts, problems: Problems) -> None:
    """Check each object type, each section, and each field that uses a section."""
    for cls in parts.classes(Object):
        _check_table(cls, problems)
        _check_scopes(place_of_class(cls), cls.__name__, options_of(cls).get("readable_with", ()), problems)
        _check_key(cls, parts.fields[cls], problems)
    for cls in parts.classes(Section):
        if not parts.fields[cls]:
            problems.add(place_of_class(cls), cls.__name__, "has no field: declare at least one with m.sql(…).")
    for declared in parts.all_fields():
        _check_target(declared, model, problems)
        _check_scopes(declared.place, declared.subject, declared.option("readable_with", ()), problems)
        if declared.option("readable_with") and declared.option("over") is None:
            message = "readable_with= belongs to a link over other rows: leave it out, or say over=."
            problems.add(declared.place, declared.subject, message)
        if declared.word_name == "section":
            _check_use(declared, parts, problems)
        elif declared.word_name == "nested" and declared.option("period"):
            _check_nested_period(declared, parts, problems)


def _check_scopes(place: Place, subject: str, scopes: object, problems: Problems) -> None:
    if not isinstance(scopes, tuple) or not all(is_scope(scope) and scope for scope in scopes):
        problems.add(place, subject, f'readable_with= is a tuple of scopes, as in ("order:read",), and is {scopes!r}.')


def _check_table(cls: type[Declared], problems: Problems) -> None:
    table = options_of(cls).get("table")
    if not isinstance(table, Table):  # noted with the sources
        return
    if table.database.kind is not Kind.POSTGRES and not table.options.latest:
        message = f"{table.name} lies in ClickHouse, where a key may have several rows: say latest=… on the table."
        problems.add(place_of_class(cls), cls.__name__, message)


def _check_key(cls: type[Declared], fields: list[DeclaredField], problems: Problems) -> None:
    keys = [field for field in fields if field.is_key]
    if not keys:
        id_ = next((field for field in fields if field.name == "id" and not field.word_name), None)
        example = f", such as id: {id_.shape} = m.key()." if id_ is not None and id_.shape is not None else "."
        message = f"has no key: mark the columns that it is known by with m.key(){example}"
        problems.add(place_of_class(cls), cls.__name__, message)
    for each in keys:
        shape = each.shape
        if shape is None or shape.scalar is None:
            continue
        if shape.nullable:
            problems.add(each.place, each.subject, "a part of a key cannot be null: leave out | None.")
        elif not shape.scalar.can_be_key:
            problems.add(
                each.place, each.subject, f"{shape.scalar.name} cannot be part of a key, since no two texts may be one."
            )


def _check_target(declared: DeclaredField, model: ModelDeclaration, problems: Problems) -> None:
    shape = declared.shape
    if not model.has_list_of_types or not all(isinstance(each, type) for each in model.types):
        return
    if shape is not None and shape.kind is ValueKind.OBJECT and shape.type not in model.types:
        name = shape.type.__name__
        problems.add(declared.place, declared.subject, f"{name} is not among Model(types=…): add it there.")


def _tables(source: object) -> list[Table]:
    try:
        return tables_of(source) if isinstance(source, Table | Relation) else []
    except (TypeError, ValueError):  # its SQL is no text: noted elsewhere
        return []


def _check_empty(declared: DeclaredField, fields: list[DeclaredField], problems: Problems) -> None:
    """Check that each value of a section that is never null is known over no rows: a number, a list, or null."""
    for field in fields:
        shape = field.shape
        if shape is None or shape.scalar is None or shape.nullable or shape.is_list or field.is_computed:
            continue
        if shape.scalar.name not in NUMBERS:
            message = f"{declared.subject} is never null, and over no rows this has no value: write {shape} | None, or"
            problems.add(field.place, field.subject, f"{message} {declared.owner.__name__}.{declared.name} as | None.")


def _check_nested_period(declared: DeclaredField, parts: ModelParts, problems: Problems) -> None:
    """Check that a group with a period has a section that it narrows; the others of the group know none."""
    group = declared.shape.type if declared.shape is not None else None
    sources = [
        field.option("over") or options_of(field.shape.type).get("over")
        for field in (parts.fields.get(group, ()) if group is not None else ())
        if field.shape is not None and field.shape.kind is ValueKind.SECTION
    ]
    if sources and not any(table.options.time for source in sources for table in _tables(source)):
        message = "has a period, and no table of its sections a time column: leave out period=, or say time=… on one."
        problems.add(declared.place, declared.subject, message)


def _check_use(declared: DeclaredField, parts: ModelParts, problems: Problems) -> None:
    shape = declared.shape
    if shape is None or shape.kind is not ValueKind.SECTION:
        return
    over = declared.option("over") or options_of(shape.type).get("over")
    if not str(declared.option("column", "")).strip():
        problems.add(declared.place, declared.subject, "say which column of its rows holds this object's key.")
    tables = _tables(over)
    if declared.option("period") and tables and not any(table.options.time for table in tables):
        names = ", ".join(table.name for table in tables)
        problems.add(declared.place, declared.subject, f"has a period, and {names} no time column: say time=… there.")
    groups = [field for field in parts.fields.get(shape.type, ()) if field.word_name == "group_by"]
    if shape.cardinality is Cardinality.ONE and groups:
        message = f"{shape.type.__name__} groups its rows ({groups[0].subject}), so that there are many: write list[…]."
        problems.add(declared.place, declared.subject, message)
    elif shape.cardinality is Cardinality.ONE and not shape.nullable:
        _check_empty(declared, parts.fields.get(shape.type, []), problems)
    if shape.cardinality is not Cardinality.ONE and not groups and not declared.option("order"):
        message = f"{shape.type.__name__} groups by nothing, so that nothing orders its rows: say order=…."
        problems.add(declared.place, declared.subject, message)

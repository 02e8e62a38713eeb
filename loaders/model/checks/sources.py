"""Sources: where rows are read, each a table or a relation of a database and no name of one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from loaders.model.checks.values import rename_hint, shown_value
from loaders.model.class_reader import DeclaredField
from loaders.model.classes import Object, Section, options_of
from loaders.model.databases import Kind, Relation, Table
from loaders.model.declaration import ModelDeclaration, ModelParts
from loaders.model.places import place_of_class
from loaders.model.problems import Problems


def check_sources(_model: ModelDeclaration, parts: ModelParts, problems: Problems) -> None:
    """Check that what object types, sections, links and lists read is declared, and lies where it can be read."""
    for cls in parts.classes(Object):
        table = options_of(cls).get("table")
        if not isinstance(table, Table):
            message = _message("table= is", "a table", table, parts)
            problems.add(place_of_class(cls), cls.__name__, message)
    for cls in parts.classes(Section):
        over = options_of(cls).get("over")
        if not isinstance(over, Table | Relation):
            problems.add(place_of_class(cls), cls.__name__, _message("over= is", "a table or a relation", over, parts))
    for declared in parts.all_fields():
        for what, value in _sources(declared):
            if not isinstance(value, Table | Relation):
                message = _message(what, "a table or a relation", value, parts)
                problems.add(declared.place, declared.subject, message)
            elif declared.word_name == "through":
                _check_through(declared, value, problems)


def _sources(declared: DeclaredField) -> Iterator[tuple[str, Any]]:
    """Yield what a field reads beside its class's own source, and the words that a message begins with."""
    if declared.word_name == "through":
        yield "m.through(…) takes", declared.option("relation")
    if declared.option("over") is not None:
        yield "over= is", declared.option("over")


def _message(what: str, expected: str, value: Any, parts: ModelParts) -> str:
    hint = rename_hint(value, parts)
    if isinstance(value, str):
        hint = f'declare it, <name> = <database>.table("{value}", …), and write its name without quotes.'
    elif not hint:
        hint = "declare one with <database>.table(…)."
    return f"{what} {expected} of a database, and this one is {shown_value(value, parts)}: {hint}"


def _check_through(declared: DeclaredField, between: Table | Relation, problems: Problems) -> None:
    """Check that a list's rows and the relation that joins them lie in one database."""
    target = declared.shape.type if declared.shape is not None else None
    is_object = isinstance(target, type) and issubclass(target, Object)
    table = options_of(target).get("table") if is_object and target is not None else None
    if not isinstance(table, Table) or table.database is between.database:
        return
    kind = "PostgreSQL" if table.database.kind is Kind.POSTGRES else "ClickHouse"
    message = (
        f"{table.name} lies in {table.database.variable}, and what joins it in {between.database.variable}: declare a"
        f" relation of {kind} that reads the other one's rows."
    )
    problems.add(declared.place, declared.subject, message)

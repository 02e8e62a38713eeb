"""Calls of the language: each has the options that it needs, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from loaders.model.arguments import Argument
from loaders.model.classes import Declared, mistakes_of
from loaders.model.databases import Database, Table
from loaders.model.declaration import ModelDeclaration, ModelParts
from loaders.model.places import Place, place_of_class
from loaders.model.problems import Problems


def check_calls(model: ModelDeclaration, parts: ModelParts, problems: Problems) -> None:
    """Note what is wrong with the calls that made a model: what else is said of the same subject only follows."""
    for value, place, subject in _made(model, parts):
        for mistake in getattr(value, "mistakes", ()):
            problems.add(place, subject, mistake, is_cause=True)
    classes = [value for value in _variables(parts) if isinstance(value, type) and issubclass(value, Declared)]
    for cls in dict.fromkeys([*parts.fields, *classes]):
        hint = f" Fields that several types share stand in a class without a base: class {cls.__name__}:"
        for mistake in mistakes_of(cls):
            message = f"{mistake}{hint}" if cls.__subclasses__() else mistake
            problems.add(place_of_class(cls), cls.__name__, message, is_cause=True)


def _variables(parts: ModelParts) -> list[Any]:
    """Return the values of the variables of the model's modules, what no field leads to among them."""
    return [value for module in parts.modules for value in vars(module).values()]


def _made(model: ModelDeclaration, parts: ModelParts) -> Iterator[tuple[Any, Place, str]]:
    """Yield what calls of the language made, with its place and its subject."""
    yield model, model.place, "Model"
    yield model.tenant, getattr(model.tenant, "place", model.place), "Tenant"
    variables = _variables(parts)
    for database in (*parts.databases, *(each for each in variables if isinstance(each, Database))):
        yield database, database.place, type(database).__name__
    for table in (*parts.tables, *(each for each in variables if isinstance(each, Table))):
        yield from ((value, table.place, table.name) for value in (table, table.options.tenant, table.options.changes))
        yield table.options.freshness, getattr(table.options.freshness, "place", table.place), "Freshness"
    for argument in (*parts.arguments, *(each for each in variables if isinstance(each, Argument))):
        yield argument, argument.place, argument.name
    for declared in parts.all_fields():
        yield declared.word, declared.place, declared.subject

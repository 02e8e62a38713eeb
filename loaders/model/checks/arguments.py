"""Arguments that meet in one statement: a name has one type, default and bounds there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from loaders.model.arguments import Argument, Pick
from loaders.model.classes import Declared, Section, options_of
from loaders.model.databases import Relation
from loaders.model.declaration import ModelDeclaration, ModelParts
from loaders.model.problems import Problems
from loaders.model.references import Fragment


def check_arguments(_model: ModelDeclaration, parts: ModelParts, problems: Problems) -> None:
    """Check that no section's SQL names two arguments alike: a statement binds one value for each name."""
    for cls in parts.classes(Section):
        seen: dict[str, Argument[Any]] = {}
        for argument in _arguments(cls, parts):
            other = seen.setdefault(argument.name, argument)
            if other is not argument:
                message = f"{cls.__name__} also has the argument {argument.name} of {other.place}: use one for both."
                problems.add(argument.place, argument.name, message)


def _arguments(cls: type[Declared], parts: ModelParts) -> Iterator[Argument[Any]]:
    waiting: list[Any] = list(options_of(cls).values())
    for declared in parts.fields[cls]:
        waiting += declared.word.options.values() if declared.word is not None else ()
    seen: set[Relation] = set()
    while waiting:
        value = waiting.pop(0)
        if isinstance(value, Argument):
            yield value
        elif isinstance(value, Pick):
            waiting += [value.argument, *value.sql.values()]
        elif isinstance(value, Relation) and value not in seen:
            seen.add(value)
            waiting += parts.relations[value].references() if value in parts.relations else ()
        elif isinstance(value, str):
            waiting += _references(value)


def _references(text: str) -> list[Any]:
    try:
        return [*Fragment.of(text).references()]
    except ValueError:
        return []

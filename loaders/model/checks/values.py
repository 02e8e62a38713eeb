"""Values in messages: what an author gave where something else belongs, as the author would name it."""

from __future__ import annotations

import reprlib
from typing import Any

from loaders.model.databases import Relation, Table
from loaders.model.declaration import ModelParts
from loaders.model.words import Word


def shown_value(value: Any, parts: ModelParts) -> str:
    """Return a short text for a value: a field or a table by its name, a class by its own, or the value itself."""
    if isinstance(value, Word):
        return f"the field {_name(value, parts)} of {value.place}"
    if isinstance(value, Table):
        return f"the table {value.name}"
    if isinstance(value, Relation):
        return f"the relation of {value.place}"
    return value.__name__ if isinstance(value, type) else reprlib.repr(value)


def rename_hint(value: Any, parts: ModelParts) -> str:
    """Return what to do where a field hides the variable of a table; an empty text for any other value."""
    if not isinstance(value, Word):
        return ""
    name = _name(value, parts).rpartition(".")[2]
    return f"in a class body the field {name} hides a variable of this name: rename the variable, such as {name}_table."


def _name(word: Word, parts: ModelParts) -> str:
    return next((field.subject for field in parts.all_fields() if field.word is word), f"m.{word.name}(…)")

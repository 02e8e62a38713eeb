"""References to objects: what a function or a mutation of a model answers, and the gateway loads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar, cast

from loaders.model.classes import Object

T = TypeVar("T", bound=Object)


@dataclass(frozen=True, slots=True)
class ObjectReference:
    """An object by its type and its key: a value of Python, or a tuple of them where the key has several parts.

    The gateway loads what is selected of it, for the viewer's tenant alone. One that is not known is null.
    """

    type: type[Object]
    key: Any


def ref(object_type: type[T], key: Any) -> T:
    """Return a reference to an object, which stands for it in the answer of a function or a mutation."""
    return cast(T, ObjectReference(object_type, key))

"""Options of a model beside its types: its mutation, its set-up, its migrations and examples."""

from __future__ import annotations

import re
from typing import Any

from loaders.model.declaration import ModelDeclaration, ModelParts
from loaders.model.problems import Problems

_FUNCTION = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*:[^\W\d]\w*")


def check_declaration(model: ModelDeclaration, _parts: ModelParts, problems: Problems) -> None:
    """Check that files and folders are there, and that the mutation and the set-up can be what they are said to be."""
    mutation: Any = model.mutation
    if mutation is not None and not hasattr(mutation, "__strawberry_definition__"):
        message = f"mutation= is a class with @strawberry.type, and is {mutation!r}."
        problems.add(model.place, "Model", message)
    setup: Any = model.setup
    is_named = isinstance(setup, str) and _FUNCTION.fullmatch(setup) is not None
    if setup is not None and not callable(setup) and not is_named:
        message = f"setup= is an async function, or where one is, such as shop.setup:create, and is {setup!r}."
        problems.add(model.place, "Model", message)
    _check_path("migrations=", "a folder of SQL", model.migrations, model, problems)
    for name, cls in model.exports.items():
        if not (isinstance(name, str) and name.isidentifier()) or cls not in model.types:
            message = (
                f"exports= has names such as analysis, each with an object type of types=, and has {name!r}: {cls!r}."
            )
            problems.add(model.place, "Model", message)
    _check_path("examples=", "a file or folder of GraphQL documents", model.examples, model, problems)


def _check_path(what: str, expected: str, name: Any, model: ModelDeclaration, problems: Problems) -> None:
    if not isinstance(name, str):
        problems.add(model.place, "Model", f"{what} is the path of {expected}, and is {name!r}.")
    elif name and not _is_there(what, name, model):
        message = f"{what} is the path of {expected} beside the model's file, and {name} is none."
        problems.add(model.place, "Model", message)


def _is_there(what: str, name: str, model: ModelDeclaration) -> bool:
    path = model.path(name)
    if what == "migrations=":
        return path.is_dir()
    return any(path.glob("*.graphql")) if path.is_dir() else path.is_file()

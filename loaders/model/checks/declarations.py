"""Options of a model beside its types: its mutation, its set-up and its examples."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from loaders.model.declaration import ModelDeclaration, ModelParts
from loaders.model.problems import Problems

_FUNCTION = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*:[^\W\d]\w*")


def check_declaration(model: ModelDeclaration, _parts: ModelParts, problems: Problems) -> None:
    """Check that the examples are there, and that the mutation and the set-up can be what they are said to be."""
    mutation: Any = model.mutation
    if mutation is not None and not hasattr(mutation, "__strawberry_definition__"):
        message = f"mutation= is a class with @strawberry.type, and is {mutation!r}."
        problems.add(model.place, "Model", message)
    setup: Any = model.setup
    is_named = isinstance(setup, str) and _FUNCTION.fullmatch(setup) is not None
    if setup is not None and not callable(setup) and not is_named:
        message = f"setup= is an async function, or where one is, such as shop.setup:create, and is {setup!r}."
        problems.add(model.place, "Model", message)
    for name, cls in model.exports.items():
        if not (isinstance(name, str) and name.isidentifier()) or cls not in model.types:
            message = (
                f"exports= has names such as analysis, each with an object type of types=, and has {name!r}: {cls!r}."
            )
            problems.add(model.place, "Model", message)
    _check_examples(model.examples, model, problems)


def _check_examples(name: Any, model: ModelDeclaration, problems: Problems) -> None:
    expected = "the path of a file or folder of GraphQL documents"
    if not isinstance(name, str):
        problems.add(model.place, "Model", f"examples= is {expected}, and is {name!r}.")
    elif name and not _has_documents(model.path(name)):
        problems.add(model.place, "Model", f"examples= is {expected} beside the model's file, and {name} is none.")


def _has_documents(path: Path) -> bool:
    return any(path.glob("*.graphql")) if path.is_dir() else path.is_file()

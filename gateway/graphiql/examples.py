"""The queries that GraphiQL shows on a first visit: a model's own examples, or one that is made from its schema."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.graphiql.example_query import make_example_query
from loaders.model.names import camel
from loaders.model.scalars import BIG_INTEGER, DATE, INTEGER, UNIQUE_ID
from resolvers.roots import Root, RootKind, roots_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from gateway.schema import GatewaySchema
    from loaders.model.keys import Key
    from loaders.model.model import Model

_ROOT_ORDER = (
    (RootKind.PAGE, False),
    (RootKind.CURRENT, False),
    (RootKind.KEY, True),
    (RootKind.KEY, False),
    (RootKind.RESOLVER, False),
    (RootKind.RESOLVER, True),
)
"""Kinds of root fields and whether they take several keys, the best first: pages need no key that only the databases
know."""

_KEY_TEXTS = {
    INTEGER.name: ("1", "2", "3"),
    BIG_INTEGER.name: ("1", "2", "3"),
    UNIQUE_ID.name: ("00000000-0000-0000-0000-000000000001",),
    DATE.name: ("2026-01-01",),
}
"""Keys by the scalar's name, which may be unknown in the databases, but which they can be asked for."""


@dataclass(frozen=True, slots=True)
class Example:
    """A document and its variables as JSON, both as an editor shows them."""

    query: str
    variables: str = ""


def examples_of(schema: GatewaySchema) -> tuple[Example, ...]:
    """Return the examples of the schema's model, in the order of their names; one that is made where it has none."""
    model = schema.model
    return tuple(map(_read_example, model.examples)) or (_made_example(schema, model),)


def _read_example(document: Path) -> Example:
    variables = document.with_suffix(".json")
    return Example(document.read_text(), variables.read_text().strip() if variables.is_file() else "")


def _made_example(schema: GatewaySchema, model: Model) -> Example:
    roots = sorted(
        (root for root in roots_of(model).values() if (root.kind, root.is_list) in _ROOT_ORDER),
        key=lambda root: _ROOT_ORDER.index((root.kind, root.is_list)),
    )
    name, query = make_example_query(schema._schema, _with_keys(roots), _scoped_columns(model))
    root = next((root for root in roots if root.name == name), None)
    variables = _variables(root, model.objects[root.object_type].key) if root and root.kind is RootKind.KEY else ""
    lines = [f'# Made from the model "{model.name}". Run it with', "# Ctrl-Enter (Cmd-Enter on a Mac)."]
    if variables:
        lines.append("# Name keys of your own under Variables, below.")
    return Example("\n".join([*lines, query, ""]), variables)


def _with_keys(roots: Iterable[Root]) -> Mapping[str, Collection[str]]:
    return {root.name: (root.argument,) if root.kind is RootKind.KEY else () for root in roots}


def _scoped_columns(model: Model) -> frozenset[str]:
    """Return the coordinates of fields that need more than their object does: not every viewer may read them."""
    return frozenset(
        f"{each.name}.{camel(name)}"
        for each in model.objects.values()
        for name, scopes in each.field_scopes.items()
        if scopes
    )


def _variables(root: Root, key: Key) -> str:
    texts = _key_texts(key)
    return f'{{\n  "{root.argument}": {json.dumps(texts if root.is_list else texts[0])}\n}}'


def _key_texts(key: Key) -> list[str]:
    """Return texts that can be keys: several where they are numbers."""
    parts = [_KEY_TEXTS.get(scalar.name, ("a",)) for scalar in key.scalars]
    return [":".join(texts) for texts in zip(*parts, strict=False)]

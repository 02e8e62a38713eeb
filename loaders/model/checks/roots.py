"""Root fields: what the query type can be asked for."""

from __future__ import annotations

from loaders.model.class_reader import DeclaredField
from loaders.model.classes import Query
from loaders.model.declaration import ModelDeclaration, ModelParts
from loaders.model.names import is_graphql_name
from loaders.model.places import place_of_class
from loaders.model.problems import Problems, suggestion
from loaders.model.shapes import Cardinality, ValueKind


def check_roots(model: ModelDeclaration, parts: ModelParts, problems: Problems) -> None:
    """Check that the query type has root fields, and that the columns and arguments of these exist."""
    for cls in parts.classes(Query):
        if not parts.fields[cls]:
            problems.add(
                place_of_class(cls), cls.__name__, "has no field: declare at least one root field with m.by_key()."
            )
        for declared in parts.fields[cls]:
            _check_root(declared, model, parts, problems)


def _check_root(declared: DeclaredField, model: ModelDeclaration, parts: ModelParts, problems: Problems) -> None:
    word, shape = declared.word, declared.shape
    if word is None or shape is None:
        return
    argument = declared.given("argument", "")
    if argument and not is_graphql_name(argument):
        problems.add(declared.place, declared.subject, f"argument={argument!r} is no name of GraphQL.")
    column = declared.given("column", "")
    if word.name == "by_key" and column and shape.kind is ValueKind.OBJECT:
        columns = {one.given("column") or one.name: one for one in parts.fields.get(shape.type, ())}
        found = columns.get(column)
        if found is None or (found.word is not None and found.word.name not in ("key", "column")):
            hint = suggestion(column, columns)
            name = shape.type.__name__
            problems.add(declared.place, declared.subject, f"looks up by {column}, which is no column of {name}.{hint}")
    if word.name == "by_key" and shape.kind is ValueKind.NODE and (column or shape.cardinality is Cardinality.PAGE):
        problems.add(declared.place, declared.subject, "a node is looked up by its nodeId alone: leave out the column.")
    if word.name == "current" and model.tenant is None:
        problems.add(declared.place, declared.subject, "the model has no tenant: give Model(tenant=m.Tenant(…)).")

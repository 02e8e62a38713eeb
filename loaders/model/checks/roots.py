"""Root fields: what the query type can be asked for."""

from __future__ import annotations

from loaders.model.class_reader import DeclaredField
from loaders.model.classes import Query
from loaders.model.declaration import ModelDeclaration, ModelParts
from loaders.model.names import columns_in, is_graphql_name
from loaders.model.places import place_of_class
from loaders.model.problems import Problems, suggestion
from loaders.model.shapes import Cardinality, Shape, ValueKind


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
    argument = declared.option("argument", "")
    if argument and not is_graphql_name(argument):
        problems.add(declared.place, declared.subject, f"argument={argument!r} is no name of GraphQL.")
    column = declared.option("column", "")
    if word.name == "by_key" and column and shape.kind is ValueKind.OBJECT:
        _check_look_up(declared, shape, parts, problems)
    if word.name == "by_key" and shape.kind is ValueKind.NODE and (column or shape.cardinality is Cardinality.PAGE):
        problems.add(declared.place, declared.subject, "a node is looked up by its nodeId alone: leave out the column.")
    if word.name == "current" and model.tenant is None:
        problems.add(declared.place, declared.subject, "the model has no tenant: give Model(tenant=m.Tenant(…)).")


def _check_look_up(declared: DeclaredField, shape: Shape, parts: ModelParts, problems: Problems) -> None:
    """Check that a look-up is by columns that the object type declares, of types that a key may have."""
    fields = [field for field in parts.fields.get(shape.type, ()) if field.is_own_column]
    columns = {name: field for field in fields for name in columns_in(field.column_text)}
    names = columns_in(declared.option("column"))
    if not names:
        problems.add(declared.place, declared.subject, "the column is the name of a column, or several with commas.")
    for name in names:
        field = columns.get(name)
        scalar = field.shape.scalar if field is not None and field.shape is not None else None
        if field is None:
            message = f"looks up by {name}, which is no column of {shape.type.__name__}.{suggestion(name, columns)}"
            problems.add(declared.place, declared.subject, message)
        elif scalar is not None and (not scalar.can_be_key or (field.shape is not None and field.shape.is_list)):
            message = f"looks up by {name}, and {field.subject} is {field.shape}, which no text stands for in one way."
            problems.add(declared.place, declared.subject, message)

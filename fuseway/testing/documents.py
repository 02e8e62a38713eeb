"""Check documents against the schema of a model, without a database."""

from __future__ import annotations

from pathlib import Path

from graphql import GraphQLError, parse, validate
from graphql import build_schema as parse_schema

from gateway.schema import build_schema
from loaders.model.loading import load_model


def document_errors(model: str | Path, document: str) -> list[str]:
    """Return what is wrong with a document by the schema of a model, in the document's order; `[]` if nothing is.

    `model` is a module, or the path of a file. Raises ModelError with all mistakes of the model.
    """
    schema = parse_schema(build_schema(load_model(str(model))).as_str())
    try:
        return [error.message for error in validate(schema, parse(document))]
    except GraphQLError as error:
        return [error.message]

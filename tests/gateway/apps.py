"""Applications in the tests' own process, which share the types of their schemas."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from gateway.app import build_app, schema_of
from gateway.documents import Documents

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from gateway.schema import GatewaySchema
    from gateway.settings import Settings
    from loaders.model.model import Model

_SCHEMAS: dict[tuple[int, bool, bool], GatewaySchema] = {}
"""By the model's id, which is not used again as long as its schema is here, and by the settings that a schema has."""


def new_app(settings: Settings, model: Model) -> Starlette:
    """Build an application, whose schema is made once for all tests of a process: that takes a third of a second.

    The documents that it remembers are its own. Gateways without a secret open each other's cursors, unlike those of
    `build_app`; one with a secret has a schema of its own.
    """
    if settings.cursor_secret:
        return build_app(settings, model)
    key = (id(model), settings.introspection, settings.suggestions)
    if key not in _SCHEMAS:
        _SCHEMAS[key] = schema_of(settings, model)
    schema = copy(_SCHEMAS[key])
    schema.documents = Documents(schema._schema, introspection=settings.introspection, suggestions=settings.suggestions)
    return build_app(settings, model, schema)

"""Values of arguments: what a request says, else the default, which may be the tenant's own."""

from __future__ import annotations

from enum import Enum
from typing import Any

from loaders.model.arguments import Argument
from loaders.model.databases import Value
from loaders.model.scalars import SCALARS, TEXT, Scalar, enum_scalar
from loaders.statements.parameters import StatementScope
from loaders.statements.section_request import SectionRequest


def argument_scalar(argument: Argument[Any]) -> Scalar:
    """Return the scalar of an argument's type; text for a time zone."""
    if argument.type is None:
        return TEXT
    return enum_scalar(argument.type) if issubclass(argument.type, Enum) else SCALARS[argument.type]


def argument_value(argument: Argument[Any], request: SectionRequest, scope: StatementScope) -> Any:
    """Return the canonical value of an argument. Raises TypeError for a tenant's value that has not been read."""
    values = dict(request.arguments)
    if argument.name in values:
        return values[argument.name]
    if isinstance(argument.default, Value):
        return scope.tenant_value(argument.default)
    return default_value(argument)


def default_value(argument: Argument[Any]) -> Any:
    """Return the canonical form of a default that is no value of the tenant's."""
    (value,) = argument_scalar(argument).from_python([argument.default])
    return value


def picked_values(request: SectionRequest) -> dict[str, Any]:
    """Return the values of a request's enum arguments by name: these may choose SQL."""
    values = dict(request.arguments)
    return {
        argument.name: values.get(argument.name) or default_value(argument)
        for argument in request.section.arguments
        if argument.type is not None and issubclass(argument.type, Enum)
    }

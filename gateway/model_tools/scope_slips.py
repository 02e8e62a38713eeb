"""Scopes of a model that are probably misspelt: nobody has them, so that what needs them is refused to all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gateway.model_tools.warning_codes import WarningCode, warning
from loaders.model.problems import misspelled

if TYPE_CHECKING:
    from loaders.model.model import Model
    from loaders.model.places import Place
    from loaders.model.problems import Problem


def scope_slips(model: Model) -> list[Problem]:
    """Return a warning for each scope that stands in one place and is one letter away from another of the model."""
    uses = list(_uses(model))
    scopes = [scope for _, _, scope in uses]
    warnings: list[Problem] = []
    for place, subject, scope in uses:
        meant = misspelled(scope, [other for other in scopes if scopes.count(other) > 1])
        if meant and scopes.count(scope) == 1:
            message = f'the scope "{scope}" is used here alone. Did you mean "{meant}"?'
            warnings.append(warning(place, subject, message, WarningCode.SCOPE_MISSPELT))
    return warnings


def _uses(model: Model) -> Iterator[tuple[Place, str, str]]:
    """Yield place, subject and scope of each table and field that says a scope."""
    for table in model.tables:
        if table.options.scope:
            yield table.place, table.name, table.options.scope
    fields = [field for owner in model.objects.values() for field in owner.fields]
    fields += [field for group in model.groups.values() for field in group.fields]
    for field in fields:
        if field.option("scope"):
            yield field.place, field.subject, field.option("scope")

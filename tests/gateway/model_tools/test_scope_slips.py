"""Misspelt scopes of a model."""

from __future__ import annotations

from pathlib import Path

from gateway.model_tools.scope_slips import scope_slips
from loaders.model.problems import Severity
from tests.loaders.model.models import RIGHT, line_of, load


def test_a_scope_that_one_place_uses_and_is_close_to_another_is_a_warning(tmp_path: Path) -> None:
    (slip,) = scope_slips(load(tmp_path, RIGHT.replace('crm.table("app.orders", scope="order:read")', 'crm.table("app.orders", scope="order:raed")').replace('    name: str\n', '    name: str = m.column(scope="order:read")\n')))  # fmt: skip
    line = line_of("orders = crm")
    assert str(slip) == (
        f'model.py:{line}  app.orders: the scope "order:raed" is used here alone. Did you mean "order:read"?'
    )
    assert slip.severity is Severity.WARNING


def test_scopes_that_are_used_alone_or_are_close_and_used_often_are_none(tmp_path: Path) -> None:
    assert scope_slips(load(tmp_path, RIGHT)) == []
    assert scope_slips(load(tmp_path, RIGHT.replace('scope="event:read"', 'scope="order:rear"').replace('scope="account:read"', 'scope="order:rear"'))) == []  # fmt: skip

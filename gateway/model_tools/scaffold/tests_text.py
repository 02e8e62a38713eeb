"""The text of a scaffolded model's tests."""

from __future__ import annotations

_TEXT = '''"""Tests of the model {name}: it has no mistakes, and its examples are valid and answered."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fuseway.testing import document_errors, load_model

if TYPE_CHECKING:
    from fuseway.testing import Gateway

MODEL = Path(__file__).with_name("model.py")
EXAMPLES = sorted(MODEL.with_name("examples").glob("*.graphql"))
DATABASE = "FUSEWAY_TEST_{variable}"

pytest_plugins = ["fuseway.testing.plugin"]
pytestmark = pytest.mark.fuseway_model(str(MODEL))


def test_the_model_has_no_mistakes() -> None:
    assert load_model(str(MODEL)).name == "{name}"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_a_valid_query(example: Path) -> None:
    assert document_errors(MODEL, example.read_text()) == []


@pytest.mark.skipif(DATABASE not in os.environ, reason=f"{{DATABASE}} names no database")
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_answered(example: Path, gateway: Gateway) -> None:
    """Ask databases that exist and are only read, {tenant}."""
    variables = json.loads(example.with_suffix(".json").read_text())
    gateway.query(example.read_text(), variables{argument})
'''


def tests_text(name: str, variable: str, *, has_tenants: bool) -> str:
    """Return the module of tests of a model; `variable` is that of the URL of a database that it needs."""
    tenant = "as the tenant in FUSEWAY_TEST_TENANT" if has_tenants else "by their URLs"
    argument = ', tenant=os.environ["FUSEWAY_TEST_TENANT"]' if has_tenants else ""
    return _TEXT.format(name=name, variable=variable, tenant=tenant, argument=argument)

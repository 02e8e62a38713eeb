"""The text of a scaffolded model's tests."""

from __future__ import annotations

_TEXT = '''"""Tests of the model {name}: its mistakes are found here, and its examples are valid queries."""

from __future__ import annotations

from pathlib import Path

import pytest
from gateway.schema import build_schema
from graphql import build_schema as parse_schema
from graphql import parse, validate
from loaders.model.loading import load_model

FOLDER = Path(__file__).parent
EXAMPLES = sorted((FOLDER / "examples").glob("*.graphql"))


def test_the_model_has_no_mistakes() -> None:
    assert load_model(str(FOLDER / "model.py")).name == "{name}"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_a_valid_query(example: Path) -> None:
    schema = parse_schema(build_schema(load_model(str(FOLDER / "model.py"))).as_str())
    assert validate(schema, parse(example.read_text())) == []
'''


def tests_text(name: str) -> str:
    """Return the module of tests of a model of this name."""
    return _TEXT.format(name=name)

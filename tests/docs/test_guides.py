"""Follows the guides, each in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.steps import Reader

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", ["tenants-and-scopes"])
def test_a_guide_does_what_it_says(user: Reader, name: str) -> None:
    user.follow((DOCS / f"{name}.md").read_text())

"""Follows docs/quickstart.md."""

from __future__ import annotations

from pathlib import Path

from tests.docs.steps import Reader

PAGE = (Path(__file__).parents[2] / "docs" / "quickstart.md").read_text()


def test_the_page_does_what_it_says(reader: Reader) -> None:
    reader.follow(PAGE)

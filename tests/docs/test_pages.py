"""Answers that the documentation shows are the gateway's."""

import json
import re
from pathlib import Path

from deploy.fleet.document import page
from tests.asking import ask
from tests.conftest import Stores
from tests.fleet.served import MODEL

ROOT = Path(__file__).parents[2]


def test_the_page_of_sections_is_the_models() -> None:
    assert (ROOT / "docs" / "sections.md").read_text() == page()


async def test_the_readme_shows_a_real_answer(sample_stores: Stores) -> None:
    readme = (ROOT / "README.md").read_text()
    (query, *_), (answer, *_) = (
        re.findall(rf"```{language}\n(.*?)```", readme, flags=re.DOTALL) for language in ("graphql", "json")
    )
    asked = await ask(*sample_stores, query)
    assert asked.errors == []
    assert {"data": asked.data} == json.loads(answer)
    assert "**four for the query below" in readme
    assert asked.statements == 4


async def test_the_fleets_example_runs(sample_stores: Stores) -> None:
    (document,) = MODEL.examples
    asked = await ask(*sample_stores, document.read_text(), json.loads(document.with_suffix(".json").read_text()))
    assert asked.errors == []
    assert all(asked.data["aircraftByIds"])


def test_every_link_between_pages_leads_somewhere() -> None:
    for source in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", source.read_text()):
            assert (source.parent / target).exists(), f"{source.name} links to {target}"

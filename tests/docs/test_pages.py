"""Answers that the documentation shows are the gateway's."""

import json
import re
from pathlib import Path

from gateway.model_tools.docs.markdown import write_markdown
from gateway.model_tools.docs.page import page
from tests.asking import SCHEMA, ask
from tests.conftest import Stores
from tests.fleet.served import MODEL

ROOT = Path(__file__).parents[2]


def test_the_page_of_the_sample_fleet_is_the_models() -> None:
    assert (ROOT / "docs" / "sample-fleet.md").read_text() == write_markdown(page(SCHEMA)), "make schema writes it"


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


def _anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_between_pages_leads_somewhere() -> None:
    named = (
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "clients/python/README.md",
        "deploy/nginx/README.md",
        "deploy/chart/README.md",
    )
    for source in [*(ROOT / name for name in named), *(ROOT / "docs").glob("*.md")]:
        for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)", source.read_text()):
            page = (source.parent / target) if target else source
            assert page.exists(), f"{source.name} links to {target}"
            assert not anchor or anchor in _anchors(page), f"{source.name} links to {target}#{anchor}"


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    listed = re.findall(r"^ +- (?:[^:\n]+: )?(\S+\.md)$", (ROOT / "mkdocs.yml").read_text(), flags=re.MULTILINE)
    assert len(listed) == len(set(listed))
    pages = [path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"))]
    assert sorted(set(pages) - set(listed)) == []
    assert all((ROOT / name).exists() for name in listed)


def test_every_module_and_folder_that_a_page_names_is_there() -> None:
    folders = ("fuseway", "gateway", "resolvers", "loaders", "deploy", "tests")
    files = [path.relative_to(ROOT).as_posix() for folder in folders for path in (ROOT / folder).rglob("*.*")]
    checked = 0
    for name in ("architecture", "model-design", "adding-a-section", "caching"):
        page = (ROOT / "docs" / f"{name}.md").read_text()
        for named in re.findall(r"`([\w/]+\.py|[\w]+(?:/\w+)*/)`", page):
            checked += 1
            assert any(f"/{named}" in f"/{file}" for file in files), f"{name}: {named}"
    assert checked > 50


def test_the_words_of_the_glossary_are_classes() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    table = page.partition("| word | in the code | meaning |\n")[2].partition("\n\n")[0]
    words = {word for row in table.splitlines() for word in re.findall(r"`([A-Z]\w+)", row.split("|")[2])}
    packages = ("gateway", "resolvers", "loaders")
    code = "".join(path.read_text() for package in packages for path in (ROOT / package).rglob("*.py"))
    assert len(words) > 15
    assert [word for word in sorted(words) if f"\nclass {word}" not in code] == ["Aircraft"]

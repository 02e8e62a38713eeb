"""The documentation of a model says all that its schema and its declarations have, and lets no text out of its place."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    is_introspection_type,
    is_specified_scalar_type,
)
from markdown_it import MarkdownIt

from gateway.cli import main
from gateway.model_tools.docs.html import write_html
from gateway.model_tools.docs.markdown import write_markdown
from gateway.model_tools.docs.page import page
from gateway.schema import GatewaySchema, build_schema
from loaders.model.loading import load_model
from tests.gateway.model_tools.hostile import TEXT

FLEET, ANALYTICS, HOSTILE = "deploy.fleet.model", "deploy.analytics.model", "tests.gateway.model_tools.hostile"
SHOWN = TEXT.replace("`co|de`", "co|de")
"""The text as it is shown: backticks in a description make code."""


class Page(HTMLParser):
    """The text, the elements, the ids and the links of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, name: str) -> list[str]:
        """Return the values of an attribute, in order."""
        return [value for key, value in self.attributes if key == name]


def schema_of(model: str) -> GatewaySchema:
    """Return the schema of a model."""
    return build_schema(load_model(model))


def rendered(markdown: str) -> Page:
    """Return Markdown as a reader sees it."""
    return Page(MarkdownIt("gfm-like", {"linkify": False}).render(markdown))


@pytest.fixture(params=[FLEET, ANALYTICS, HOSTILE], scope="module")
def schema(request: pytest.FixtureRequest) -> GatewaySchema:
    """The schema of a model."""
    return schema_of(request.param)


def test_every_type_field_argument_and_value_of_the_schema_is_there(schema: GatewaySchema) -> None:
    text = write_markdown(page(schema))
    for name, declared in schema._schema.type_map.items():
        if is_introspection_type(declared) or is_specified_scalar_type(declared):
            continue
        heading = {"Query": "^## Queries$", "Mutation": "^## Mutations$"}.get(name, rf"^### {name}$|^\| `{name}` \|")
        assert re.search(heading, text, flags=re.MULTILINE), name
        if isinstance(declared, GraphQLEnumType):
            members = list(declared.values)
        elif isinstance(declared, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            members = list(declared.fields)
        else:
            continue
        assert all(f"| `{member}`" in text for member in members), name
        if isinstance(declared, GraphQLObjectType):
            arguments = [(field, each) for field, value in declared.fields.items() for each in value.args]
            assert all(f"| `{field}({each}:)` |" in text for field, each in arguments), name


def test_tables_scopes_and_settings_of_the_databases_are_there(schema: GatewaySchema) -> None:
    text = rendered(write_markdown(page(schema))).text
    for table in schema.model.tables:
        assert table.name in text
        assert table.database.variable in text
    for scope in schema.model.scopes:
        assert scope in text


def test_a_table_says_where_each_field_comes_from_what_it_needs_and_what_it_costs() -> None:
    text = write_markdown(page(schema_of(ANALYTICS)))
    for row in (
        "| `nickname` (deprecated) | `String` | Deprecated: Use label. | `nick` |  |",
        "| `email` | `String` |  | `email` | `pii:read` |",
        "| `label` | `String!` | Address and role. | `_label` of `email`, `role` | `pii:read` |",
        "| `slowShare` | `Float` | Slow events. Unit: share, 0 to 1. |"
        " `countIf(latency_ms >= {slowMs})` over `count(latency_ms)` |",
        "| `p95Latency` | `Float` | 95th percentile of the latency. Unit: ms. | percentile 0.95 of `latency_ms` |",
        "| `month` | `Date!` | Its first day. | each `toStartOfMonth(toTimeZone(sent_at, {timeZone}))` |",
        "| `activity(slowMs:)` | `Int` | `500` | From 1 to 60,000. |",
        "| `byProject(by:)` | [`Ranking`](#ranking) | `EVENTS` |  |",
        "| `EDITOR` | `editor-in-chief` |",
        "| `emailPrefix` | `String` | `email` begins with this | `pii:read` |",
        '| `EMAIL` | `email collate "C"`, nulls first | `pii:read` |',
        "| `activityRank` | 2 | 280 + 4.24 an object | 1 min / 10 min / 1 day |",
        "| `usage.byMonth` | 1 | 470 + 3.7 an object | 5 min / 1 hour / 1 day |",
    ):
        assert f"\n{row}\n" in text
    assert "Rows of `billing.plans` (postgresql crm), known by `id`. Tenant: the same rows for every tenant." in text
    assert "has no `workspace`, which names the tenant." in text


def test_functions_and_mutations_are_described() -> None:
    text = write_markdown(page(schema_of(HOSTILE)))
    module = HOSTILE
    for row in (
        f"| `length` | `Int!` |  | `{module}._length` of `id`, 3 points an object |  |",
        '| `length(unit:)` | `String` | `"<b>"` |  |',
        f"| `best` | [`Owner`](#owner) | An owner. | `{module}._best`, 2.5 points |",
        "| `rename` | [`Owner`](#owner) |",
        "| `rename(id:)` | `Int!` |  |",
        '| `rename(name:)` | `String!` | `"<b>"` |',
    ):
        assert f"\n{row}\n" in text


def test_bounds_are_said_where_a_model_has_its_own_words_for_an_argument() -> None:
    text = write_markdown(page(schema_of(FLEET)))
    assert re.search(r"\| `fleet\(first:\)` \| `Int` \| `50` \| [^|]*0 to 1,000\. \|", text)


@pytest.mark.slow
def test_pages_are_the_same_in_every_process() -> None:
    code = (
        "import sys; from gateway.cli import main; [main(['model', 'docs', '--model', name]) for name in sys.argv[1:]]"
    )
    command = [sys.executable, "-c", code, FLEET, ANALYTICS]
    texts = {
        subprocess.run(
            command, check=True, capture_output=True, text=True, env={**os.environ, "PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    assert len(texts) == 1
    text = texts.pop()
    assert len(text) > 20_000
    assert all(f"`{name}`" in text for name in ("Aircraft", "Workspace"))


def test_no_description_makes_an_element_or_a_link_of_the_html_page() -> None:
    html = Page(write_html(page(schema_of(HOSTILE))))
    assert {"script", "b", "i", "img", "strong", "em", "del"}.isdisjoint(html.tags)
    assert all(target.startswith("#") for target in html.values("href"))
    assert TEXT.replace("`", "") in html.text.replace("`", "")
    assert "<i>one|`one`</i>" in html.text


def test_no_description_makes_an_element_or_a_link_of_the_markdown_page() -> None:
    html = rendered(write_markdown(page(schema_of(HOSTILE))))
    assert {"script", "b", "i", "img", "strong", "em", "s", "del", "ol", "li"}.isdisjoint(html.tags)
    assert all(target.startswith("#") for target in html.values("href"))
    assert f"# {SHOWN}" in html.text
    assert f"1. {SHOWN}" in html.text
    assert html.text.count(SHOWN) == Page(write_html(page(schema_of(HOSTILE)))).text.count(SHOWN)
    assert "<i>one|`one`</i>" in html.text
    assert "count(*) filter (where name <> '</code>|``' || '')" in html.text


def test_both_pages_have_the_same_cells(schema: GatewaySchema) -> None:
    blocks = page(schema)
    cells = [sum(each.tags.count(tag) for tag in ("td", "th")) for each in _pages(schema)]
    assert cells[0] == cells[1] == sum(len(getattr(block, "head", ())) * (1 + _rows(block)) for block in blocks)


def _pages(schema: GatewaySchema) -> tuple[Page, Page]:
    blocks = page(schema)
    return rendered(write_markdown(blocks)), Page(write_html(blocks))


def _rows(block: object) -> int:
    return len(getattr(block, "rows", ()))


def test_every_link_leads_to_a_heading(schema: GatewaySchema) -> None:
    markdown, html = _pages(schema)
    ids = html.values("id")
    assert len(set(ids)) == len(ids)
    for each in (markdown, html):
        targets = {target.removeprefix("#") for target in each.values("href")}
        assert targets <= set(ids)
        assert targets


def test_the_html_page_needs_no_other_file(schema: GatewaySchema) -> None:
    html = Page(write_html(page(schema)))
    assert {"script", "link", "img", "iframe"}.isdisjoint(html.tags)
    assert html.values("src") == []


def test_a_type_that_is_named_as_a_heading_is_still_led_to(tmp_path: Path) -> None:
    (tmp_path / "scopes_model.py").write_text(
        "from __future__ import annotations\n\nimport fuseway as m\n\n"
        "db = m.Postgres()\n\n\n"
        'class Scopes(m.Object, table=db.table("public.scopes")):\n    id: int = m.key()\n\n\n'
        "class Query(m.Query):\n    scopes: Scopes | None = m.by_key()\n\n\n"
        'model = m.Model("scopes", query=Query, types=[Scopes])\n'
    )
    text = write_markdown(page(schema_of(str(tmp_path / "scopes_model.py"))))
    assert text.index("\n### Scopes\n") < text.index("\n## Scopes\n")
    assert "| `scopes` | [`Scopes`](#scopes) |" in text
    assert "No field needs a scope." in text


@pytest.mark.slow
def test_the_command_prints_the_page_or_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model", "docs", "--model", ANALYTICS]) == 0
    printed = capsys.readouterr().out
    assert printed == write_markdown(page(schema_of(ANALYTICS)))
    file = tmp_path / "model.html"
    assert main(["model", "docs", "--html", "--output", str(file), "--model", ANALYTICS]) == 0
    assert capsys.readouterr().out == ""
    assert file.read_text(encoding="utf-8") == write_html(page(schema_of(ANALYTICS)))


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "none" / "model.md"
    assert main(["model", "docs", "--output", str(file), "--model", ANALYTICS]) == 1
    assert capsys.readouterr().err.startswith(f"gateway: {file} cannot be written: ")

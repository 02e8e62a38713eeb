"""Numbers, names and defaults on the pages are those of the code."""

import ast
import inspect
import re
from dataclasses import fields
from pathlib import Path

import pytest

from deploy.fleet.tables import FLOWN, REGISTERED
from fuseway_client import Client, client
from fuseway_client.exchange import Exchange
from gateway import errors, export, persisted, warm
from gateway.auth import api_keys
from gateway.cli import _parser
from gateway.http import compression
from gateway.settings import Settings
from loaders import persisted_documents
from loaders.cache import invalidation, refresh_coalescer, shared
from loaders.objects import object_loader
from resolvers.scopes import Scope
from tests.docs.test_security import shown
from tests.fleet.served import ANALYSIS, MODEL, REGISTER

ROOT = Path(__file__).parents[2]
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text()
    for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "deploy").rglob("*.md")]
    if "node_modules" not in path.parts
}
API, SECURITY, CACHING = (PAGES[f"docs/{name}.md"] for name in ("api", "security", "caching"))
DEFAULTS = {item.metadata["variable"]: item.default for item in fields(Settings)}
CODE = re.compile(r"[A-Z]+(?:_[A-Z]+)+|[A-Z]{9,}")
FORMER = {item.metadata["former"] for item in fields(Settings)}
NO_CODES = {"TAIL_NUMBER", "FORWARDED_ALLOW_IPS", "GITHUB_ACTIONS", "SC_PHYS_PAGES", *DEFAULTS, *FORMER}
"""Constants of the gateway that look like a code."""


def test_every_code_of_an_error_is_documented_and_no_other() -> None:
    rows = re.findall(r"^\| (`[^|]+) \|", API.partition("| code | |\n")[2].partition("\n\n")[0], flags=re.MULTILINE)
    documented = {code for row in rows for code in re.findall(r"`([A-Z_]+)`", row)}
    files = [*(ROOT / "gateway").rglob("*.py"), *(ROOT / "resolvers").rglob("*.py")]
    constants = {
        node.value
        for file in files
        if "node_modules" not in file.parts
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert documented == {item for item in constants if CODE.fullmatch(item)} - NO_CODES
    assert len(documented) > 10


def test_the_scopes_on_the_page_of_security_are_all_there_are() -> None:
    table = SECURITY.partition("| scope | |\n")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `([^`]+)` \|", table, flags=re.MULTILINE) == [
        REGISTER,
        ANALYSIS,
        *(scope.value for scope in Scope),
    ]


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_of_a_page_is_one_and_has_the_default_that_it_states(page: str) -> None:
    text = PAGES[page]
    assert set(re.findall(r"`(GATEWAY_\w+)(?:=[^`]*)?`", text)) <= DEFAULTS.keys() | FORMER
    for variable, stated in re.findall(r"`(GATEWAY_\w+)` \(([^)]+)\)", text):
        assert stated == (shown(DEFAULTS[variable]) or "not set"), variable


def test_the_readme_lists_all_commands() -> None:
    (subcommands,) = (
        item for item in _parser()._actions if hasattr(item, "choices") and isinstance(item.choices, dict)
    )
    (listed,) = re.findall(r"^gateway (\w[^#\n]*\|[^#\n]*?) +#", PAGES["README.md"], flags=re.MULTILINE)
    assert sorted(listed.split(" | ")) == sorted(subcommands.choices or {})
    (targets,) = re.findall(r"^make (\w[^#\n]*\|[^#\n]*)$", PAGES["README.md"], flags=re.MULTILINE)
    phony = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert set(targets.split(" | ")) <= set(phony[0].split())


PROMISES = [
    ("README.md", r"all (\d+) sections of the analysis", len(MODEL.groups["Analysis"].fields)),
    ("docs/api.md", r"An answer has (\w+) errors in full", errors.MAX_ERRORS),
    ("docs/api.md", r"from ([\d,]+) bytes on", compression.MIN_BYTES),
    ("docs/api.md", r"Objects are loaded (\d+) at a time", export.BATCH),
    ("docs/api.md", r"a request is for ([\d,]+) different objects at most", object_loader.MAX_OBJECTS),
    ("docs/api.md", r"process knows (\d+) of them", persisted._MAX_DOCUMENTS),
    ("docs/api.md", r"Redis the ([\d,]+) that were used last", persisted_documents._MAX_DOCUMENTS),
    ("docs/api.md", r"as many as are (\d+) MiB together", persisted_documents._MAX_BYTES >> 20),
    ("docs/api.md", r"none has been used\s+for (\d+) days", persisted_documents._KEEP_S // 86_400),
    ("docs/api.md", r"or longer than (\d+) KiB", persisted._MAX_DOCUMENT_BYTES >> 10),
    ("docs/api.md", r"is refused (\w+) days after the last process", persisted_documents._TRUSTED_KEEP_S // 86_400),
    ("docs/security.md", r"Pages of at most ([\d,]+), by cursor", MODEL.bound_sections["Query.fleet"].max),
    ("docs/security.md", r"goes on for (\w+) minutes", api_keys._GRACE_S // 60),
    ("docs/caching.md", r"beyond ([\d,]+) sections of objects", shared.MAX_FIELDS),
    ("docs/caching.md", r"stale within (\d+) ms", refresh_coalescer._GATHER_S * 1_000),
    ("docs/caching.md", r"under a lease of (\w+) seconds", invalidation._LEASE_S),
    (
        "docs/caching.md",
        r"is `\$ids`\) for all objects of their type or those of a file, (\d+) at a time",
        warm.AT_ONCE,
    ),
    ("docs/caching.md", r"computed from flights \| (\d+) minutes", FLOWN.fresh_s / 60),
    ("docs/caching.md", r"computed from flights \|[^|]*\| (\d+) hour", FLOWN.stale_while_revalidate_s / 3_600),
    ("docs/caching.md", r"computed from flights \|[^|]*\|[^|]*\| (\d+) day", FLOWN.stale_if_error_s / 86_400),
    ("docs/caching.md", r"from the register \| (\d+) minute", REGISTERED.fresh_s / 60),
    ("docs/caching.md", r"from the register \|[^|]*\| (\d+) minutes", REGISTERED.stale_while_revalidate_s / 60),
    ("docs/caching.md", r"from the register \|[^|]*\|[^|]*\| (\d+) day", REGISTERED.stale_if_error_s / 86_400),
]
WORDS = {"three": 3, "five": 5}


@pytest.mark.parametrize(("page", "pattern", "value"), PROMISES)
def test_a_number_that_a_page_states_is_the_codes(page: str, pattern: str, value: float) -> None:
    (stated,) = re.findall(pattern.replace(" ", r"\s+"), PAGES[page])
    assert (WORDS[stated] if stated in WORDS else float(stated.replace(",", ""))) == value


def test_the_python_clients_page_states_its_defaults() -> None:
    page = (ROOT / "clients" / "python" / "README.md").read_text()
    defaults = {name: item.default for name, item in inspect.signature(Exchange.__init__).parameters.items()}
    stated = re.findall(r"^\| `(\w+)` \| ([\d.]+) \|", page, flags=re.MULTILINE)
    assert len(stated) == 4
    assert [(name, float(default)) for name, default in stated] == [(name, defaults[name]) for name, _ in stated]
    assert f"`page_size` is {client._PAGE_SIZE} unless told" in page
    assert inspect.signature(Client.pages).parameters["page_size"].default == client._PAGE_SIZE

"""Files of the chart that follow from others are up to date: `make chart` writes them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest
import yaml

from deploy.chart_tools import chart
from deploy.chart_tools.chart import CHART, EXAMPLES, ROOT, chart_files, default_values, schema, stray_copies
from deploy.chart_tools.values_schema import NAMED_URLS, SET_BY_THE_CHART, secret_variables
from gateway.settings import Settings

OPTIONAL = {"global", *(f"{group}resources.limits.ephemeral-storage" for group in ("", "jobs.", "probe."))}
"""Values without a default."""
VARIABLES = {item.metadata["variable"]: item for item in fields(Settings) if item.name != "named_urls"}


def _members(item: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each value that the schema knows, with its path."""
    for name, member in item.get("properties", {}).items():
        yield f"{prefix}{name}", member
        yield from _members(member, f"{prefix}{name}.")
        if isinstance(member.get("items"), dict):
            yield from _members(member["items"], f"{prefix}{name}[].")


def _paths(values: Any, prefix: str = "") -> Iterator[str]:
    for name, value in values.items():
        yield f"{prefix}{name}"
        if isinstance(value, dict):
            yield from _paths(value, f"{prefix}{name}.")


@pytest.mark.parametrize("path", chart_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_that_follows_from_others_is_up_to_date(path: Any) -> None:
    assert path.read_text() == chart_files()[path], "make chart writes it"


def test_no_copy_is_left_whose_original_is_gone() -> None:
    assert stray_copies() == [], "make chart removes it"


def test_a_changed_rule_and_a_removed_one_are_seen(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").write_text("groups: []\n")
    (tmp_path / "chart" / "files" / "rules").mkdir(parents=True)
    gone = tmp_path / "chart" / "files" / "rules" / "b.yaml"
    gone.write_text("groups: []\n")
    monkeypatch.setattr(chart, "ROOT", tmp_path)
    monkeypatch.setattr(chart, "CHART", tmp_path / "chart")
    monkeypatch.setattr(chart, "SHIPPED", (("rules", "*.yaml", "rules"),))

    assert chart.shipped_copies() == {tmp_path / "chart" / "files" / "rules" / "a.yaml": "groups: []\n"}
    assert stray_copies() == [gone]


def test_every_value_has_a_description() -> None:
    described = dict(_members(schema()))
    assert len(described) >= 200
    assert [path for path, item in described.items() if not item.get("description", "").endswith(".")] == []


def test_objects_of_the_schema_take_no_unknown_member() -> None:
    groups = [(path, item) for path, item in _members(schema()) if "properties" in item]
    assert [path for path, item in groups if item.get("additionalProperties") is not False] == []


def test_every_value_has_a_default_and_every_default_is_known() -> None:
    known = {path for path, _ in _members(schema()) if "[]" not in path}
    free = tuple(f"{path}." for path, item in _members(schema()) if isinstance(item.get("additionalProperties"), dict))
    settings = {path for path in known if path.startswith(("settings.", "secretSettings."))}
    defaults = {path for path in _paths(default_values()) if not path.startswith(free)}
    assert known - settings - defaults == OPTIONAL
    assert defaults - known == set()


def test_the_charts_defaults_of_settings_are_the_gateways() -> None:
    values = default_values()["settings"]
    differing = {name: value for name, value in values.items() if VARIABLES[name].default != value}
    assert differing == {"GATEWAY_HOST": "0.0.0.0"}


def test_settings_are_the_gateways_and_secrets_are_references() -> None:
    plain, secret = set(schema()["properties"]["settings"]["properties"]), set(secret_variables())
    assert plain | secret | SET_BY_THE_CHART >= set(VARIABLES)
    assert plain & secret == set()
    assert {"DATABASE_URL", "REDIS_URL", "GATEWAY_CURSOR_SECRET", "GATEWAY_JWT_SECRET"} <= secret


@pytest.mark.parametrize("name", ["DATABASE_CRM_URL", "DATABASE_CRM_DIRECT_URL", "CLICKHOUSE_WEB_URL"])
def test_urls_of_named_databases_are_read_by_the_gateway(name: str) -> None:
    assert Settings.from_environment({name: "x://y"}).named_urls == ((name, "x://y"),)
    assert re.fullmatch(NAMED_URLS, name)


def test_the_chart_has_the_packages_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    description = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (description["version"], description["appVersion"]) == (version, version)


def test_pods_run_as_the_images_user_and_on_its_port() -> None:
    dockerfile = (ROOT / "deploy" / "image" / "Dockerfile").read_text()
    user = default_values()["image"]["user"]
    assert f"\nUSER {user}:{user}\n" in dockerfile
    assert "\nEXPOSE 8000\n" in dockerfile
    assert '\nENTRYPOINT ["gateway"]\n' in dockerfile


def test_the_page_shows_the_keys_of_the_secret_that_the_least_values_name() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text()
    (block,) = re.findall(r"# secret\.env.*?```", page, flags=re.DOTALL)
    minimal = yaml.safe_load((EXAMPLES / "minimal.yaml").read_text())
    assert set(re.findall(r"^ *(\w+)=", block, flags=re.MULTILINE)) == set(minimal["secretSettings"])
    assert f"--tag {minimal['image']['repository']}:{minimal['image']['tag']}" in page

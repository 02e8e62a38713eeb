"""Defaults and choices in `--help` and in the texts of settings are those of the code."""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest
from graphql import GraphQLInterfaceType, GraphQLObjectType, get_named_type

from gateway.auth.viewer import anonymous
from gateway.cli import _parser, main
from gateway.commands.command import CommandParser
from gateway.commands.run import OPEN_DEFAULTS
from gateway.persisted import Persisted
from gateway.setting import SettingsError
from gateway.settings import Settings
from resolvers.scopes import Scope
from tests.asking import SCHEMA
from tests.fleet.served import ALL_SCOPES, FLEET_ACCESS

ABOUT = {item.name: item.metadata["about"] for item in fields(Settings)}
URLS = {"DATABASE_URL": "postgresql://x", "CLICKHOUSE_URL": "http://x", "REDIS_URL": "redis://x"}


def _commands(parser: argparse.ArgumentParser, name: str = "gateway") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    if isinstance(parser, CommandParser):
        parser.load()
    yield name, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below, item in action.choices.items():
                yield from _commands(item, f"{name} {below}")


COMMANDS = dict(_commands(_parser()))
OPTIONS = [
    pytest.param(parser, action, id=f"{name} {action.option_strings[0]}")
    for name, parser in COMMANDS.items()
    for action in parser._actions
    if action.option_strings and action.nargs != 0
]


@pytest.mark.parametrize(("parser", "action"), OPTIONS)
def test_an_option_says_what_happens_without_it(parser: argparse.ArgumentParser, action: argparse.Action) -> None:
    told = " ".join((action.help or "").split())
    if action.default in (None, []):
        assert "(without it: " in told
    else:
        assert told.endswith("(%(default)s)")
        assert f"({action.default})" in parser.format_help()


def test_every_command_has_a_help_of_its_own() -> None:
    assert len(COMMANDS) > 16
    for name, parser in COMMANDS.items():
        assert parser.description, name
        assert parser.format_help().startswith(f"usage: {name} "), name


@pytest.mark.parametrize(
    ("arguments", "imported"),
    [
        (["--help"], ["command"]),
        (["keys", "--help"], ["command", "keys"]),
        (["model", "docs", "--help"], ["command", "model", "model_docs"]),
    ],
)
def test_a_command_imports_no_other(arguments: list[str], imported: list[str]) -> None:
    shown = (
        "atexit.register(lambda: print(*sorted(name for name in sys.modules if name.startswith('gateway.commands.'))))"
    )
    code = f"import atexit, sys; {shown}; from gateway.cli import main; main({arguments})"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.startswith(f"usage: gateway {' '.join(arguments[:-1])}".rstrip())
    assert answer.stdout.splitlines()[-1].split() == [f"gateway.commands.{name}" for name in imported]


def test_to_invalidate_nothing_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["invalidate"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "gateway: Say what has changed: Type:key, --section, --table, --tenant or --everything.\n"


def test_the_settings_that_gateway_run_opens_say_so() -> None:
    assert {name for name, about in ABOUT.items() if "gateway run" in about} == OPEN_DEFAULTS.keys()
    opened = Settings.from_environment({}, defaults=OPEN_DEFAULTS)
    assert (opened.graphiql, opened.introspection, opened.suggestions) == (True, True, True)
    closed = Settings.from_environment({})
    assert (closed.graphiql, closed.introspection, closed.suggestions) == (False, False, False)
    everyone = anonymous(opened.anonymous, FLEET_ACCESS)
    assert everyone is not None
    assert everyone.scopes == ALL_SCOPES
    assert anonymous(closed.anonymous, FLEET_ACCESS) is None
    assert Settings.from_environment({"GATEWAY_GRAPHIQL": "false"}, defaults=OPEN_DEFAULTS).graphiql is False


def test_the_choices_of_anonymous_are_the_scopes() -> None:
    assert all(f"`{scope}`" in ABOUT["anonymous"] for scope in Scope)
    for scope in ALL_SCOPES:
        viewer = anonymous(scope, FLEET_ACCESS)
        assert viewer is not None
        assert viewer.scopes == {scope}


@pytest.mark.parametrize(
    ("name", "choices", "accept"),
    [
        ("log_level", ["critical", "error", "warning", "info", "debug"], lambda _settings: None),
        ("postgres_pooler", ["none", "session", "transaction"], lambda _settings: None),
        ("persisted", ["automatic", "trusted", "off"], Persisted.of),
    ],
)
def test_a_setting_names_its_choices_and_no_other_is_taken(name: str, choices: list[str], accept: Any) -> None:
    variable = next(item.metadata["variable"] for item in fields(Settings) if item.name == name)
    for choice in choices:
        assert choice in ABOUT[name]
        settings = Settings.from_environment({**URLS, variable: choice})
        assert getattr(settings, name) == choice
        if choice != "trusted":  # needs a manifest
            accept(settings)
    with pytest.raises(SettingsError) as raised:
        accept(Settings.from_environment({**URLS, variable: "another"}))
    assert all(choice in str(raised.value) for choice in choices)


def test_all_levels_of_a_schema_that_does_not_lead_back_are_allowed_by_default() -> None:
    query = SCHEMA._schema.query_type
    assert query is not None
    assert 2 < _levels(query) <= Settings().max_depth


def _levels(declared: Any) -> int:
    """Levels of fields of a type; no type of the schema leads back to itself."""
    named = get_named_type(declared)
    if isinstance(named, GraphQLInterfaceType):
        return max(_levels(item) for item in SCHEMA._schema.get_possible_types(named))
    if not isinstance(named, GraphQLObjectType):
        return 0
    return 1 + max(_levels(field.type) for field in named.fields.values())


def test_the_schema_states_the_default_of_the_ids_in_a_field() -> None:
    query = SCHEMA._schema.query_type
    assert query is not None
    about = query.fields["aircraftByIds"].args["ids"].description
    assert about == f"Tail numbers, at most {Settings().max_ids} by default."

"""The commands for API keys."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deploy.embedded.engines import StoreUrls
from gateway.auth.api_keys import KeyVerifier
from gateway.auth.viewer import ViewerLimits
from loaders.api_keys import ApiKeys
from tests.conftest import NewStores
from tests.fleet.served import FLEET_ACCESS
from tests.gateway.auth.conftest import added, id_of
from tests.gateway.command_line import CommandResult, run_command

Command = Callable[..., CommandResult]


@pytest.fixture
def gateway(key_stores: NewStores, store_urls: StoreUrls) -> Command:
    """Call it with a command's arguments and other settings."""
    urls = {
        "DATABASE_URL": key_stores.database_url,
        "CLICKHOUSE_URL": key_stores.clickhouse_url,
        "REDIS_URL": store_urls.redis_url,
    }

    def run(*arguments: str, **settings: str) -> CommandResult:
        return run_command(*arguments, environment=os.environ | urls | settings)

    return run


async def test_a_key_is_printed_once_and_is_good(gateway: Command, keys: ApiKeys) -> None:
    arguments = ["--scope", "export", "--scope", "register:read", "--scope", "export", "--ids-per-field", "9"]
    made = gateway("keys", "add", "nightly export", *arguments, "--cost-per-minute", "8", "--expires-in-days", "0.5")
    assert made.returncode == 0
    text = made.stdout.removesuffix("\n")
    assert text[17:] not in made.stderr
    assert id_of(text) in made.stderr
    viewer = await KeyVerifier(keys, 5, access=FLEET_ACCESS).viewer(text)
    assert (viewer.scope_key, viewer.limits) == ("export register:read", ViewerLimits(9, 8))
    listed = gateway("keys", "list")
    assert (listed.returncode, listed.stderr) == (0, "")
    header, *lines = listed.stdout.splitlines()
    assert header.split() == ["id", "name", "model", "tenant", "scopes", "created", "expires", "state"]
    (line,) = (line for line in lines if line.startswith(id_of(text)))
    assert line.split()[1:6] == ["nightly", "export", "fleet", "export", "register:read"], "without a tenant"
    assert line.endswith("  good")
    assert text[17:] not in listed.stdout


async def test_a_key_without_options_is_as_the_help_and_the_documentation_say(gateway: Command, keys: ApiKeys) -> None:
    text = gateway("keys", "add", "dashboard").stdout.strip()
    viewer = await KeyVerifier(keys, 5, access=FLEET_ACCESS).viewer(text)
    assert (viewer.scope_key, viewer.limits) == ("analysis:read register:read", ViewerLimits())
    (key,) = (await keys.by_id([id_of(text)])).values()
    assert key.expires_at is None
    told = " ".join(gateway("keys", "add", "--help").stdout.split())
    defaults = re.findall(r"(--[a-z-]+) [A-Z]+ [^()]*\(without it: ([^)]*)\)", told)
    assert dict(defaults) == {
        "--scope": "all of the model",
        "--tenant": "none",
        "--ids-per-field": "GATEWAY_MAX_IDS",
        "--cost-per-minute": "GATEWAY_RATE_COST_PER_MINUTE",
        "--expires-in-days": "never",
    }
    page = (Path(__file__).parents[3] / "docs" / "security.md").read_text()
    assert "of the sample fleet `register:read` and `analysis:read`." in page


async def test_a_revoked_key_is_listed_as_such_and_an_unknown_one_is_a_sentence(
    gateway: Command, keys: ApiKeys
) -> None:
    text = await added(keys)
    revoked = gateway("keys", "revoke", id_of(text))
    assert (revoked.returncode, revoked.stdout, revoked.stderr) == (0, f"revoked {id_of(text)}\n", "")
    (line,) = (line for line in gateway("keys", "list").stdout.splitlines() if line.startswith(id_of(text)))
    assert line.endswith("  revoked")
    unknown = gateway("keys", "revoke", text)
    sentence = "gateway: There is no key of this id: `gateway keys list` has all of them.\n"
    assert (unknown.returncode, unknown.stdout, unknown.stderr) == (1, "", sentence)


async def test_a_key_is_revoked_without_redis_and_that_is_said(gateway: Command, keys: ApiKeys) -> None:
    text = await added(keys)
    away = gateway("keys", "revoke", id_of(text), REDIS_URL="redis://127.0.0.1:1/0")
    assert (away.returncode, away.stdout) == (0, f"revoked {id_of(text)}\n")
    assert away.stderr == "Redis did not answer: gateways refuse it within GATEWAY_KEYS_CACHE_S seconds.\n"
    (key,) = (await keys.by_id([id_of(text)])).values()
    assert key.revoked_at is not None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["add", "a\nb"], "gateway: A key's name has 1 to 100 printable characters.\n"),
        (["add", ""], "gateway: A key's name has 1 to 100 printable characters.\n"),
        (["add", "x", "--ids-per-field", "0"], "gateway: --ids-per-field must be more than 0 and at most 10,000.\n"),
        (["add", "x", "--expires-in-days", "nan"], "gateway: --expires-in-days must be more than 0 and at most 36,500.\n"),
    ],
)  # fmt: skip
def test_a_key_that_cannot_be_is_one_sentence(gateway: Command, arguments: list[str], sentence: str) -> None:
    answer = gateway("keys", *arguments)
    assert (answer.returncode, answer.stdout, answer.stderr) == (1, "", sentence)


def test_a_scope_that_there_is_not_is_refused(gateway: Command) -> None:
    answer = gateway("keys", "add", "x", "--scope", "everything")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == (
        "gateway: --scope everything is no scope of the model fleet, which has analysis:read, explain, export,"
        " register:read, status.\n"
    )


def test_without_its_store_a_command_is_one_sentence_without_the_password(
    gateway: Command, key_stores: NewStores
) -> None:
    url = urlsplit(key_stores.database_url)._replace(netloc="gateway:sesame@127.0.0.1:1").geturl()
    answer = gateway("keys", "list", DATABASE_URL=url)
    assert (answer.returncode, len(answer.stderr.splitlines())) == (1, 1)
    assert "sesame" not in answer.stderr


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        (
            {"GATEWAY_ANONYMOUS": "maybe"},
            "GATEWAY_ANONYMOUS must be all, none, or some of analysis:read, explain, export, register:read, status, and is 'maybe'.",
        ),
        ({"GATEWAY_JWT_SECRET": "sesame", "GATEWAY_JWT_AUDIENCE": "a", "GATEWAY_JWT_ISSUER": "b"},
         "GATEWAY_JWT_SECRET must have 32 bytes at least."),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["serve", "run"])
def test_what_authentication_cannot_be_ends_the_start_with_a_sentence(
    gateway: Command, command: str, setting: dict[str, str], sentence: str
) -> None:
    answer = gateway(command, **setting)
    assert (answer.returncode, answer.stderr) == (1, f"gateway: {sentence}\n")

"""Settings: what the environment says, and one sentence where it cannot be."""

import ast
from dataclasses import fields
from pathlib import Path

import pytest

from gateway.setting import SettingsError
from gateway.settings import Settings, settings_table

ROOT = Path(__file__).parents[2]


def test_an_empty_environment_gives_the_defaults() -> None:
    assert Settings.from_environment({}) == Settings()
    assert Settings.from_environment({"GATEWAY_PORT": "  "}).port == 8000


def test_every_setting_is_read_from_its_variable() -> None:
    samples: dict[type, tuple[str, object]] = {
        str: ("debug", "debug"),
        int: ("7", 7),
        float: ("0.25", 0.25),
        bool: ("off", False),
    }
    chosen = {
        "database_url": "postgresql://x",
        "database_direct_url": "postgres://x",
        "clickhouse_url": "https://x",
        "redis_url": "rediss://x",
        "own_database_url": "postgresql://x",
        "own_database_direct_url": "postgresql://x",
        "postgres_pooler": "session",
        "log_format": "json",
        "log_requests": "failed",
    }
    for setting in fields(Settings):
        if setting.name == "named_urls":
            continue
        text, value = samples.get(type(setting.default), ("somewhere", Path("somewhere")))
        if setting.name in chosen:
            text, value = chosen[setting.name], chosen[setting.name]
        values = Settings.from_environment({setting.metadata["variable"]: text})
        assert getattr(values, setting.name) == value


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("GATEWAY_PORT", "http", "GATEWAY_PORT must be a whole number, and is 'http'."),
        ("GATEWAY_PORT", "0", "GATEWAY_PORT must be a whole number from 1 to 65,535, and is 0."),
        ("GATEWAY_PORT", "65536", "GATEWAY_PORT must be a whole number from 1 to 65,535, and is 65536."),
        ("GATEWAY_WORKERS", "1.5", "GATEWAY_WORKERS must be a whole number, and is '1.5'."),
        ("GATEWAY_STATEMENT_TIMEOUT_S", "nan", "GATEWAY_STATEMENT_TIMEOUT_S must be a number from 0.01 to 3,600, and is nan."),
        ("GATEWAY_STATEMENT_TIMEOUT_S", "soon", "GATEWAY_STATEMENT_TIMEOUT_S must be a number, and is 'soon'."),
        ("GATEWAY_GRAPHIQL", "maybe", "GATEWAY_GRAPHIQL must be true or false, and is 'maybe'."),
        ("REDIS_URL", "http://:secret@x", "REDIS_URL must look like redis://user:password@host:port/0."),
        ("REDIS_URL", "redis://:secret@x,y", "REDIS_URL names several hosts: write redis+sentinel:// or redis+cluster://."),
        ("REDIS_URL", "redis+sentinel://:secret@x:0,y/z", "REDIS_URL has a port that is not a number from 1 to 65535."),
        ("REDIS_URL", "rediss+cluster://:secret@x,y:z", "REDIS_URL has a port that is not a number from 1 to 65535."),
        ("DATABASE_DIRECT_URL", "mysql://u:secret@x", "DATABASE_DIRECT_URL must look like postgresql://user:password@host:port/name."),
        ("GATEWAY_POSTGRES_POOLER", "statement", "GATEWAY_POSTGRES_POOLER must be one of none, session, transaction, and is 'statement'."),
        ("GATEWAY_LOG_LEVEL", "loud", "GATEWAY_LOG_LEVEL must be one of critical, error, warning, info, debug, and is 'loud'."),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_is_one_sentence_that_names_the_setting(
    variable: str, value: str, sentence: str
) -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.from_environment({variable: value})
    assert str(raised.value) == sentence


@pytest.mark.parametrize(
    "text", ['"https://issuer.example"', "'https://issuer.example'", ' " https://issuer.example " ']
)
def test_quotes_around_a_value_are_left_out(text: str) -> None:
    assert Settings.from_environment({"GATEWAY_JWT_ISSUER": text}).jwt_issuer == "https://issuer.example"


@pytest.mark.parametrize("text", ["'", '"', "\"a'", "a'b'", "'a' 'b'"])
def test_other_quotes_are_part_of_a_value_and_all_of_a_secret(text: str) -> None:
    assert Settings.from_environment({"GATEWAY_JWT_ISSUER": text}).jwt_issuer == text
    assert Settings.from_environment({"GATEWAY_JWT_SECRET": f"'{text}'"}).jwt_secret == f"'{text}'"


@pytest.mark.parametrize(
    "url", ["unix:///x", "redis+sentinel://:p@x:1,y/z/0?socket_timeout=1", "rediss+cluster://x:1,[::1]:2,y"]
)
def test_redis_may_be_a_socket_or_several_servers(url: str) -> None:
    assert Settings.from_environment({"REDIS_URL": url}).redis_url == url


def test_each_postgresql_has_a_url_past_its_pooler() -> None:
    named = {"DATABASE_CRM_DIRECT_URL": "postgresql://crm", "DATABASE_DIRECT_URL": "postgresql://plain"}
    settings = Settings.from_environment(named)
    assert [settings.direct_url(f"DATABASE_{name}URL") for name in ("CRM_", "", "B_")] == [*named.values(), ""]


def test_the_urls_of_a_models_databases_are_read_by_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    named = {"DATABASE_CRM_URL": "postgresql://crm", "CLICKHOUSE_WEB_2_URL": "http://web", "DATABASE_EMPTY_URL": " "}
    settings = Settings.from_environment(
        {**named, "DATABASE_URL": "postgresql://x", "DATABASE_DIRECT_URL": "postgresql://y"}
    )
    assert settings.named_urls == (("CLICKHOUSE_WEB_2_URL", "http://web"), ("DATABASE_CRM_URL", "postgresql://crm"))
    assert [
        settings.url(name) for name in ("DATABASE_CRM_URL", "DATABASE_URL", "CLICKHOUSE_URL", "DATABASE_B_URL")
    ] == [
        "postgresql://crm",
        "postgresql://x",
        "",
        "",
    ]
    assert "postgresql://crm" not in repr(settings)
    for setting in fields(Settings):
        monkeypatch.setenv(setting.metadata["variable"], "")  # so that it is put back
    for name in named:
        monkeypatch.setenv(name, "")
    settings.export()
    assert Settings.from_environment() == settings


def test_a_setting_that_a_command_needs_is_named() -> None:
    Settings.from_environment({"REDIS_URL": "redis://x"}).require("redis_url")
    with pytest.raises(SettingsError, match="REDIS_URL is missing, and has no default"):
        Settings.from_environment({}).require("redis_url")


def test_exported_settings_are_read_back_by_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in fields(Settings):
        monkeypatch.setenv(setting.metadata["variable"], "")  # so that it is put back
    settings = Settings(port=4321, graphiql=True, database_url="postgresql://x", statement_timeout_s=0.5)
    settings.export()
    assert Settings.from_environment() == settings


def test_the_documented_table_is_the_codes() -> None:
    assert settings_table() in (ROOT / "docs" / "settings.md").read_text()


def _reads_the_environment(path: Path) -> bool:
    """Return whether code does, rather than a text that it writes."""
    nodes = ast.walk(ast.parse(path.read_text()))
    return any(isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv") for node in nodes)


def test_the_environment_is_read_in_one_place_alone() -> None:
    readers = [
        path.relative_to(ROOT).as_posix()
        for folder in ("gateway", "resolvers", "loaders")
        for path in (ROOT / folder).rglob("*.py")
        if _reads_the_environment(path)
    ]
    assert [reader for reader in readers if not reader.startswith("gateway/graphiql/")] == ["gateway/settings.py"]


def test_a_renamed_setting_is_still_read_by_its_former_name() -> None:
    former, both = {"GATEWAY_ANSWERS_MIB": "7"}, {"GATEWAY_ANSWERS_MIB": "7", "GATEWAY_RESPONSE_CACHE_MIB": "8"}
    assert Settings.from_environment(former).response_cache_mib == 7
    assert Settings.from_environment(both).response_cache_mib == 8
    assert Settings().warnings(former) == ["GATEWAY_ANSWERS_MIB is deprecated: set GATEWAY_RESPONSE_CACHE_MIB instead."]
    assert Settings().warnings(both) == [
        "GATEWAY_ANSWERS_MIB has no effect, since GATEWAY_RESPONSE_CACHE_MIB is set: remove it."
    ]
    assert Settings().warnings({"GATEWAY_RESPONSE_CACHE_MIB": "8"}) == []

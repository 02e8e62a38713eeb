"""Manifests of trusted documents: what is one, and what ends the start with a sentence."""

import json
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.persisted import Persisted, manifest
from gateway.setting import SettingsError
from gateway.settings import Settings


def test_a_manifest_is_apollos_or_relays(tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    operations = [{"id": "1", "name": "A", "type": "query", "body": "query A { a }"}, {"id": "2", "body": "{ b }"}]
    file.write_text(json.dumps({"format": "apollo-persisted-query-manifest", "version": 1, "operations": operations}))
    assert manifest(file) == {"1": "query A { a }", "2": "{ b }"}
    file.write_text(json.dumps({"1": "query A { a }"}))
    assert manifest(file) == {"1": "query A { a }"}


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("{", "cannot be read"),
        ("\udcff", "cannot be read"),
        ("[]", "is neither"),
        ('{"a": 1}', "is neither"),
        ("{}", "names no document"),
        ('{"format": "apollo-persisted-query-manifest", "version": 2, "operations": []}', 'must have "format"'),
        ('{"format": "another", "version": 1, "operations": []}', 'must have "format"'),
        ('{"format": "apollo-persisted-query-manifest", "version": 1, "operations": []}', "names no document"),
        ('{"format": "apollo-persisted-query-manifest", "version": 1, "operations": {}}', "operation 0"),
        (
            '{"format": "apollo-persisted-query-manifest", "version": 1, "operations": [{"id": 1, "body": "{ a }"}]}',
            "operation 0",
        ),
        (
            '{"format": "apollo-persisted-query-manifest", "version": 1,'
            ' "operations": [{"id": "1", "body": "{ a }"}, {"id": "1", "body": "{ b }"}]}',
            "two documents of the id '1'",
        ),
    ],
)
def test_a_manifest_that_cannot_be_is_one_sentence(tmp_path: Path, written: str, sentence: str) -> None:
    file = tmp_path / "manifest.json"
    file.write_bytes(written.encode(errors="surrogateescape"))
    with pytest.raises(SettingsError, match=f"GATEWAY_TRUSTED_DOCUMENTS: {file} .*{sentence}"):
        manifest(file)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"persisted": "some"}, "GATEWAY_PERSISTED must be automatic, trusted or off, and is 'some'."),
        ({"persisted": "trusted"}, "GATEWAY_PERSISTED=trusted needs a manifest"),
        ({"trusted_documents": "/nowhere"}, "GATEWAY_TRUSTED_DOCUMENTS: /nowhere cannot be read"),
    ],
)
def test_settings_that_cannot_be_are_one_sentence(settings: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        Persisted.of(Settings(**settings))  # type: ignore[arg-type]


@pytest.mark.parametrize("command", ["serve", "run"])
def test_a_bad_manifest_ends_the_start_with_a_sentence_before_anything_is_started(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str
) -> None:
    data = tmp_path / "data"
    nowhere = {"DATABASE_URL": "postgresql://127.0.0.1:1/x", "CLICKHOUSE_URL": "http://x", "REDIS_URL": "redis://x"}
    settings = {"GATEWAY_TRUSTED_DOCUMENTS": "/nowhere", "GATEWAY_DATA_DIRECTORY": str(data)}
    for variable, value in (nowhere | settings).items():
        monkeypatch.setenv(variable, value)
    assert main([command]) == 1
    assert capsys.readouterr().err.startswith("gateway: GATEWAY_TRUSTED_DOCUMENTS: /nowhere cannot be read")
    assert not data.exists()

"""A test that lacks a program is skipped with a sentence, and fails where nothing may be skipped."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deploy.programs import program


def test_a_program_is_returned_by_its_path() -> None:
    assert Path(program("sh")).is_absolute()


def test_a_missing_program_skips_the_test_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GATEWAY_TESTS_SKIP_NOTHING", raising=False)
    with pytest.raises(pytest.skip.Exception, match="nowhere is not installed: apt-get install some-package"):
        program("nowhere", "some-package")


def test_a_missing_program_fails_the_test_where_nothing_may_be_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_TESTS_SKIP_NOTHING", "1")
    with pytest.raises(pytest.fail.Exception, match="nowhere is not installed"):
        program("nowhere")

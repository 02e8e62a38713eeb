"""`gateway model pull` against the real engines."""

from __future__ import annotations

import pytest

from tests.gateway.model_tools.conftest import SAMPLE, OwnModel

Output = pytest.CaptureFixture[str]


async def test_the_first_pull_writes_the_lock_file_and_the_next_one_finds_it_current(
    own_model: OwnModel, capsys: Output
) -> None:
    assert await own_model.run("pull") == 0
    assert capsys.readouterr().out.endswith("model.lock is written.\n")
    assert own_model.lock.read_text() == SAMPLE.with_suffix(".lock").read_text()
    assert await own_model.run("pull", "--check") == 0
    assert capsys.readouterr().out == "model.lock is current.\n"


async def test_check_fails_where_the_lock_file_is_stale_or_missing_and_writes_nothing(
    own_model: OwnModel, capsys: Output
) -> None:
    assert await own_model.run("pull", "--check") == 1
    assert not own_model.lock.exists()
    await own_model.run("pull")
    before = own_model.lock.read_text()
    await own_model.stores.postgres.execute("alter table app.members add column phone text")
    capsys.readouterr()
    assert await own_model.run("pull", "--check") == 1
    assert "model.lock: is not what the databases have: run gateway model pull" in capsys.readouterr().out
    assert own_model.lock.read_text() == before
    assert await own_model.run("pull") == 0
    assert '"phone": {"type": "text", "is_nullable": true}' in own_model.lock.read_text()


async def test_what_has_changed_is_told_with_what_it_means_for_the_api(own_model: OwnModel, capsys: Output) -> None:
    await own_model.run("pull")
    await own_model.stores.postgres.execute("alter table app.members drop column nick, add column phone text")
    await own_model.stores.postgres.execute("drop index billing.invoices_by_member")
    capsys.readouterr()
    assert await own_model.run("pull", "--check") == 1
    told = capsys.readouterr().out.splitlines()
    assert told[:4] == [
        "breaking   app.members.nick: is gone, and read by Member.nickname.",
        "dangerous  billing.invoices: lost the index invoices_by_member (workspace_id, member_id, issued_at, id):"
        " requests may read more rows.",
        "safe       app.members.phone: is new (text): it is not in the API until the model names it.",
        "3 changes: 1 breaking, 1 dangerous, 1 safe",
    ]
    assert await own_model.run("pull") == 1  # a breaking change
    assert capsys.readouterr().out.splitlines() == [*told[:4], "model.lock is written."]
    assert await own_model.run("pull") == 0
    assert await own_model.run("check") == 1
    assert 'Member.nickname: app.members has no column "nick".' in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"<<<<<<< HEAD", b"\xff\xfe", b'{"format": 1, "databases": 5}'])
async def test_a_lock_file_that_is_none_such_as_one_with_the_marks_of_a_merge_is_written_anew(
    content: bytes, own_model: OwnModel, capsys: Output
) -> None:
    own_model.lock.write_bytes(content)
    assert await own_model.run("pull") == 0
    assert capsys.readouterr().out == "model.lock is written.\n"


async def test_a_table_that_is_not_there_is_a_problem_at_its_line(own_model: OwnModel, capsys: Output) -> None:
    await own_model.stores.postgres.execute("drop table billing.invoice_lines")
    assert await own_model.run("pull") == 1
    told = capsys.readouterr().out
    assert "model.py:25  billing.invoice_lines: DATABASE_CRM_URL leads to no such table" in told


async def test_a_database_that_is_away_is_status_2(
    own_model: OwnModel, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLICKHOUSE_WEB_URL", "http://127.0.0.1:9/x")
    assert await own_model.run("pull") == 2
    assert "ClickHouse at 127.0.0.1:9" in capsys.readouterr().err
    assert not own_model.lock.exists()

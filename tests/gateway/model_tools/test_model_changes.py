"""Changes between two revisions of a model, and what they mean for its API."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.model_tools.changes import Change, Level, change_annotation, change_json, change_text, changes_summary
from gateway.model_tools.model_changes import model_changes
from gateway.model_tools.snapshot import Snapshot, snapshot_of
from loaders.model.loading import load_model

TEXT = Path("deploy/analytics/model.py").read_text()
BREAKING, DANGEROUS, SAFE = Level.BREAKING, Level.DANGEROUS, Level.SAFE


def snapshot(folder: Path, *edits: tuple[str, str]) -> Snapshot:
    """The snapshot of the sample with edits."""
    text = TEXT
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new)
    folder.mkdir(parents=True)
    (folder / "model.py").write_text(text)
    return snapshot_of(load_model(str(folder / "model.py")))


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (("    time_zone: str = m.column(description=\"IANA name of the zone that its periods are in.\")\n", ""), Change(BREAKING, "", "Field Workspace.timeZone was removed.")),
        (("note: str | None", "note: str"), Change(SAFE, "", "Field Invoice.note changed type from String to String!.")),
        (("    note: str | None\n", "    note: str | None\n    memo: str | None\n"), Change(SAFE, "", "Field Invoice.memo was added.")),
        (('GUEST, EDITOR, OWNER = "guest", "editor-in-chief", "owner"', 'GUEST, EDITOR, OWNER, BOT = "guest", "editor-in-chief", "owner", "bot"'), Change(DANGEROUS, "", "Enum value Role.BOT was added.")),
        (('scope="member:read"', 'scope="member:all"'), Change(BREAKING, "Member", "needs the scope member:all, in the place of member:read.")),
        (('m.column(scope="pii:read")', "m.column()"), Change(DANGEROUS, "Member.email", "no longer needs the scope pii:read.")),
        (("budget: Decimal | None = m.column(\"Budget\",", "budget: Decimal | None = m.column(\"Budget\", scope=\"money:read\","), Change(BREAKING, "Project.budget", "needs the scope money:read.")),
        (('claim="workspace"', 'claim="space"'), Change(BREAKING, "Model.tenant", "was of workspace, UUID, and is of space, UUID: tokens and API keys name it.")),
        (('crm.table("app.project_members", ', 'crm.table("app.project_members", tenant=m.everyones, '), Change(BREAKING, "DATABASE_CRM_URL app.project_members", "its rows were those of the tenant in workspace_id, and are those of everyone.")),
        (("m.Freshness(fresh_s=300,", "m.Freshness(fresh_s=900,"), Change(DANGEROUS, "CLICKHOUSE_WEB_URL events", "what is read of it is fresh, may be stale, and may be stale after errors for 900 / 3,600 / 86,400 s; it was 300 / 3,600 / 86,400 s.")),
        (("m.Freshness(fresh_s=300,", "m.Freshness(fresh_s=30,"), Change(SAFE, "CLICKHOUSE_WEB_URL events", "what is read of it is fresh, may be stale, and may be stale after errors for 30 / 3,600 / 86,400 s; it was 300 / 3,600 / 86,400 s.")),
        (('scope="analysis:read", freshness=EVENTS', 'scope="analysis:read"'), Change(SAFE, "CLICKHOUSE_WEB_URL events", "what is read of it was cached, and no longer is.")),
        (('order="sent_at desc", first=10', 'order="sent_at desc", first=10, usual=90'), Change(DANGEROUS, "Member.recentEvents", "costs more: it is priced for 90, and was for 10.")),
    ],
)  # fmt: skip
def test_a_change_of_a_model_is_one_of_its_api(edit: tuple[str, str], expected: Change, tmp_path: Path) -> None:
    old, new = snapshot(tmp_path / "old"), snapshot(tmp_path / "new", edit)
    changes = model_changes(old, new)
    assert expected in changes, changes
    assert changes == sorted(changes)


TWO = """
import fuseway as m
first, second = m.Postgres(), m.Postgres("other")
shop = m.Tenant(claim="shop", column="shop_id", type=int)
things = first.table("shop.things"{first})
others = second.table("shop.things"{second})

class Thing(m.Object, table=things):
    id: int = m.key()

class Other(m.Object, table=others):
    id: int = m.key()

class Query(m.Query):
    thing: Thing | None = m.by_key()
    other: Other | None = m.by_key()

model = m.Model("shop", query=Query, types=[Thing, Other], tenant=shop)
"""


def two(folder: Path, first: str = "", second: str = "") -> Snapshot:
    """The snapshot of a model with tables of one name in two databases."""
    folder.mkdir()
    (folder / "model.py").write_text(TWO.format(first=first, second=second))
    return snapshot_of(load_model(str(folder / "model.py")))


@pytest.mark.parametrize("name", ["first", "second"])
def test_tables_of_one_name_in_two_databases_are_told_apart(name: str, tmp_path: Path) -> None:
    options = {name: ", tenant=m.everyones, rows=9"}
    changes = model_changes(
        two(tmp_path / "old", first=", rows=5", second=", rows=5"), two(tmp_path / "new", **options)
    )
    variable = {"first": "DATABASE_URL", "second": "DATABASE_OTHER_URL"}[name]
    assert [(change.level, change.subject, change.message) for change in changes] == [
        (
            BREAKING,
            f"{variable} shop.things",
            "its rows were those of the tenant in shop_id, and are those of everyone.",
        ),
        (DANGEROUS, f"{variable} shop.things", "costs more: it is priced for 9, and was for 5."),
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (', time="day"', "its time was hour, and is day: answers may differ."),
        (', time="hour", zone="UTC"', "its zone was not said, and is UTC: answers may differ."),
        (', time="hour", latest="version"', "its latest was not said, and is version: answers may differ."),
    ],
)
def test_what_chooses_the_rows_of_a_table_is_dangerous(options: str, message: str, tmp_path: Path) -> None:
    changes = model_changes(two(tmp_path / "old", second=', time="hour"'), two(tmp_path / "new", second=options))
    assert changes == [Change(DANGEROUS, "DATABASE_OTHER_URL shop.things", message)]


def test_the_same_model_has_no_change(tmp_path: Path) -> None:
    same = snapshot(tmp_path / "new", ("Somebody who works in a workspace.", "Somebody who works in a workspace."))
    assert model_changes(snapshot(tmp_path / "old"), same) == []


def test_a_change_is_a_line_an_object_and_an_annotation() -> None:
    change = Change(BREAKING, "Member.email", "needs a, b.")
    assert change_text(change) == "breaking   Member.email: needs a, b."
    assert change_json(change) == {"level": "breaking", "subject": "Member.email", "message": "needs a, b."}
    assert change_annotation(change) == "::error title=Member.email::needs a, b."
    assert changes_summary([change, change, Change(SAFE, "x", "y")]) == "3 changes: 2 breaking, 1 safe"
    assert changes_summary([]) == ""

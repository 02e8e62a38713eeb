"""Wrong models over catalogs, and right models over wrong ones: each mistake has its line, both sides and a remedy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.model_tools.checks import catalog_problems
from gateway.model_tools.problem_texts import problem_text
from loaders.catalog.catalog import Column, DatabaseCatalog, Index, TableCatalog
from loaders.catalog.lock_file import lock_path, read_lock
from loaders.model.loading import load_model
from loaders.model.problems import Problem, Severity

SAMPLE = Path("deploy/analytics/model.py")
TEXT = SAMPLE.read_text()

Change = Callable[[TableCatalog], TableCatalog | None]


def column(name: str, type_: str, **others: bool | str | tuple[str, ...]) -> Change:
    """A change of one column, or one more."""
    return lambda table: replace(table, columns={**table.columns, name: Column(name, type_, **others)})  # type: ignore[arg-type]


def without(name: str) -> Change:
    """A table without a column."""
    return lambda table: replace(table, columns={key: each for key, each in table.columns.items() if key != name})


def catalogs(changes: dict[str, Change]) -> list[DatabaseCatalog]:
    """The sample's catalogs with changed tables; None for one that is not there."""
    read = read_lock(SAMPLE.with_suffix(".lock"))
    assert read is not None
    result = []
    for catalog in read:
        tables = {name: changes[name](table) if name in changes else table for name, table in catalog.tables.items()}
        result.append(replace(catalog, tables={name: table for name, table in tables.items() if table is not None}))
    return result


def changed_problems(
    folder: Path, replaced: Sequence[tuple[str, str]] = (), changes: dict[str, Change] | None = None
) -> list[Problem]:
    """The problems of a changed sample that it does not have otherwise."""
    text = TEXT
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new, 1)
    (folder / "model.py").write_text(text)
    usual = {(each.subject, each.message) for each in catalog_problems(load_model(str(SAMPLE)), catalogs({}))}
    problems = catalog_problems(load_model(str(folder / "model.py")), catalogs(changes or {}))
    return [each for each in problems if (each.subject, each.message) not in usual]


ERROR, WARNING = Severity.ERROR, Severity.WARNING
CASES: dict[str, tuple[Sequence[tuple[str, str]], dict[str, Change], Severity, str]] = {
    "a table that is not there": ([("app.members", "app.membrs")], {}, ERROR, 'app.membrs: is not in the lock file: run gateway model pull where it is newer than the file. Otherwise its database has no such table, or none that the account may read. Did you mean "app.members"?'),
    "a column that is not there": ([('m.column("nick"', 'm.column("nik"')], {}, ERROR, 'Member.nickname: app.members has no column "nik". Did you mean "nick"?'),
    "a table without the tenant": ([], {"app.Projects": without("workspace_id")}, ERROR, 'app."Projects": has no workspace_id, the tenant\'s column. Say tenant=<parent>.via(…) or tenant=m.everyones.'),
    "a tenant's column of its own that is not there": ([("crm.table('app.\"Projects\"'", "crm.table('app.\"Projects\"', tenant='workspace'")], {}, ERROR, 'app."Projects": app."Projects" has no column "workspace". Did you mean "workspace_id"?'),
    "a tenant of another type": ([], {"events": column("workspace_id", "String")}, ERROR, "events: workspace_id is String, and the model's tenant UUID: no row meets it."),
    "a parent's column that is not there": ([], {"billing.invoice_lines": without("invoice_id")}, ERROR, 'billing.invoice_lines: billing.invoice_lines has no column "invoice_id".'),
    "a time column that is not there": ([('time="sent_at"', 'time="send_at"')], {}, ERROR, 'events: events has no column "send_at". Did you mean "sent_at"?'),
    "dates with a zone": ([], {"events": column("sent_at", "Date")}, ERROR, "events: time='sent_at' is Date, and with zone= periods compare instants: name a column of dates, or leave out zone=."),
    "instants without a zone": ([('time="sent_at", zone=workspaces.value("time_zone")', 'time="sent_at"')], {}, ERROR, "events: time='sent_at' is DateTime64(6, 'UTC'), and without zone= periods compare calendar dates: say zone=…."),
    "a time column of texts": ([('time="sent_at"', 'time="kind"')], {}, ERROR, "events: time='kind' is LowCardinality(String), and with zone= periods compare instants: name another column."),
    "a zone's column that is not there": ([('zone=workspaces.value("time_zone")', 'zone=workspaces.value("timezone")')], {}, ERROR, 'events: app.workspaces has no column "timezone". Did you mean "time_zone"?'),
    "versions that are read": ([], {"events": lambda table: replace(table, engine="ReplacingMergeTree")}, WARNING, "events: is a ReplacingMergeTree, whose older versions of a row are read until they are merged: say latest=…"),
    "a decimal as a float": ([("total: Decimal = m.column(", "total: float = m.column("), ("at_most: Decimal", "at_most: float"), ("total: Decimal = m.between", "total: float = m.between")], {}, WARNING, "Invoice.total: total is numeric(20,6), and a float has some 15 digits: say Decimal."),
    "64 bits as 32": ([("class Invoice(m.Object, table=invoices):\n    \"\"\"An invoice.\"\"\"\n\n    id: m.BigInt", "class Invoice(m.Object, table=invoices):\n    \"\"\"An invoice.\"\"\"\n\n    id: int")], {}, WARNING, "Invoice.id: id is bigint, and values of more than 32 bits are errors: say m.BigInt."),
    "another type": ([("joined_on: dt.date", "joined_on: dt.datetime")], {}, ERROR, "Member.joined_on: joined_on is date, which DateTime cannot read: say dt.date."),
    "a time without a zone": ([], {"billing.invoices": column("issued_at", "timestamp(3) without time zone")}, ERROR, "Invoice.issued_at: issued_at is timestamp without time zone, which is no instant: change it to timestamptz"),
    "a type that nothing reads": ([], {"billing.invoices": column("note", "interval", is_nullable=True)}, ERROR, "Invoice.note: note is interval, which no scalar reads"),
    "an array as one value": ([], {"app.members": column("nick", "text[]", is_nullable=True)}, ERROR, "Member.nickname: nick is text[], an array: say list[…]."),
    "one value as an array": ([("nickname: str | None =", "nickname: list[str] | None =")], {}, ERROR, "Member.nickname: nick is text, one value: leave out list[…]."),
    "a null that is not said": ([("note: str | None", "note: str")], {}, WARNING, "Invoice.note: note may be null in billing.invoices, and a null fails the object: say str | None."),
    "a label that the enum lacks": ([], {"app.members": column("role", "app.role", labels=("guest", "editor-in-chief", "owner", "robot"))}, ERROR, 'Member.role: role has labels that Role lacks, which are errors: add "robot".'),
    "a label that no row has": ([], {"app.members": column("role", "app.role", labels=("guest", "owner"))}, WARNING, 'Member.role: role has no label "editor-in-chief" of Role: no row ever has it.'),
    "an enum over numbers": ([], {"app.members": column("role", "integer")}, ERROR, "Member.role: role is integer, which no enum reads: say int."),
    "a link's column that is not there": ([("plan: Plan | None = m.one(\"plan_id\")", "plan: Plan | None = m.one(\"plan\")")], {}, ERROR, 'Invoice.plan: billing.invoices has no column "plan". Did you mean "plan_id"?'),
    "a link by another type": ([], {"billing.invoices": column("plan_id", "text")}, ERROR, "Invoice.plan: plan_id is text, which Int cannot read: say str. Plan's key is Int."),
    "a list's column that is not there": ([('m.many("invoice_id", order="line_no"', 'm.many("invoiceid", order="line_no"')], {}, ERROR, 'Invoice.lines: billing.invoice_lines has no column "invoiceid". Did you mean "invoice_id"?'),
    "keys that never meet": ([], {"events": column("member_id", "String")}, ERROR, "Member.activity: member_id of events is String, and Member's key id is UUID: they never meet."),
    "a relation's column that is not there": ([('"member_id", "project_id", order=ProjectOrder', '"memberid", "project_id", order=ProjectOrder')], {}, ERROR, 'Member.projects: app.project_members has no column "memberid". Did you mean "member_id"?'),
    "a key that several rows have": ([], {"app.members": lambda table: replace(table, unique=(("workspace_id", "email"),))}, ERROR, "Member: its key is id, and no unique key of app.members says that one row alone has it"),
    "a look-up that is not unique": ([], {"app.members": lambda table: replace(table, unique=(("workspace_id", "id"),))}, ERROR, "Query.member_by_email: is looked up by email, and no unique key of app.members says that one row alone has it"),
    "a single row that is not unique": ([("class Billing(m.Section, over=invoices)", "class Billing(m.Section, over=invoices, single=True)")], {}, ERROR, "Member.billing: has one row by single=True for each member_id, and no unique key of billing.invoices says"),
    "a filter's column that is not there": ([('m.one_of("plan_id")', 'm.one_of("planid")')], {}, ERROR, 'InvoiceFilter.plan: billing.invoices has no column "planid". Did you mean "plan_id"?'),
    "a filter of another type": ([], {"billing.invoices": column("plan_id", "text")}, ERROR, "InvoiceFilter.plan: plan_id of billing.invoices is text, which cannot be compared with Int."),
    "an order's column that is not there": ([], {"app.Projects": without("Budget")}, ERROR, 'ProjectOrder.budget: app."Projects" has no column "Budget".'),
    "a section's column that is not there": ([('m.sql("sum(bytes)"', 'm.sql("sum(byte)"')], {}, ERROR, 'Activity.bytes_sent: events has no column "byte". Did you mean "bytes"?'),
    "a condition's column that is not there": ([("kind != 'heartbeat'", "kin != 'heartbeat'")], {}, ERROR, 'ActivityMonth: where: events has no column "kin". Did you mean "kind"?'),
    "a filter's expression with an unknown column": ([("(note is not null) =", "(notes is not null) =")], {}, ERROR, 'InvoiceFilter.has_note: billing.invoices has no column "notes". Did you mean "note"?'),
    "a sum of large numbers in 32 bits": ([('bytes_sent: m.BigInt = m.sql("sum(bytes)"', 'bytes_sent: int = m.sql("sum(bytes)"')], {}, WARNING, "Activity.bytes_sent: sums bytes, which is UInt64, and Int has 32 bits: say m.BigInt."),
    "a count of very many": ([('actions: m.BigInt = m.sql("count()", "Events sent."', 'actions: int = m.sql("count()", "Events sent."')], {"events": lambda table: replace(table, rows=3_000_000_000)}, WARNING, "Activity.actions: counts rows of events, of which there are more than Int can hold: say m.BigInt."),
    "a list without an index": ([], {"billing.invoices": lambda table: replace(table, indexes=table.indexes[1:])}, WARNING, "Member.invoices: no index of billing.invoices begins with member_id or (workspace_id, member_id): each request reads the whole table."),
    "an index of some rows": ([], {"billing.invoices": lambda table: replace(table, indexes=(replace(table.indexes[0], condition="total > 5::numeric"), *table.indexes[1:]))}, WARNING, "Member.invoices: no index of billing.invoices begins with member_id"),
    "a section without an index": ([], {"billing.invoices": lambda table: replace(table, indexes=table.indexes[1:])}, WARNING, "Member.billing: no index of billing.invoices begins with member_id"),
    "a relation without an index": ([], {"app.project_members": lambda table: replace(table, indexes=())}, WARNING, "Member.projects: no index of app.project_members begins with member_id"),
    "a prefix without an index": ([("m.prefix(\"email\")", "m.prefix(\"nick\")")], {}, WARNING, "MemberFilter.email_prefix: no index of app.members begins with workspace_id and nick text_pattern_ops, so that this condition reads each row."),
    "a sorting key of something else": ([], {"events": lambda table: replace(table, sorting_key=("sent_at", "member_id"))}, WARNING, "Member.activity: events is sorted by (sent_at, member_id), so that one Member reads every granule. Sort it by (workspace_id, member_id, …)"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_mistake_has_its_message(
    case: tuple[Sequence[tuple[str, str]], dict[str, Change], Severity, str], tmp_path: Path
) -> None:
    replaced, changes, severity, expected = case
    problems = [
        each
        for each in changed_problems(tmp_path, replaced, changes)
        if f"{each.subject}: {each.message}".startswith(expected)
    ]
    assert problems, [f"{each.subject}: {each.message}" for each in changed_problems(tmp_path, replaced, changes)]
    assert problems[0].severity is severity
    assert problems[0].place.line > 0


def test_the_samples_have_no_error_and_known_warnings() -> None:
    fleet, analytics = (load_model(f"deploy.{name}.model") for name in ("fleet", "analytics"))
    of_fleet, of_analytics = (catalog_problems(each, read_lock(lock_path(each)) or []) for each in (fleet, analytics))
    assert {each.severity for each in (*of_fleet, *of_analytics)} == {WARNING}
    assert [each.subject for each in of_fleet] == ["FleetFilter.seats", "FleetFilter.year"]
    assert [each.subject for each in of_analytics] == [
        "MemberFilter.role", "MemberFilter.tag", "MemberOrder.joined_on", "MemberOrder.email", "MemberOrder.role", "Project.activity",
    ]  # fmt: skip


def test_an_index_to_copy_begins_with_the_tenant_and_the_key_and_is_in_the_order(tmp_path: Path) -> None:
    def without_index(table: TableCatalog) -> TableCatalog:
        return replace(table, indexes=table.indexes[1:], rows=41_200_000)

    problems = {each.subject: each for each in changed_problems(tmp_path, changes={"billing.invoices": without_index})}
    assert problems["Member.invoices"].ddl == (
        "create index concurrently on billing.invoices (workspace_id, member_id, issued_at desc, id desc);"
    )
    assert problems["Member.billing"].ddl == "create index concurrently on billing.invoices (workspace_id, member_id);"
    assert (
        problem_text(problems["Member.invoices"])
        .splitlines()[0]
        .endswith(" A request reads about 41 M rows.  [missing-index]")
    )


def test_an_index_of_an_order_has_nulls_where_the_order_has_them(tmp_path: Path) -> None:
    usual = catalog_problems(load_model(str(SAMPLE)), catalogs({}))
    ddl = {each.subject: each.ddl for each in usual}
    assert ddl["MemberOrder.joined_on"] == "create index concurrently on app.members (workspace_id, joined_on, id);"
    assert ddl["MemberOrder.email"] == (
        'create index concurrently on app.members (workspace_id, (email collate "C") nulls first, id);'
    )

    def with_index(table: TableCatalog) -> TableCatalog:
        index = Index("members_by_email", ("workspace_id", 'email COLLATE "C"', "id"))
        return replace(table, indexes=(*table.indexes, index))

    (tmp_path / "model.py").write_text(TEXT)
    problems = catalog_problems(load_model(str(tmp_path / "model.py")), catalogs({"app.members": with_index}))
    assert "MemberOrder.email" not in {each.subject for each in problems}


def test_an_index_of_a_condition_is_of_the_kind_that_serves_it(tmp_path: Path) -> None:
    ddl = {each.subject: each.ddl for each in catalog_problems(load_model(str(SAMPLE)), catalogs({}))}
    assert ddl["MemberFilter.tag"] == "create index concurrently on app.members using gin (tags);"
    replaced = [('m.prefix("email")', 'm.prefix("nick")')]
    (problem,) = changed_problems(tmp_path, replaced)
    assert problem.ddl == "create index concurrently on app.members (workspace_id, nick text_pattern_ops);"

    def with_indexes(table: TableCatalog) -> TableCatalog:
        added = (Index("by_tag", ("tags",), method="gin"), Index("by_nick", ("workspace_id", "nick")))
        return replace(table, indexes=(*table.indexes, *added))

    problems = catalog_problems(load_model(str(tmp_path / "model.py")), catalogs({"app.members": with_indexes}))
    assert {"MemberFilter.tag", "MemberFilter.email_prefix"}.isdisjoint(each.subject for each in problems)


def test_an_array_of_numbers_is_told_the_condition_that_an_index_serves(tmp_path: Path) -> None:
    replaced = [("tag: str =", "tag: m.BigInt ="), ("tags: list[str] =", "tags: list[m.BigInt] =")]
    changes = {"app.members": column("tags", "bigint[]")}
    problem = next(each for each in changed_problems(tmp_path, replaced, changes) if each.subject == "MemberFilter.tag")
    assert problem.message == (
        'no index serves m.contains of bigint[]: say m.where(f"tags @> array[{m.value}]::bigint[]"), which a GIN index'
        " serves."
    )
    assert problem.ddl == "create index concurrently on app.members using gin (tags);"


def test_a_page_in_the_order_of_the_tenant_needs_no_index_for_it(tmp_path: Path) -> None:
    order = 'class WorkspaceOrder(m.Order, default="id"):\n    id = m.by("id")\n    name = m.by("name")\n\n\n'
    page = "    workspaces: m.Page[Workspace] = m.page(order=WorkspaceOrder)\n"
    root = "    workspace: Workspace | None = m.current()\n"
    replaced = [("class Workspace(", f"{order}class Workspace("), (root, root + page)]
    subjects = [each.subject for each in changed_problems(tmp_path, replaced)]
    assert subjects == ["WorkspaceOrder.name"]


def test_nothing_is_said_of_indexes_where_rows_are_few(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(TEXT.replace('crm.table("app.members",', 'crm.table("app.members", rows=300,'))
    problems = catalog_problems(load_model(str(tmp_path / "model.py")), catalogs({}))
    assert [each.subject for each in problems] == ["Project.activity"]


def test_all_problems_are_found_at_once_in_the_order_of_their_lines(tmp_path: Path) -> None:
    changes = {"events": without("bytes"), "app.members": without("email"), "billing.plans": lambda _table: None}
    problems = changed_problems(tmp_path, changes=changes)
    assert len(problems) > 5
    assert [each.place.line for each in problems] == sorted(each.place.line for each in problems)


def test_a_view_is_not_said_to_lack_keys_nulls_and_indexes(tmp_path: Path) -> None:
    def as_view(table: TableCatalog) -> TableCatalog:
        columns = {name: replace(each, is_nullable=True) for name, each in table.columns.items()}
        return replace(table, columns=columns, is_view=True, primary_key=(), unique=(), indexes=())

    assert not changed_problems(tmp_path, changes={"app.Projects": as_view})

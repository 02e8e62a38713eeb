"""Completing options: by answers, or with all that is missing at once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.model_tools.scaffold.choices import Choices, SectionChoice, TableId, TenantChoice
from gateway.model_tools.scaffold.questions import NewOptions, complete
from loaders.catalog.catalog import DatabaseCatalog, TableCatalog
from loaders.errors import CallerError
from loaders.model.databases import Kind
from tests.gateway.model_tools.scaffold.catalogs import clickhouse, clickhouse_table, postgres, table

DATABASE = postgres(
    table("app.workspaces", "id uuid, name text", key="id"),
    table("app.members", "id bigint, workspace_id uuid", key="id"),
    table("app.invoices", "id bigint, workspace_id uuid, member_id bigint", key="id"),
    table("app.projects", "id bigint, workspace_id uuid", key="id"),
    table("crm.leads", "id bigint, workspace_id uuid", key="id"),
)
EVENTS = clickhouse(
    clickhouse_table("events", "workspace_id UUID, member_id UInt64, at DateTime", sorted_by="workspace_id member_id"),
    clickhouse_table("clicks", "at DateTime, member_id UInt64", sorted_by="at"),
    clickhouse_table("devices", "id UUID, at DateTime", sorted_by="id"),
)


def pg(name: str) -> TableId:
    return TableId(Kind.POSTGRES, "", name)


def ch(name: str) -> TableId:
    return TableId(Kind.CLICKHOUSE, "", name)


class TypedTexts:
    """Gives answers in order, and keeps the questions."""

    def __init__(self, *answers: str) -> None:
        self._answers: Iterator[str] = iter(answers)
        self.questions: list[str] = []

    def __call__(self, question: str) -> str:
        self.questions.append(question)
        return next(self._answers)


def chosen(choices: Choices) -> set[str]:
    return {str(each) for each in choices.tables}


def test_options_say_everything() -> None:
    options = NewOptions(
        "shop",
        tables=["app.*", "events"],
        without=["app.projects"],
        tenant="workspace_id",
        claim="workspace",
        everyones=["workspaces"],
        sections=["events.member_id=members"],
    )
    assert complete(options, [DATABASE, EVENTS], None) == Choices(
        "shop",
        frozenset({pg("app.workspaces"), pg("app.members"), pg("app.invoices"), ch("events")}),
        TenantChoice("workspace_id", "workspace"),
        frozenset({pg("app.workspaces")}),
        {},
        (SectionChoice(ch("events"), ("member_id",), pg("app.members")),),
    )


def test_all_that_is_missing_is_said_at_once() -> None:
    with pytest.raises(CallerError) as error:
        complete(NewOptions("shop", is_all=True), [DATABASE, EVENTS], None)
    assert str(error.value).splitlines() == [
        "Some options are missing, and nobody can be asked:",
        "  --tenant workspace_id --claim workspace, or --no-tenant: whether viewers see the rows of one tenant only."
        " Columns that may hold it: workspace_id (in 5 of 8 tables), member_id (in 3 of 8 tables)",
        "  --section events.workspace_id=app.workspaces (or --yes): whose rows those of events are; --without events"
        " leaves it out",
        "  --section clicks.member_id=app.members (or --yes): whose rows those of clicks are; --without clicks leaves"
        " it out",
    ]
    with pytest.raises(
        CallerError, match=r"--table PATTERN, --schema NAME or --all: which of 5 tables: app\.workspaces,"
    ):
        complete(NewOptions("shop"), [DATABASE], None)


def test_a_tenant_is_asked_for_and_never_assumed() -> None:
    options = NewOptions("shop", schemas=["app"])
    answers = TypedTexts("workspace_id", "", "")
    choices = complete(options, [DATABASE], answers)
    assert choices.tenant == TenantChoice("workspace_id", "workspace")
    assert "Columns that may hold a tenant: workspace_id (in 3 of 4 tables)" in answers.questions[0]
    assert "Nothing says whose rows these are: app.workspaces." in answers.questions[2]
    assert complete(options, [DATABASE], TypedTexts("")).tenant is None
    assert (
        complete(NewOptions("shop", schemas=["app"], is_without_tenants=True), [DATABASE], TypedTexts()).tenant is None
    )


def test_tables_are_asked_for() -> None:
    answers = TypedTexts("app.members, leads", "")
    assert chosen(complete(NewOptions("shop"), [DATABASE], answers)) == {"app.members", "crm.leads"}
    assert answers.questions[0].startswith("There are 5 tables: app.workspaces, app.members,")


def test_whose_rows_those_of_clickhouse_are_is_asked() -> None:
    options = NewOptions("shop", is_all=True, tenant="workspace_id")
    answers = TypedTexts("", "devices=id", "y", "n")
    choices = complete(options, [DATABASE, EVENTS], answers)
    assert choices.keys == {ch("devices"): ("id",)}
    assert "These look so: devices=id." in answers.questions[1]
    assert answers.questions[2] == "events has member_id.\nSum its rows up for each row of app.members (Y/n)? "
    assert answers.questions[3].startswith("clicks has member_id. It is not sorted by it, so that a request reads all")
    assert choices.sections == (SectionChoice(ch("events"), ("member_id",), pg("app.members")),)


def test_yes_takes_what_fits_and_no_tenant() -> None:
    options = NewOptions("shop", is_all=True, is_without_tenants=True, takes_matches=True)
    assert {each.table for each in complete(options, [DATABASE, EVENTS], None).sections} == {ch("clicks"), ch("events")}
    with pytest.raises(CallerError, match="--no-tenant"):
        complete(NewOptions("shop", is_all=True, takes_matches=True), [DATABASE, EVENTS], None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (NewOptions("shop", tables=["app.memebrs"]), 'matches none of the tables. Did you mean "app.members"?'),
        (NewOptions("shop", is_all=True, tenant="org"), "--tenant org: none of the chosen tables has this column."),
        (NewOptions("shop", is_all=True, is_without_tenants=True, objects=["devices"]), "write TABLE=COLUMN"),
        (NewOptions("shop", is_all=True, is_without_tenants=True, objects=["devices=key"]), "it has id, at."),
        (NewOptions("shop", is_all=True, is_without_tenants=True, sections=["events=members"]), "write TABLE.COLUMN="),
        (
            NewOptions("shop", is_all=True, is_without_tenants=True, sections=["events.member_id=member"]),
            'member is none of the chosen tables. Did you mean "members"?',
        ),
    ],
)
def test_options_that_fit_no_table_say_so(options: NewOptions, message: str) -> None:
    with pytest.raises(CallerError) as error:
        complete(options, [DATABASE, EVENTS], None)
    assert message in str(error.value)


def test_a_database_without_tables_says_so() -> None:
    with pytest.raises(CallerError, match="no table that this account may read"):
        complete(NewOptions("shop", is_all=True), [postgres()], None)


def test_tables_to_leave_out_need_not_be_there() -> None:
    options = NewOptions("shop", schemas=["crm"], without=["log_*", "app.*"], is_without_tenants=True)
    assert chosen(complete(options, [DATABASE], None)) == {"crm.leads"}


def test_the_zone_of_times_without_one_is_asked_and_never_assumed() -> None:
    logs = postgres(table("app.logs", "id bigint, at timestamp(6) without time zone", key="id"))
    options = NewOptions("shop", is_all=True)
    with pytest.raises(CallerError, match=r"--zone UTC, another time zone, or none .* are app\.logs\.at"):
        complete(options, [logs], None)
    assert complete(options, [logs], TypedTexts("Europe/Vienna")).zone == "Europe/Vienna"
    assert complete(options, [logs], TypedTexts("")).zone == ""
    assert complete(NewOptions("shop", is_all=True, zone="none"), [logs], None).zone == ""
    with pytest.raises(CallerError, match="Vienna is no time zone, such as UTC"):
        complete(NewOptions("shop", is_all=True, zone="Vienna"), [logs], None)


@pytest.mark.parametrize(
    "tables",
    [
        (
            table("a.x", "id integer, tenant_id integer", key="id"),
            table("a.y", "id integer, tenant_id integer", key="id"),
        ),
        (table("a.x", "id integer, tenant_id integer", key="id"), table("a.y", "id integer, name text", key="id")),
        (table("a.x", "id integer, tenant_id integer", key="id"),),
        (
            table("a.x", "id integer, tenant_id integer", key="id", references=["tenant_id -> a.tenants id"]),
            table("a.tenants", "id integer", key="id"),
            *(table(f"a.t{number}", "id integer, name text", key="id") for number in range(9)),
        ),
    ],
    ids=["two tables", "one of two", "the only one", "the tenants' own table"],
)
def test_a_tenant_of_few_tables_is_asked_for(tables: tuple[TableCatalog, ...]) -> None:
    with pytest.raises(CallerError, match="--tenant tenant_id --claim tenant, or --no-tenant"):
        complete(NewOptions("shop", is_all=True), [postgres(*tables)], None)
    assert "tenant_id" in _first_question(postgres(*tables))


def _first_question(database: DatabaseCatalog) -> str:
    answers = TypedTexts("")
    assert complete(NewOptions("shop", is_all=True), [database], answers).tenant is None
    return answers.questions[0]


def test_without_a_column_that_may_hold_it_there_is_no_question_about_a_tenant() -> None:
    catalog = postgres(table("a.x", "id integer, name text, api_key text", key="id"))
    assert complete(NewOptions("shop", is_all=True), [catalog], None).tenant is None


def test_all_and_yes_are_understood_and_a_wrong_answer_is_asked_again() -> None:
    answers = TypedTexts(
        "app.memebrs", "all", "organisation", "workspace_id", "", "leeds", "none", "yes", "maybe", "yes"
    )
    choices = complete(NewOptions("shop", without=["clicks"]), [DATABASE, EVENTS], answers)
    assert len(choices.tables) == 7
    assert choices.tenant == TenantChoice("workspace_id", "workspace")
    assert choices.everyones == frozenset()
    assert choices.keys == {ch("devices"): ("id",)}
    assert [each.table for each in choices.sections] == [ch("events")]
    again = answers.questions
    assert again[1].startswith(
        'app.memebrs matches none of the tables. Did you mean "app.members"?\nThere are 8 tables'
    )
    assert again[3].startswith("organisation is a column of none of the chosen tables.\n")
    assert again[6].startswith("leeds matches none of the tables.")
    assert again[9].startswith("maybe is neither yes nor no.\nevents has")


def test_yes_is_the_only_column_that_is_offered() -> None:
    catalog = postgres(*(table(f"a.{name}", "id integer, org_id integer", key="id") for name in "xy"))
    assert complete(NewOptions("shop", is_all=True), [catalog], TypedTexts("yes", "")).tenant == TenantChoice(
        "org_id", "org"
    )
    assert complete(NewOptions("shop", is_all=True), [catalog], TypedTexts("no")).tenant is None

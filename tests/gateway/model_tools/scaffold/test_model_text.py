"""The text of scaffolded models, trait by trait of their tables."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.model_tools.scaffold.choices import Choices, SectionChoice, TableId, TenantChoice
from loaders.catalog.catalog import ForeignKey
from loaders.errors import CallerError
from loaders.model.databases import Kind
from loaders.model.loading import load_model
from loaders.model.names import camel
from tests.gateway.model_tools.scaffold.catalogs import (
    all_of,
    class_of,
    clickhouse,
    clickhouse_table,
    model_of,
    postgres,
    table,
    written,
)

CUSTOMERS = table(
    "shop.customers",
    "id integer, name text, email character varying(200)?",
    key="id",
    unique=["email"],
    comment="Somebody who buys",
)
ORDERS = table(
    "shop.orders",
    "id bigint, customer_id integer, placed_at timestamp with time zone, total numeric(12,2)?",
    key="id",
    references=["customer_id -> shop.customers id"],
    indexes=["customer_id placed_at", "placed_at"],
)
VISITS = clickhouse_table(
    "visits", "customer_id UInt32, day Date, pages UInt16, amount Decimal(12, 2)", sorted_by="customer_id day"
)
VISITS_ID = TableId(Kind.CLICKHOUSE, "", "visits")
CUSTOMERS_ID = TableId(Kind.POSTGRES, "", "shop.customers")
HARD = table(
    'app.Odd "Names"',
    '"Id" uuid, "Order Date" date, class text, int integer, list text[]?, node_id text, 2fa boolean, "日本" text?,'
    " address2 text, address_2 text, search tsvector, password_hash text, kind app.kind",
    key="Id",
    labels={"kind": ("in progress", "IN_PROGRESS", 'with "quotes"', "back\\slash")},
    comments={"class": 'Says "why" \\ and how, in so many words that they do not fit into one line of the module ' * 2},
    indexes=["kind", "class", "address2"],
)


def loaded(folder: Path, files: dict[str, str] | None = None) -> None:
    """Write a package and load its model, which raises what is wrong with it."""
    for path, text in (files or {}).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    load_model(str(folder / "model.py"))


def test_a_foreign_key_is_a_link_and_a_list() -> None:
    model = model_of(postgres(CUSTOMERS, ORDERS))
    assert class_of(model, "Customer") == (
        "class Customer(m.Object, table=customers):\n"
        '    """Somebody who buys."""\n\n'
        "    id: int = m.key()\n"
        "    name: str\n"
        "    email: str | None\n"
        '    orders: list[Order] = m.many("customer_id", order="placed_at desc")'
    )
    assert '    customer: Customer | None = m.one("customer_id")' in class_of(model, "Order")
    assert "total: Decimal | None" in class_of(model, "Order")
    assert '    customer_by_email: Customer | None = m.by_key("email")' in class_of(model, "Query")


def test_indexed_columns_are_filters_and_orders() -> None:
    model = model_of(postgres(CUSTOMERS, ORDERS))
    assert class_of(model, "OrderFilter").splitlines()[3:] == [
        '    customer_id: int = m.equals("customer_id")',
        '    placed_at_from: dt.datetime = m.at_least("placed_at")',
        '    placed_at_before: dt.datetime = m.less_than("placed_at")',
    ]
    assert class_of(model, "OrderOrder").splitlines() == [
        'class OrderOrder(m.Order, default="id"):',
        '    """Orders of order objects."""',
        "",
        '    id = m.by("id")',
        '    customer_id = m.by("customer_id", type=int)',
        '    placed_at = m.by("placed_at")',
    ]


def test_a_foreign_key_to_a_table_that_is_not_chosen_is_a_column() -> None:
    orders = frozenset({TableId(Kind.POSTGRES, "", "shop.orders")})
    model = model_of(postgres(CUSTOMERS, ORDERS), choices=Choices("shop", orders))
    assert "customers" not in model
    assert "    customer_id: int\n" in class_of(model, "Order")


def test_a_list_without_an_index_says_which_one_to_create() -> None:
    orders = table("shop.orders", "id bigint, customer_id integer", key="id", references=ORDERS_TO_CUSTOMERS)
    lines = class_of(model_of(postgres(CUSTOMERS, orders)), "Customer").splitlines()
    assert "    # create index concurrently on shop.orders (customer_id, id);" in lines
    few = table("shop.orders", "id bigint, customer_id integer", key="id", references=ORDERS_TO_CUSTOMERS, rows=50)
    assert "create index" not in model_of(postgres(CUSTOMERS, few))


ORDERS_TO_CUSTOMERS = ["customer_id -> shop.customers id"]


def test_two_foreign_keys_to_one_table_have_lists_of_different_names() -> None:
    columns = "id bigint, customer_id integer, paid_by_id integer?"
    orders = table(
        "shop.orders", columns, key="id", references=[*ORDERS_TO_CUSTOMERS, "paid_by_id -> shop.customers id"]
    )
    model = model_of(postgres(CUSTOMERS, orders))
    assert '    orders: list[Order] = m.many("customer_id", order="id")' in model
    assert '    paid_by_orders: list[Order] = m.many("paid_by_id", order="id")' in model
    assert '    paid_by: Customer | None = m.one("paid_by_id")' in model


def test_a_table_that_only_joins_is_many_to_many() -> None:
    tags = table("shop.tags", "id integer, name text", key="id")
    columns = "customer_id integer, tag_id integer, created_at timestamp with time zone"
    references = [*ORDERS_TO_CUSTOMERS, "tag_id -> shop.tags id"]
    join = table("shop.customer_tags", columns, key="customer_id tag_id", references=references)
    model = model_of(postgres(CUSTOMERS, tags, join))
    line = '    tags: list[Tag] = m.through(customer_tags, "customer_id", "tag_id", order="id")'
    assert line in class_of(model, "Customer")
    assert "CustomerTag" not in model
    with_more = table(
        "shop.customer_tags", f"{columns}, weight integer", key="customer_id tag_id", references=references
    )
    model = model_of(postgres(CUSTOMERS, tags, with_more))
    assert "class CustomerTag(" in model
    assert "m.through" not in model


def test_a_table_that_refers_to_itself_has_a_parent_and_children() -> None:
    areas = table("app.areas", "id integer, parent_id integer?", key="id", references=["parent_id -> app.areas id"])
    model = model_of(postgres(areas))
    assert '    parent: Area | None = m.one("parent_id")' in model
    assert '    children: list[Area] = m.many("parent_id", order="id")' in model


def test_a_unique_foreign_key_is_a_link_in_both_directions() -> None:
    profiles = table(
        "shop.profiles", "customer_id integer, text text", key="customer_id", references=ORDERS_TO_CUSTOMERS
    )
    model = model_of(postgres(CUSTOMERS, profiles))
    assert '    profile: Profile | None = m.first("customer_id", order="customer_id")' in class_of(model, "Customer")
    assert '    customer: Customer | None = m.one("customer_id")' in class_of(model, "Profile")


def test_a_composite_key_is_referred_to_in_its_order() -> None:
    lines = table("app.lines", "order_id bigint, line_no integer", key="order_id line_no")
    parts = table(
        "app.parts",
        "id bigint, no integer, of_order bigint",
        key="id",
        references=["no of_order -> app.lines line_no order_id"],
    )
    model = model_of(postgres(lines, parts))
    assert '    line: Line | None = m.one("of_order, no")' in class_of(model, "Part")
    assert '    parts: list[Part] = m.many("of_order, no", order="id")' in class_of(model, "Line")


def test_what_cannot_be_an_object_is_left_out_with_the_reason() -> None:
    view = table("app.totals", "day date?, total numeric?")
    when = table("app.ticks", "at timestamp with time zone, value real", key="at")
    model = model_of(postgres(CUSTOMERS, view, when))
    text = " ".join(line.removeprefix("# ") for line in model.splitlines() if line.startswith("# "))
    assert "- no primary key (--object TABLE=COLUMN says which columns its rows are known by): app.totals" in text
    assert "- a key of type timestamp with time zone, which no object can have" in text
    with pytest.raises(CallerError, match="No chosen table can hold objects"):
        written(postgres(view))


def test_a_key_can_be_said() -> None:
    view = table("app.totals", "day date?, total numeric?")
    choices = Choices("shop", all_of(postgres(view)), keys={TableId(Kind.POSTGRES, "", "app.totals"): ("day",)})
    assert "    day: dt.date = m.key()" in model_of(postgres(view), choices=choices)


def test_columns_that_cannot_or_should_not_be_shown_are_remarked_on() -> None:
    odd = class_of(model_of(postgres(HARD)), "OddName")
    assert "    # search is left out: no scalar reads tsvector." in odd
    assert "    # password_hash is left out: its name sounds like a secret." in odd
    assert '    class_: str = m.column(\n        "class",\n' in odd
    assert '    order_date: dt.date = m.column("Order Date")' not in odd
    assert "    order_date: dt.date = m.column('\"Order Date\"')" in odd


def test_nothing_is_over_a_column_that_sounds_like_a_secret() -> None:
    columns = (
        "id integer, name text, api_token text, reset_password_token text?, secret_kind app.kind, token_id integer"
    )
    users = table(
        "app.users",
        columns,
        key="id",
        unique=["api_token", "reset_password_token name"],
        references=["token_id -> app.tokens id"],
        indexes=["reset_password_token", "secret_kind", "token_id secret_kind", "name api_token"],
        labels={"secret_kind": ("a", "b")},
    )
    tokens = table("app.tokens", "id integer, token_hash text", key="id", indexes=["token_hash"])
    sessions = table("app.sessions", "session_token text, user_id integer", key="session_token")
    logins = table("app.logins", "session_token text, n integer", key="n")
    logins = replace(logins, foreign_keys=(ForeignKey(("session_token",), "app.sessions", ("session_token",)),))
    catalog = postgres(users, tokens, sessions, logins)
    visits = clickhouse_table(
        "visits", "user_id UInt32, secret_number UInt64, password_at DateTime", sorted_by="password_at user_id"
    )
    sections = (
        SectionChoice(TableId(Kind.CLICKHOUSE, "", "visits"), ("user_id",), TableId(Kind.POSTGRES, "", "app.users")),
    )
    web = clickhouse(visits)
    package = written(catalog, web, choices=Choices("shop", all_of(catalog, web), sections=sections))
    code = ast.unparse(ast.parse(package.files["model.py"]))
    for name in ("api_token", "secret_kind", "token_hash", "session_token", "secret_number", "password"):
        assert name not in code.lower(), name
        assert camel(name) not in package.files["examples/dashboard.graphql"]
    assert "m.one('token_id')" in code  # the id of a token is none
    comments = " ".join(line.strip(" #") for line in package.files["model.py"].splitlines() if "#" in line)
    assert "a key whose name sounds like a secret (--object TABLE=COLUMN" in comments
    assert "Left out, since their names sound like secrets: secret_number, password_at." in comments
    key = {TableId(Kind.POSTGRES, "", "app.sessions"): ("session_token",)}
    assert "session_token: str = m.key()" in model_of(
        postgres(sessions), choices=Choices("shop", all_of(postgres(sessions)), keys=key)
    )


def test_a_table_whose_tenant_another_one_says_is_left_out_with_it(tmp_path: Path) -> None:
    sessions = table("app.sessions", "session_token text, org_id integer", key="session_token")
    logins = replace(
        table("app.logins", "session_token text, n integer", key="n"),
        foreign_keys=(ForeignKey(("session_token",), "app.sessions", ("session_token",)),),
    )
    users = table("app.users", "id integer, org_id integer", key="id")
    catalog = postgres(sessions, logins, users)
    package = written(catalog, choices=Choices("shop", all_of(catalog), TenantChoice("org_id", "org")))
    assert [str(each) for each in package.plan.objects] == ["app.users"]
    assert [str(each) for each in package.plan.left_out] == ["app.sessions", "app.logins"]
    loaded(tmp_path, dict(package.files))


def test_rows_of_clickhouse_are_a_section_and_a_list_by_months() -> None:
    sections = (SectionChoice(VISITS_ID, ("customer_id",), CUSTOMERS_ID),)
    catalogs = postgres(CUSTOMERS), clickhouse(VISITS)
    model = model_of(*catalogs, choices=Choices("shop", all_of(*catalogs), sections=sections))
    assert 'visits = events_db.table("visits", time="day", freshness=EVENTS)' in model
    assert '    visits: VisitTotals = m.section("customer_id", period=True)' in class_of(model, "Customer")
    assert "    visits_by_month: list[VisitMonth] = m.section(" in class_of(model, "Customer")
    totals = class_of(model, "VisitTotals")
    assert '    count: m.BigInt = m.sql("count()", "Rows.", unit="rows")' in totals
    assert '    amount_sum: Decimal = m.sql("sum(amount)", "Sum of amount.")' in totals
    assert '    pages_mean: float | None = m.sql("avg(pages)", "Mean of pages.")' in totals
    assert '    month: dt.date = m.group_by("toStartOfMonth(day)", "Its first day.")' in class_of(model, "VisitMonth")


def test_one_constant_says_the_zone_of_days_and_of_months(tmp_path: Path) -> None:
    hits = clickhouse_table("hits", '"the {at}" DateTime, customer_id UInt32', sorted_by="customer_id")
    catalogs = postgres(CUSTOMERS), clickhouse(hits)
    sections = (SectionChoice(TableId(Kind.CLICKHOUSE, "", "hits"), ("customer_id",), CUSTOMERS_ID),)
    files = dict(written(*catalogs, choices=Choices("shop", all_of(*catalogs), sections=sections)).files)
    text = files["model.py"]
    assert text.count('"UTC"') == text.count("UTC") == 1
    assert "zone=ZONE" in text
    loaded(tmp_path, {**files, "model.py": text.replace('"UTC"', '"Europe/Vienna"')})
    namespace = {"ZONE": "Europe/Vienna"}
    (sql,) = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.JoinedStr))
    assert eval(ast.unparse(sql), namespace) == "toStartOfMonth(toTimeZone(\"the {at}\", 'Europe/Vienna'))"


@pytest.mark.parametrize(("version", "option"), [("version", 'latest="version"'), ("", 'latest="seen_at"')])
def test_objects_of_clickhouse_have_a_latest_row(version: str, option: str) -> None:
    columns = "id UUID, seen_at DateTime, version UInt64, state Nullable(String)"
    devices = clickhouse_table("devices", columns, sorted_by="id", engine="ReplacingMergeTree", version=version)
    keys = {TableId(Kind.CLICKHOUSE, "", "devices"): ("id",)}
    choices = Choices("shop", all_of(clickhouse(devices)), keys=keys)
    model = model_of(clickhouse(devices), choices=choices)
    assert option in model
    assert "    id: UUID = m.key()" in model
    assert "    state: str | None" in model


def test_replaced_rows_of_a_section_are_those_of_the_sorting_key() -> None:
    columns = "customer_id UInt32, day Date, version UInt64"
    days = clickhouse_table(
        "days", columns, sorted_by="customer_id day", engine="ReplacingMergeTree", version="version"
    )
    days_id = TableId(Kind.CLICKHOUSE, "", "days")
    catalogs = postgres(CUSTOMERS), clickhouse(days)
    sections = (SectionChoice(days_id, ("customer_id",), CUSTOMERS_ID),)
    model = model_of(*catalogs, choices=Choices("shop", all_of(*catalogs), sections=sections))
    assert 'latest="version"' in model
    assert 'key="customer_id, day"' in model


TENANTS = (
    table("app.organizations", "id uuid, name text", key="id"),
    table(
        "app.projects",
        "organization_id uuid, id bigint, name text",
        key="organization_id id",
        unique=["organization_id name"],
        references=["organization_id -> app.organizations id"],
    ),
    table(
        "app.tasks",
        "id bigint, organization_id uuid, project_id bigint",
        key="id",
        references=["organization_id project_id -> app.projects organization_id id"],
    ),
    table("app.comments", "id bigint, task_id bigint", key="id", references=["task_id -> app.tasks id"]),
    table("app.likes", "id bigint, comment_id bigint", key="id", references=["comment_id -> app.comments id"]),
    table("app.countries", "code text, name text", key="code"),
)


def test_each_table_says_its_tenant() -> None:
    catalog = postgres(*TENANTS)
    everyones = frozenset({TableId(Kind.POSTGRES, "", "app.countries")})
    tenant = TenantChoice("organization_id", "organization")
    model = model_of(catalog, choices=Choices("shop", all_of(catalog), tenant=tenant, everyones=everyones))
    assert 'tenant = m.Tenant(claim="organization", column="organization_id", type=UUID)' in model
    assert 'organizations = db.table("app.organizations", tenant="id", freshness=RECORDS)' in model
    assert 'projects = db.table("app.projects", freshness=RECORDS)' in model
    assert 'tenant=tasks.via("task_id")' in model
    assert 'tenant=comments.via("comment_id")' in model
    assert "tenant=m.everyones" in model
    assert model.index("\ntasks = ") < model.index("\ncomments = ") < model.index("\nlikes = ")
    assert "    current_organization: Organization | None = m.current()" in model
    assert '    project_by_name: Project | None = m.by_key("name")' in model
    assert '    project: Project | None = m.one("project_id")' in class_of(model, "Task")
    assert "    id: m.BigInt = m.key()\n    name: str\n" in class_of(model, "Project")


def test_foreign_keys_that_lead_to_a_tenant_too_are_named_above_the_table() -> None:
    transfers = table(
        "app.transfers",
        "id bigint, task_id bigint, to_project bigint?, country_code text",
        key="id",
        references=["task_id -> app.tasks id", "to_project -> app.tasks id", "country_code -> app.countries code"],
    )
    catalog = postgres(*TENANTS, transfers)
    everyones = frozenset({TableId(Kind.POSTGRES, "", "app.countries")})
    tenant = TenantChoice("organization_id", "organization")
    model = model_of(catalog, choices=Choices("shop", all_of(catalog), tenant=tenant, everyones=everyones))
    note = " ".join(line.strip(" #") for line in model.partition("\ntransfers = ")[0].splitlines()[-2:])
    assert note.endswith("Other foreign keys lead to a tenant too: to_project of app.tasks.")
    assert model.count("lead to a tenant too") == 1


def test_the_tenants_own_table_can_be_everyones(tmp_path: Path) -> None:
    catalog = postgres(*TENANTS)
    everyones = frozenset(TableId(Kind.POSTGRES, "", f"app.{name}") for name in ("organizations", "countries"))
    tenant = TenantChoice("organization_id", "organization")
    package = written(catalog, choices=Choices("shop", all_of(catalog), tenant=tenant, everyones=everyones))
    assert 'organizations = db.table("app.organizations", tenant=m.everyones, ' in package.files["model.py"]
    loaded(tmp_path, dict(package.files))


def test_a_table_without_a_tenant_is_left_out() -> None:
    catalog = postgres(*TENANTS)
    package = written(
        catalog, choices=Choices("shop", all_of(catalog), TenantChoice("organization_id", "organization"))
    )
    assert {str(each): reason for each, reason in package.plan.left_out.items()} == {
        "app.countries": "no organization_id, and no foreign key to a chosen table with one (--everyone TABLE shows it to all)"
    }


def _hard_package() -> dict[str, str]:
    orders = table(
        "shop.order",
        "id bigint, customer_id integer, a_rather_long_name_of_a_column_that_refers_to_another_customer integer?",
        key="id",
        unique=["customer_id a_rather_long_name_of_a_column_that_refers_to_another_customer"],
        references=[
            *ORDERS_TO_CUSTOMERS,
            "a_rather_long_name_of_a_column_that_refers_to_another_customer -> shop.customers id",
        ],
    )
    nodes = table("app.node", "id integer, parent_id integer?", key="id", references=["parent_id -> app.node id"])
    long = table(f"app.{'very_long_names_of_tables_' * 2}as_some_have", "id uuid, kind text", key="id", unique=["kind"])
    catalogs = postgres(CUSTOMERS, orders, nodes, long, HARD, name="crm"), clickhouse(VISITS, name="web")
    visits, customers = TableId(Kind.CLICKHOUSE, "web", "visits"), TableId(Kind.POSTGRES, "crm", "shop.customers")
    sections = (SectionChoice(visits, ("customer_id",), customers),)
    return dict(written(*catalogs, choices=Choices("shop", all_of(*catalogs), sections=sections)).files)


def test_a_model_over_hard_names_is_good(tmp_path: Path) -> None:
    loaded(tmp_path / "hard_shop", _hard_package())


@pytest.mark.slow
def test_a_model_is_written_as_ruff_and_mypy_want_it(tmp_path: Path) -> None:
    folder = tmp_path / "typed_shop"
    files = _hard_package()
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    ruff = [sys.executable, "-m", "ruff"]
    for command in (["format", "--isolated", "--check", "--diff", "."], ["check", "--isolated", "."]):
        done = subprocess.run([*ruff, *command], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    mypy = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--config-file=",
        "--explicit-package-bases",
        str(folder / "model.py"),
    ]
    project = Path(__file__).parents[4]
    paths = {"MYPYPATH": f"{project}:{tmp_path}", "MYPY_CACHE_DIR": str(project / ".mypy_cache" / "scaffold")}
    done = subprocess.run(mypy, cwd=tmp_path, env=paths, capture_output=True, text=True, check=False)
    assert not [line for line in done.stdout.splitlines() if "typed_shop" in line], done.stdout


@pytest.mark.slow
def test_several_hundred_tables_are_no_problem(tmp_path: Path) -> None:
    tables = [
        table(
            f"app.things_{number}",
            f"id bigint, other_id bigint?, {', '.join(f'c{place} text' for place in range(6))}",
            key="id",
            references=[f"other_id -> app.things_{number // 2} id"],
            indexes=["other_id"],
        )
        for number in range(400)
    ]
    package = written(postgres(*tables))
    loaded(tmp_path / "many_things", dict(package.files))
    assert len(package.plan.objects) == 400

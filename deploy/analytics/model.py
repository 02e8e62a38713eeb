"""Product analytics for several tenants: members of workspaces, what they do, and what they are billed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum
from uuid import UUID

import fuseway as m

RECORDS = m.Freshness(fresh_s=60, stale_while_revalidate_s=600, stale_if_error_s=86_400)
EVENTS = m.Freshness(fresh_s=300, stale_while_revalidate_s=3_600, stale_if_error_s=86_400)

crm, web = m.Postgres("crm"), m.ClickHouse("web")  # DATABASE_CRM_URL and CLICKHOUSE_WEB_URL
tenant = m.Tenant(claim="workspace", column="workspace_id", type=UUID)  # every table has it, or says tenant=

workspaces = crm.table("app.workspaces", tenant="id", scope="workspace:read", freshness=RECORDS)
members = crm.table("app.members", scope="member:read", freshness=RECORDS)
projects = crm.table('app."Projects"', scope="project:read", freshness=RECORDS)
memberships = crm.table("app.project_members", scope="project:read", freshness=RECORDS)
plans = crm.table("billing.plans", tenant=m.everyones, scope="billing:read", freshness=RECORDS)
invoices = crm.table("billing.invoices", scope="billing:read", freshness=RECORDS)
invoice_lines = crm.table(
    "billing.invoice_lines", tenant=invoices.via("invoice_id"), scope="billing:read", freshness=RECORDS
)
events = web.table(
    "events", time="sent_at", zone=workspaces.value("time_zone"), scope="analysis:read", freshness=EVENTS
)

zone = m.time_zone("timeZone", default=workspaces.value("time_zone"))  # an argument; its default is the tenant's own
slow_ms = m.argument("slowMs", int, default=500, min=1, max=60_000)


class Role(Enum):
    """Names in the API, labels in the stores, in their order."""

    GUEST, EDITOR, OWNER = "guest", "editor-in-chief", "owner"


class Ranking(Enum):
    """The measure that projects are ranked by."""

    EVENTS, BYTES = "events", "bytes"


ranking = m.argument("by", Ranking, default=Ranking.EVENTS)


class Activity(m.Section, over=events):
    """Use of the product."""

    actions: m.BigInt = m.sql("count()", "Events sent.", unit="events")
    bytes_sent: m.BigInt = m.sql("sum(bytes)", "Size of all events.", unit="bytes")
    spent: Decimal = m.sql("sum(amount)", "What was spent.", unit="EUR")
    p95_latency: float | None = m.percentile(0.95, "latency_ms", "95th percentile of the latency.", unit="ms")
    slow_share: float | None = m.ratio(f"countIf(latency_ms >= {slow_ms})", "count(latency_ms)", "Slow events.")
    kinds: list[str] = m.sql("arraySort(groupUniqArray(kind))", "Kinds of events.")
    last_sent_at: dt.datetime | None = m.sql("maxOrNull(sent_at)", "When the latest event was sent.")


class ActivityMonth(m.Section, over=events, where="kind != 'heartbeat'"):
    """A month's activity, without heartbeats."""

    month: dt.date = m.group_by(f"toStartOfMonth(toTimeZone(sent_at, {zone}))", "Its first day.")
    actions: m.BigInt = m.sql("count()", "Events sent.", unit="events")


class SentEvent(m.Section, over=events):
    """One event."""

    sent_at: dt.datetime = m.sql("sent_at", "When it was sent.")
    kind: str = m.sql("kind", "Its kind.")
    latency_ms: int | None = m.sql("latency_ms", "How long it took; null where that was not measured.", unit="ms")
    project: Project | None = m.one("project_id", "The project that it was sent from.")


peers = crm.relation(f"select id, role from {members.all} where role in (select role from {members.asked('id')})")


class ActivityRank(
    m.Section,
    over=web.relation(
        f"""
        select p.id as id, rank() over (partition by p.role order by count(e.member_id) desc) as rank
        from {peers} as p left join {events.all} as e on e.member_id = p.id
        group by p.id, p.role
        """
    ),
):
    """Place among the members of the same role."""

    rank: m.BigInt = m.sql("any(rank)", "1 for the most events; equals share a rank.")


class Billing(m.Section, over=invoices):
    """Sums of invoices."""

    invoices: int = m.sql("count(*)", "Invoices.", unit="invoices")
    total: Decimal | None = m.sql("sum(total)", "Sum of their totals.", unit="EUR")
    median: Decimal | None = m.percentile(0.5, "total", "Median of their totals.", unit="EUR")


class ProjectUse(m.Section, over=events, where="project_id is not null"):
    """A project that was used."""

    project: Project | None = m.one("any(project_id)", "The project.")
    project_id: UUID = m.group_by("assumeNotNull(project_id)", "Its key.")
    events: m.BigInt = m.sql("count()", "Events sent from it.", unit="events")
    bytes: m.BigInt = m.sql("sum(bytes)", "Size of these.", unit="bytes")


def _label(email: Sequence[str | None], role: Sequence[Role]) -> list[str]:
    return [f"{address or '?'} ({each.name})" for address, each in zip(email, role, strict=True)]


class InvoiceFilter(m.Filter):
    """Which invoices."""

    issued_from: dt.datetime = m.at_least("issued_at")
    issued_before: dt.datetime = m.less_than("issued_at")
    at_most: Decimal = m.at_most("total")
    total: Decimal = m.between("total")
    plan: list[int] = m.one_of("plan_id")
    has_note: bool = m.where(f"(note is not null) = {m.value}")


class InvoiceOrder(m.Order, default="issued_at desc"):
    """How invoices are ordered."""

    issued_at = m.by("issued_at")
    total = m.by("total", nulls="last")


class MemberFilter(m.Filter):
    """Which members."""

    role: list[Role] = m.one_of("role")
    email_prefix: str = m.prefix("email")
    email: str = m.equals("email")
    tag: str = m.contains("tags")
    has_email: bool = m.present("email")


class MemberOrder(m.Order, default="joined_on"):
    """How members are ordered."""

    joined_on = m.by("joined_on")
    email = m.by('email collate "C"', type=str, nulls="first")
    role = m.by("role")


class Usage(m.Group):
    """Use of the product by a member in a period."""

    activity: Activity = m.section("member_id")
    by_month: list[ActivityMonth] = m.section("member_id", order="month", first=24)
    by_project: list[ProjectUse] = m.section(
        "member_id", order=ranking.pick({Ranking.EVENTS: "events desc", Ranking.BYTES: "bytes desc"}), first=5
    )


class Workspace(m.Object, table=workspaces):
    """A tenant's own record."""

    id: UUID = m.key()
    name: str
    time_zone: str = m.column(description="IANA name of the zone that its periods are in.")
    members: m.Page[Member] = m.many("workspace_id", filter=MemberFilter, order=MemberOrder, first=20, max=200)


class ProjectFilter(m.Filter):
    """Which projects of a member."""

    name_prefix: str = m.prefix("Name")
    max_budget: Decimal = m.at_most("Budget")


class ProjectOrder(m.Order, default="name"):
    """The order of a member's projects."""

    name = m.by('"Name"')
    budget = m.by('"Budget"', nulls="last")


class Member(m.Object, table=members):
    """Somebody who works in a workspace."""

    id: UUID = m.key()
    email: str | None = m.column(scope="pii:read")
    role: Role
    joined_on: dt.date
    tags: list[str] = m.column(description="What colleagues marked them with.")
    settings: m.JSON = m.column(description="Their own settings.")
    avatar: bytes | None = m.column(description="Picture, as PNG.")
    nickname: str | None = m.column("nick", deprecated="Use label.")
    label: str = m.computed(_label, "Address and role.")
    invoices: m.Page[Invoice] = m.many("member_id", filter=InvoiceFilter, order=InvoiceOrder, first=20, max=200)
    last_invoice: Invoice | None = m.first("member_id", order="issued_at desc, id desc")
    projects: list[Project] = m.through(
        memberships, "member_id", "project_id", order=ProjectOrder, filter=ProjectFilter, first=50
    )
    billing: Billing = m.section("member_id")
    activity: Activity = m.section("member_id", period=True)
    activity_rank: ActivityRank | None = m.section("id")
    recent_events: list[SentEvent] = m.section("member_id", order="sent_at desc", first=10, max=100)
    usage: Usage = m.nested("What they did.", period=True)


class Project(m.Object, table=projects):
    """A project of a workspace."""

    id: UUID = m.key()
    name: str = m.column("Name")
    budget: Decimal | None = m.column("Budget", unit="EUR")
    activity: Activity = m.section("project_id", period=True)


class Plan(m.Object, table=plans):
    """A price list that every workspace may choose from."""

    id: int = m.key()
    name: str
    price: Decimal = m.column(unit="EUR a month")


class Invoice(m.Object, table=invoices):
    """An invoice."""

    id: m.BigInt = m.key()
    total: Decimal = m.column(unit="EUR")
    issued_at: dt.datetime
    note: str | None
    member: Member | None = m.one("member_id")
    plan: Plan | None = m.one("plan_id")
    lines: list[InvoiceLine] = m.many("invoice_id", order="line_no", first=50)


class InvoiceLine(m.Object, table=invoice_lines):
    """A line of an invoice; its id is the key's parts, such as 4711:2."""

    invoice_id: m.BigInt = m.key(shown=False)
    line_no: int = m.key()
    text: str
    amount: Decimal = m.column(unit="EUR")


class Query(m.Query):
    """Where every query begins."""

    workspace: Workspace | None = m.current()
    member: Member | None = m.by_key()
    member_by_email: Member | None = m.by_key("email")
    members_by_ids: list[Member | None] = m.by_key()
    members: m.Page[Member] = m.page(order=MemberOrder, filter=MemberFilter)
    project: Project | None = m.by_key()
    invoice: Invoice | None = m.by_key()
    invoice_line: InvoiceLine | None = m.by_key()
    plan: Plan | None = m.by_key()
    node: m.Node | None = m.by_key()
    nodes: list[m.Node | None] = m.by_key()


model = m.Model(
    "analytics",
    query=Query,
    types=[Workspace, Member, Project, Plan, Invoice, InvoiceLine],
    tenant=tenant,
    setup="deploy.analytics.data:set_up",
)

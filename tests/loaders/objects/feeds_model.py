"""A model whose tables tell of changes in every way: two databases, tenants, a table of everybody's, and no object."""

from __future__ import annotations

import fuseway as m

LONG = m.Freshness(fresh_s=3_600, stale_while_revalidate_s=3_600, stale_if_error_s=3_600)
CHANNEL = "app_changes"
EVERY_S = 0.2

crm, web = m.Postgres("crm"), m.ClickHouse("web")
members = crm.table("app.members", freshness=LONG, changes=m.notifies(CHANNEL))
memberships = crm.table("app.memberships", freshness=LONG, changes=m.notifies(CHANNEL, key="member_id"))
plans = crm.table("app.plans", tenant=m.everyones, freshness=LONG, changes=m.notifies(CHANNEL))
projects = crm.table('app."Projects"', freshness=LONG, changes=m.polls("updated_at", every_s=EVERY_S))
tasks = crm.table(
    "app.tasks", tenant=projects.via("project_id"), freshness=LONG, changes=m.polls("version", every_s=EVERY_S)
)
devices = web.table("devices", latest="seen_at", freshness=LONG, changes=m.polls("seen_at", every_s=EVERY_S))


class Roles(m.Section, over=memberships):
    """What a member does."""

    roles: int = m.sql("count(*)", "Memberships.")


class Member(m.Object, table=members):
    """Somebody."""

    id: int = m.key()
    name: str
    memberships: Roles = m.section("member_id")


class Plan(m.Object, table=plans):
    """What is paid."""

    code: str = m.key()
    price: int


class Project(m.Object, table=projects):
    """What is worked on."""

    id: int = m.key()
    name: str
    tasks: Tasks = m.section("project_id")


class Tasks(m.Section, over=tasks):
    """What is to do."""

    open: int = m.sql("count(*) filter (where not done)", "Those to do.")


class Device(m.Object, table=devices):
    """What is used."""

    id: m.BigInt = m.key()
    name: str


class MemberOrder(m.Order, default="name"):
    """How members are ordered."""

    name = m.by("name")


class Query(m.Query):
    """Ways in."""

    member: Member | None = m.by_key()
    plan: Plan | None = m.by_key()
    project: Project | None = m.by_key()
    device: Device | None = m.by_key()
    members: m.Page[Member] = m.page(order=MemberOrder)


model = m.Model(
    "feeds",
    query=Query,
    types=[Member, Plan, Project, Device],
    tenant=m.Tenant(claim="workspace", column="workspace_id", type=str),
)

"""The two sample models as the chaos tests ask them: queries, ids, which store each field needs, and the truth."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, Final
from uuid import UUID

from deploy.analytics.data import MEMBERS, ZONES, AnalyticsData, make, member_id
from tests.chaos.answer_check import FieldPath
from tests.loaders.statements import truth
from tests.truth.case import Case
from tests.truth.data import read_sample
from tests.truth.gateway import query_for
from tests.truth.records import Period
from tests.truth.sections import OF_AIRCRAFT, TRUTH, expected, expected_of_aircraft

POSTGRES: Final = frozenset({"postgres"})
CLICKHOUSE: Final = frozenset({"clickhouse"})
BOTH: Final = POSTGRES | CLICKHOUSE
NEITHER: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True)
class SampleModel:
    """A model, and all that is known of its answers without asking the gateway."""

    name: str
    module: str
    root: str
    queries: Mapping[str, str]
    export: str
    """The path of an export, and under it the name of its objects."""
    export_field: str
    stores_of: Callable[[FieldPath], frozenset[str]]
    truth: Callable[[str, str], Any]
    """What a query answers for an id, as far as plain Python knows it; None for an unknown id."""
    proofs: Callable[[str], frozenset[str]]
    """The stores that know that an id exists."""
    ids: Callable[[int, int], list[str]]
    """So many ids of a seed, among them odd ones: unknown, and known to one store alone."""
    fresh_ids: Callable[[int], list[str]]
    """A known id and an unknown one, which no other seed has; there are as many seeds as objects."""


_FLEET_SECTIONS: Final = {
    "dashboard": (("punctuality", "utilization", "cancellations"), ("registration", "operator")),
    "trends": (("punctuality", "utilization", "cancellations", "monthly"), ("registration", "operator")),
    "all sections": (tuple(TRUTH), tuple(name for name in OF_AIRCRAFT if name != "revisions")),
}
"""Without the aircraft's own `revisions`, which the model declares as never null: where they fail, the aircraft is null.
Those of its analysis are the same."""
_FLEET_OF_POSTGRES: Final = {
    "registration", "revisions", "age", "manufacturerShare", "seatRank", "peers",
}  # fmt: skip
_FLEET_OF_BOTH: Final = {"operator", "homeBase", "modelBenchmark", "airline", "airport"}


def _fleet_stores(path: FieldPath) -> frozenset[str]:
    names = set(path[1:])
    if names & _FLEET_OF_BOTH:
        return BOTH
    if names & _FLEET_OF_POSTGRES:
        return POSTGRES
    return CLICKHOUSE if len(path) > 2 else NEITHER


def _fleet_truth(name: str, tail_number: str) -> Any:
    sample = read_sample()
    if tail_number not in sample.flights_of:
        return None
    case = Case(sample, tail_number, Period())
    sections, fields = _FLEET_SECTIONS[name]
    return {
        "id": tail_number,
        "tailNumber": tail_number,
        **{field: expected_of_aircraft(field, case) for field in fields},
        "analysis": {section: expected(section, case) for section in sections},
    }


def _fleet_proofs(tail_number: str) -> frozenset[str]:
    sample = read_sample()
    return BOTH if tail_number in sample.flights_of else NEITHER


@cache
def _fleet_pools() -> tuple[list[str], list[str]]:
    sample = read_sample()
    flown = sample.flights_of.keys()
    return sorted(flown & sample.register.keys()), sorted(flown - sample.register.keys())


def _fleet_ids(seed: int, count: int) -> list[str]:
    known, unregistered = _fleet_pools()
    chance = random.Random(seed)
    return [*chance.sample(known, count - 2), f"N0X{seed}", chance.choice(unregistered)]


FLEET: Final = SampleModel(
    name="fleet",
    module="deploy.fleet.model",
    root="aircraftByIds",
    queries={name: query_for(sections, None, fields) for name, (sections, fields) in _FLEET_SECTIONS.items()},
    export="/export/analysis",
    export_field="aircraft",
    stores_of=_fleet_stores,
    truth=_fleet_truth,
    proofs=_fleet_proofs,
    ids=_fleet_ids,
    fresh_ids=lambda seed: [_fleet_pools()[0][seed], f"N0Y{seed}"],
)

TENANT: Final = UUID(int=1)
_MEMBER: Final = "id email nickname"
"""Own columns that may be null. Where one that may not fails, its object is null, by GraphQL's rules."""
_DASHBOARD: Final = f"""{_MEMBER} activity {{ actions bytesSent spent p95Latency slowShare kinds lastSentAt }}
    billing {{ invoices total median }}"""
_TRENDS: Final = f"{_DASHBOARD} usage {{ byMonth {{ month actions }} }}"
_EVERYTHING: Final = f"""{_TRENDS} activityRank {{ rank }} recentEvents(first: 4) {{ sentAt kind latencyMs }}
    lastInvoice {{ id total note }} projects {{ id name budget }}"""
_ANALYTICS_STORES: Final = {
    "activity": CLICKHOUSE, "recentEvents": CLICKHOUSE, "usage": BOTH, "activityRank": BOTH,
}  # fmt: skip
"""The others are PostgreSQL's. `usage` counts by the time zone of the tenant, which PostgreSQL knows."""


def _members_query(selection: str) -> str:
    return f"query Members($ids: [ID!]!) {{ membersByIds(ids: $ids) {{ {selection} }} }}"


def _analytics_stores(path: FieldPath) -> frozenset[str]:
    if len(path) < 2 or (path[-1] == "id" and len(path) == 2):
        return NEITHER
    return _ANALYTICS_STORES.get(path[1], POSTGRES)


@cache
def _own() -> AnalyticsData:
    return truth.own(make(), TENANT)


def _text(number: Any) -> str | None:
    return None if number is None else f"{Decimal(number):.6f}"


@cache
def _answers(name: str) -> Mapping[Any, Any]:
    """What each use answers, by the member's key."""
    own = _own()
    uses: dict[str, Callable[[], Mapping[Any, Any]]] = {
        "activity": lambda: truth.activity(own, "member_id"),
        "billing": lambda: truth.billing(own),
        "months": lambda: truth.months(own, ZONES[0]),
        "ranks": lambda: truth.ranks(own),
        "recent": lambda: truth.recent(own, 4),
        "invoices": lambda: truth.invoices(own, 1),
        "projects": lambda: truth.projects(own),
    }
    return uses[name]()


def _analytics_truth(name: str, key: str) -> Any:
    row = next((row for row in _own().members if str(row["id"]) == key), None)
    if row is None:
        return None
    value: dict[str, Any] = {
        "id": key,
        "email": row["email"],
        "nickname": row["nick"],
        "activity": _activity(key),
        "billing": _billing(key),
    }
    months: list[tuple[dt.date, int]] = _answers("months").get(key, [])
    if name != "dashboard":
        value["usage"] = {"byMonth": [{"month": day.isoformat(), "actions": str(count)} for day, count in months]}
    if name == "all sections":
        value |= _rest(key)
    return value


def _activity(key: str) -> Any:
    actions, size, spent, p95, slow_share, kinds, last = _answers("activity").get(
        key, (0, 0, "0", None, None, [], None)
    )
    return {
        "actions": str(actions),
        "bytesSent": str(size),
        "spent": spent if not actions else _text(spent),
        "p95Latency": None if p95 is None else float(p95),
        "slowShare": slow_share,
        "kinds": kinds,
        "lastSentAt": last and last.isoformat(),
    }


def _billing(key: str) -> Any:
    invoices, total, median = _answers("billing").get(key, (0, None, None))
    return {"invoices": invoices, "total": _text(total), "median": _text(median)}


def _rest(key: str) -> dict[str, Any]:
    invoice = next(iter(_answers("invoices").get(key, [])), None)
    return {
        "activityRank": {"rank": str(_answers("ranks")[key][0])},
        "recentEvents": [
            {"sentAt": sent_at.isoformat(), "kind": kind, "latencyMs": latency}
            for sent_at, kind, latency, _ in _answers("recent").get(key, [])
        ],
        "lastInvoice": invoice and {"id": str(invoice[0]), "total": _text(invoice[1]), "note": invoice[3]},
        "projects": [
            {"id": str(project), "name": title, "budget": _text(budget)}
            for project, title, budget in _answers("projects").get(key, [])
        ],
    }


def _analytics_proofs(key: str) -> frozenset[str]:
    if _analytics_truth("dashboard", key) is None:
        return NEITHER
    return BOTH if key in _answers("activity") else POSTGRES


def _analytics_ids(seed: int, count: int) -> list[str]:
    chance = random.Random(seed)
    numbers = [*chance.sample(range(MEMBERS - 20), count - 2), MEMBERS - 1 - seed % 20]
    return [*(str(member_id(number)) for number in numbers), str(UUID(int=99 + seed))]


ANALYTICS: Final = SampleModel(
    name="analytics",
    module="deploy.analytics.model",
    root="membersByIds",
    queries={
        "dashboard": _members_query(_DASHBOARD),
        "trends": _members_query(_TRENDS),
        "all sections": _members_query(_EVERYTHING),
    },
    export="/export/member",
    export_field="member",
    stores_of=_analytics_stores,
    truth=_analytics_truth,
    proofs=_analytics_proofs,
    ids=_analytics_ids,
    fresh_ids=lambda seed: [str(member_id(seed)), str(UUID(int=10_000 + seed))],
)

MODELS: Final[Sequence[SampleModel]] = (FLEET, ANALYTICS)

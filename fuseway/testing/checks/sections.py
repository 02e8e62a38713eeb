"""Each field of an object answers the same for an id, for few or many ids, alone or fused, cached or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from fuseway.testing.cases import CheckedModel, cases
from fuseway.testing.compare import describe, difference
from fuseway.testing.queries import some
from fuseway.testing.results import read_answer

if TYPE_CHECKING:
    from fuseway.testing.model_session import ModelSession
    from fuseway.testing.routes import Route
    from fuseway.testing.served import ServedGateway

MANY, SOME = 500, 50
_SINGLE = 4
"""Ids that are asked for one at a time."""
WAYS = ("1 id", "50 ids", "fused", "fused, 1 id", "cold", "cached", "stale")


@dataclass(frozen=True, slots=True)
class SectionCase:
    """A field of an object type, and a way of asking for it beside that for all ids at once, without a cache."""

    field: str
    way: str

    def __str__(self) -> str:
        return f"{self.field}-{self.way}"


def _cases(checked: CheckedModel) -> Iterator[SectionCase]:
    for route in checked.routes:
        if route.origin:
            for name in checked.maker.defaults(route.target):
                yield from (SectionCase(name, way) for way in WAYS)


@cases(_cases)
def test_sections_agree_with_themselves(fuseway_session: ModelSession, case: SectionCase) -> None:
    """A field's answer for an id is that of one query for 500 ids, or as many as there are, without a cache."""
    asker = _Asker.of(fuseway_session, case.field)
    if not asker.ids:
        pytest.skip(f"the database has no {asker.route.origin} to ask for")
    right = fuseway_session.once(("right", case.field), lambda: asker.ask(fuseway_session.unlimited, asker.ids))
    for way, answers in _answers(fuseway_session, asker, case.way):
        for key, answer in answers.items():
            place = difference(right[key], answer, is_part=True)
            if place is not None:
                lines = [
                    f"{case.field} of {asker.route.origin} {key} depends on how it is asked.",
                    describe(place, f"in one query for {len(asker.ids)} ids, without a cache", way),
                ]
                pytest.fail("\n".join(lines), pytrace=False)


def _answers(session: ModelSession, asker: _Asker, way: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield answers by id, with the words for how they were asked for."""
    plain, ids = session.unlimited, asker.ids
    few = some(ids, _SINGLE)
    if way == "1 id":
        yield from ((f"for {key} alone", asker.ask(plain, [key])) for key in few)
    elif way == "50 ids":
        yield from ((f"in one query for {len(each)} ids", asker.ask(plain, each)) for each in (ids[:SOME], ids[-SOME:]))
    elif way == "fused":
        yield "together with all other fields", asker.ask(plain, ids[:SOME], is_fused=True)
    elif way == "fused, 1 id":
        yield from ((f"for {key} with all other fields", asker.ask(plain, [key], is_fused=True)) for key in few)
    else:
        yield from _cached_answers(session, asker, way)


def _cached_answers(session: ModelSession, asker: _Asker, way: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    gateway = session.unlimited_cached
    gateway.settle()
    gateway.invalidate_everything()
    if way == "cold":
        yield "with an empty cache", asker.ask(gateway, asker.ids)
        return
    if way == "cached":
        asker.ask(gateway, asker.ids[: SOME // 2], is_fused=True)
        gateway.settle()
        yield "where a part is cached", asker.ask(gateway, asker.ids)
        gateway.settle()
        yield "where all is cached", asker.ask(gateway, asker.ids)
        return
    with session.stale(gateway):
        asker.ask(gateway, asker.ids)
        gateway.settle()
        yield "where all that is cached is stale", asker.ask(gateway, asker.ids)
        gateway.settle()
        yield "where what was stale has been refreshed", asker.ask(gateway, asker.ids)
    gateway.settle()
    gateway.invalidate_everything()


@dataclass(frozen=True, slots=True)
class _Asker:
    """Asks for one field of an object type, by ids of the type that the way to it begins with."""

    session: ModelSession
    route: Route
    field: str
    text: str
    others: str
    ids: Sequence[str]

    @classmethod
    def of(cls, session: ModelSession, field: str) -> _Asker:
        type_name, _, _ = field.partition(".")
        route, maker = session.checked.routes.to(type_name), session.checked.maker
        if route is None:
            raise TypeError(field)
        texts = maker.defaults(type_name)
        others = " ".join(text for name, text in texts.items() if name != field)
        ids = session.ids(route.origin, MANY)
        return cls(session, route, field, texts[field], others, ids if route.takes_many else ids[:SOME])

    def ask(self, gateway: ServedGateway, ids: Sequence[str], *, is_fused: bool = False) -> dict[str, Any]:
        """Return the answers by id. Fails the test where the answer has errors."""
        query = self.route.query(f"{self.text} {self.others}" if is_fused else self.text, ids)
        response = gateway.post({"query": query}, self.session.tenant, self.session.model.scopes)
        payload = response.json()
        answers = self.route.answers(payload.get("data"))
        if payload.get("errors") or len(answers) != len(ids):
            errors = "\n".join(f"  {error}" for error in read_answer(payload, response.status).errors[:5])
            pytest.fail(f"{self.field} was answered with errors:\n{errors}\n  query: {query[:1_000]}", pytrace=False)
        return dict(zip(ids, answers, strict=True))

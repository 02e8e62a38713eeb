"""The aircraft's entry in the register."""

from tests.truth.case import Case, Json, Row, iso_instant, share
from tests.truth.fleet import rank
from tests.truth.records import Revision


def _latest_of_all(case: Case) -> list[Revision]:
    return [max(revisions) for revisions in case.sample.register.values()]


def _entry(revision: Revision) -> Row:
    return {
        "manufacturer": revision.manufacturer,
        "model": revision.model,
        "year": revision.year,
        "seats": revision.seats,
        "engines": revision.engines,
        "engineType": revision.engine_type,
        "type": revision.type,
        "revision": revision.revision,
    }


def registration(case: Case) -> Json:
    """The latest revision."""
    latest = case.sample.latest(case.tail_number)
    return _entry(latest) if latest else None


def revisions(case: Case) -> Json:
    """Newest first."""
    return [
        {
            **_entry(revision),
            "recordedAt": iso_instant(revision.recorded_at),
            "recordedBy": revision.recorded_by,
            "reason": revision.reason,
        }
        for revision in reversed(case.sample.register.get(case.tail_number, []))
    ]


def age(case: Case) -> Json:
    """In the year of the latest revision."""
    latest = case.sample.latest(case.tail_number)
    if latest is None or latest.year is None:
        return None
    as_of = latest.recorded_at.year
    return {"yearBuilt": latest.year, "asOfYear": as_of, "years": as_of - latest.year}


def manufacturer_share(case: Case) -> Json:
    """By the manufacturer's name in the latest revisions."""
    latest = case.sample.latest(case.tail_number)
    if latest is None or latest.manufacturer is None:
        return None
    fleet = _latest_of_all(case)
    aircraft = sum(revision.manufacturer == latest.manufacturer for revision in fleet)
    return {"manufacturer": latest.manufacturer, "aircraft": aircraft, "share": share(aircraft, len(fleet))}


def seat_rank(case: Case) -> Json:
    """Among registered aircraft whose seats are known."""
    latest = case.sample.latest(case.tail_number)
    if latest is None or latest.seats is None:
        return None
    seats = [float(revision.seats) for revision in _latest_of_all(case) if revision.seats is not None]
    place, fewer = rank(latest.seats, seats)
    return {"seats": latest.seats, "rank": place, "aircraft": len(seats), "percentile": fewer}

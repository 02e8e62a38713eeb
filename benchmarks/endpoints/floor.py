"""The floor: what a good engineer would write by hand for exactly these answers, without GraphQL.

`python -m benchmarks.endpoints.floor PORT`. Each endpoint takes `{"ids": […]}` and answers the GraphQL answer's JSON.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.endpoints.everything import everything
from benchmarks.endpoints.serving import CountedStores, application, serve

MAX_IDS = 5_000

_REGISTER = """
select tail_number, revision is not null, manufacturer, model, year, seats
from aircraft
where tail_number = any($1::text[])
"""
_AIRLINES = "select code, name from airline where code = any($1::text[])"

_FIGURES = """
select
    tail_number,
    nullIf(arraySort(pair -> (-toInt64(pair.2), pair.1), arrayZip(
        sumMap([toString(carrier)], [toUInt32(1)]).1, sumMap([toString(carrier)], [toUInt32(1)]).2
    ))[1].1, ''),
    count(),
    avg(arrival_delay),
    toFloat64(quantileExact(0.95)(arrival_delay)),
    countIf(on_time) / nullIf(countIf(completed), 0),
    sum(ifNull(air_time, 0)) / 60,
    sumIf(distance, departed),
    uniqExact(destination),
    countIf(cancelled),
    countIf(cancelled) / count()
from flights
where tail_number in {ids:Array(String)}
group by tail_number
"""
_MONTHS = """
select tail_number, toStartOfMonth(date) as month, count(), avg(arrival_delay)
from flights
where tail_number in {ids:Array(String)}
group by tail_number, month
order by tail_number, month
settings optimize_aggregation_in_order = 1
"""

Answer = Callable[[CountedStores, list[str]], Awaitable[list[Any]]]
Figures = dict[str, tuple[str | None, dict[str, Any]]]
"""Main carrier and analysis by tail number."""


async def dashboard(stores: CountedStores, ids: list[str]) -> list[Any]:
    """Two waves: figures and register at once, then the airlines that the figures name."""
    asked = list(dict.fromkeys(ids))
    register, answer = await asyncio.gather(
        stores.postgres.rows(_REGISTER, asked), stores.clickhouse.unproven(_FIGURES, {"ids": asked})
    )
    figures = _figures(answer.columns)
    return _aircraft(ids, register, figures, await _airlines(stores, figures))


async def trends(stores: CountedStores, ids: list[str]) -> list[Any]:
    """The same, and the months beside them in a statement of their own: joined to the figures it takes longer."""
    asked = list(dict.fromkeys(ids))
    register, answer, months = await asyncio.gather(
        stores.postgres.rows(_REGISTER, asked),
        stores.clickhouse.unproven(_FIGURES, {"ids": asked}),
        stores.clickhouse.unproven(_MONTHS, {"ids": asked}),
    )
    figures = _figures(answer.columns)
    airlines = await _airlines(stores, figures)
    monthly: dict[str, list[dict[str, Any]]] = {key: [] for key in asked}
    for key, month, flights, delay in zip(*months.columns, strict=True):
        monthly[key].append({"month": month, "flights": flights, "meanArrivalDelay": delay})
    for key, (_, analysis) in figures.items():
        analysis["monthly"] = monthly[key]
    return _aircraft(ids, register, figures, airlines, monthly=[])


async def _airlines(stores: CountedStores, figures: Figures) -> dict[str | None, Any]:
    codes = {carrier for carrier, _ in figures.values()} - {None}
    rows = await stores.postgres.rows(_AIRLINES, list(codes)) if codes else []
    return {code: {"code": code, "name": name} for code, name in rows}


def _figures(columns: Sequence[Sequence[Any]]) -> Figures:
    return {
        key: (
            carrier,
            {
                "punctuality": {
                    "flights": flights,
                    "meanArrivalDelay": mean,
                    "p95ArrivalDelay": p95,
                    "onTimeShare": share,
                },
                "utilization": {"hoursFlown": hours, "distanceMiles": miles, "destinations": destinations},
                "cancellations": {"cancelled": cancelled, "share": cancelled_share},
            },
        )
        for key, carrier, flights, mean, p95, share, hours, miles, destinations, cancelled, cancelled_share in zip(
            *columns, strict=True
        )
    }


def _aircraft(
    ids: Sequence[str], register: Sequence[Any], figures: Figures, airlines: Mapping[str | None, Any], **empty: Any
) -> list[Any]:
    nothing = (None, _NO_FLIGHTS | empty)
    result = {}
    for key, registered, manufacturer, model, year, seats in register:
        carrier, analysis = figures.get(key, nothing)
        registration = {"manufacturer": manufacturer, "model": model, "year": year, "seats": seats}
        result[key] = {
            "id": key,
            "registration": registration if registered else None,
            "operator": airlines.get(carrier),
            "analysis": analysis,
        }
    return [result.get(key) for key in ids]


_NO_FLIGHTS = {
    "punctuality": {"flights": 0, "meanArrivalDelay": None, "p95ArrivalDelay": None, "onTimeShare": None},
    "utilization": {"hoursFlown": 0, "distanceMiles": 0, "destinations": 0},
    "cancellations": {"cancelled": 0, "share": None},
}


def endpoint(answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    """Ids in, orjson bytes out."""

    async def answered(request: Request) -> Response:
        ids = orjson.loads(await request.body())["ids"]
        if len(ids) > MAX_IDS or not all(type(key) is str for key in ids):
            return Response("ids: at most 5,000 strings", 400)
        aircraft = await answer(request.app.state.stores, ids)
        return Response(orjson.dumps({"data": {"aircraftByIds": aircraft}}), media_type="application/json")

    return answered


if __name__ == "__main__":
    answers: tuple[Answer, ...] = (dashboard, trends, everything)
    serve(application([Route(f"/{each.__name__}", endpoint(each), methods=["POST"]) for each in answers]))

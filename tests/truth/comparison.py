"""The aircraft beside others."""

from tests.truth.case import Case, Json, by_flights, grouped, mean, mean_delay
from tests.truth.fleet import fleet, rank


def _model(case: Case) -> str | None:
    latest = case.sample.latest(case.tail_number)
    return latest.model if latest else None


def peers(case: Case) -> Json:
    """Registered aircraft of the same model, whenever they flew."""
    model = _model(case)
    if model is None:
        return None
    latest = [case.sample.latest(tail_number) for tail_number in case.sample.register]
    seats = [revision.seats for revision in latest if revision and revision.model == model]
    return {
        "model": model,
        "count": len(seats),
        "meanSeats": mean(number for number in seats if number is not None),
    }


def model_benchmark(case: Case) -> Json:
    """All flights of the model's registered aircraft."""
    model = _model(case)
    tally = fleet(case.sample, case.period).of_model.get(model) if model else None
    return {"model": model, **tally.as_row()} if tally else None


def carrier_benchmark(case: Case) -> Json:
    """All flights of the airline that flew most of the aircraft's flights in the period."""
    ranked = by_flights(grouped(case.flights, lambda flight: flight.carrier))
    if not ranked:
        return None
    code = ranked[0][0]
    tally = fleet(case.sample, case.period).of_airline[code]
    return {"code": code, "airline": case.airline(code), **tally.as_row()}


def fleet_rank(case: Case) -> Json:
    """Among all named aircraft with a completed flight in the period."""
    shares = fleet(case.sample, case.period).on_time_shares
    own = shares.get(case.tail_number)
    if own is None:
        return None
    place, lower = rank(own, list(shares.values()))
    return {"onTimeShare": own, "percentile": lower, "rank": place, "aircraft": len(shares)}


def route_benchmark(case: Case) -> Json:
    """Each of its routes beside all flights of the period on it."""
    routes = fleet(case.sample, case.period).of_route
    rows: list[Json] = []
    for ends, flights in by_flights(grouped(case.flights, lambda flight: (flight.origin, flight.destination))):
        own, all_flights = mean_delay(flights), routes[ends].mean_delay
        rows.append(
            {
                "origin": ends[0],
                "destination": ends[1],
                "flights": len(flights),
                "meanArrivalDelay": own,
                "routeFlights": routes[ends].flights,
                "routeMeanArrivalDelay": all_flights,
                "difference": None if own is None or all_flights is None else own - all_flights,
            }
        )
    return rows

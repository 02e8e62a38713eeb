"""Weather as ClickHouse's columns, one row an airport and hour."""

from collections.abc import Sequence
from datetime import datetime

from deploy.fleet.sample import files
from deploy.fleet.sample.files import real

# Our columns by the file's; every one of them may be missing.
_MEASURES = {
    "temp": "temperature_f",
    "dewp": "dew_point_f",
    "humid": "humidity_percent",
    "wind_dir": "wind_direction_degrees",
    "wind_speed": "wind_speed_mph",
    "wind_gust": "wind_gust_mph",
    "precip": "precipitation_inches",
    "pressure": "pressure_millibars",
    "visib": "visibility_miles",
}


def columns() -> dict[str, Sequence[object]]:
    """Return the whole file in its order, by our columns' names. Each airport and hour is in it once."""
    rows = files.records("weather.csv")
    return {
        "origin": [row["origin"] for row in rows],
        "observed_at": [datetime.fromisoformat(row["time_hour"]) for row in rows],
        **{ours: [real(row[theirs]) for row in rows] for theirs, ours in _MEASURES.items()},
    }

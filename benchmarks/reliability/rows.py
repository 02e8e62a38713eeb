"""The rows of the table: what is done to the gateway, what 0.1.0 did, and the goal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table, without today's figure."""

    what: str
    before: str
    """What 0.1.0 did."""
    goal: str


SILENT_CLICKHOUSE: Final = Row(
    "ClickHouse stopped, a black hole, a slow drip",
    "31 s until the partial answer",
    "within the deadline; from the breaker at once",
)
SILENT_POSTGRES: Final = Row(
    "PostgreSQL a black hole",
    "31 to 36 s, then the whole answer refused",
    "its own fields are null or stale, the rest answers",
)
GARBLED_POSTGRES: Final = Row("PostgreSQL answers garbage", SILENT_POSTGRES.before, SILENT_POSTGRES.goal)
REFUSED_POSTGRES: Final = Row(
    "PostgreSQL away (refused)", "every aircraft refused", "aircraft that ClickHouse knows are answered"
)
DAMAGED: Final = Row(
    "Damaged answers of both databases (100 seeds)",
    "zeros for aircraft that fly, served from the cache later",
    "0 wrong values, 0 kept",
)
LEFT: Final = Row(
    "A client leaves during a statement of PostgreSQL", "the statement runs on for 29 s", "cancelled within 100 ms"
)
RESET_REDIS: Final = Row("Redis connections reset, 800 requests", "40 refused", "0 refused, nothing in the log")
AWAY_CPU: Final = Row(
    "ClickHouse away: dashboard of 500 ids",
    "313 ms CPU instead of 15, /livez up to 2.4 s",
    "at most twice the CPU of success, /livez under 50 ms",
)
BURST: Final = Row(
    "ClickHouse a black hole for 5 s at 15 requests/s",
    "the last bad answer 24.7 s after its end",
    "within 2 s of its end",
)
CODES: Final = Row("The code of a failed field", "INTERNAL_SERVER_ERROR", "STORE_UNAVAILABLE or STORE_TIMEOUT")
READY: Final = Row("/readyz in a black hole", "31 s (ClickHouse), 36 s (PostgreSQL)", "within 1 s")
MEMORY: Final = Row(
    "Memory after a soak of a minute and a rest", "82 to 204 to 323 MB, not returned", "within 20 % of the start"
)
OVER_HTTP2: Final = Row(
    "5,000 GETs through the edge over one and six HTTP/2 connections",
    "4,000 fail over one; 529 are 500 over six",
    "all 2xx",
)
STOPPED: Final = Row(
    "SIGTERM with 100 requests whose statements hang",
    "8 are 500 and 5 partial, after 15 s",
    "all are answered or get their deadline's answer; ends in the set time",
)

"""Requests a second of a gateway's answer and of a bare application's, by `wrk` (a Debian package).

A generator in Python would be slower than what it asks.
"""

import re
import statistics
import subprocess
from dataclasses import dataclass

CONNECTIONS = 16
SECONDS = 4


@dataclass(frozen=True, slots=True)
class Rates:
    """Requests a second for an answer of so many bytes, the medians of the rounds."""

    bytes: int
    rounds: int
    gateway_per_s: float
    bare_per_s: float

    @property
    def ratio(self) -> float:
        """The gateway's, of the bare application's."""
        return self.gateway_per_s / self.bare_per_s


def measure_rates(wrk: str, gateway: str, bare: str, size: int, rounds: int, seconds: int = SECONDS) -> Rates:
    """Both URLs asked again and again, in turns; `size` is the bytes of an answer."""
    runs = [(requests_per_s(wrk, gateway, seconds), requests_per_s(wrk, bare, seconds)) for _ in range(rounds)]
    gateway_runs, bare_runs = zip(*runs, strict=True)
    return Rates(size, rounds, statistics.median(gateway_runs), statistics.median(bare_runs))


def requests_per_s(wrk: str, url: str, seconds: int) -> float:
    """Return how many requests a second a URL answers. Raises RuntimeError for any status but 200."""
    command = [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", url]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    result = re.search(r"Requests/sec:\s+([\d.]+)", text)
    if result is None or "Non-2xx" in text:
        raise RuntimeError(f"wrk: {text}")
    return float(result.group(1))

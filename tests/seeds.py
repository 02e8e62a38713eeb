"""Seeds of random tests."""

import time
from collections.abc import Iterator

import pytest


def seeds_of(request: pytest.FixtureRequest, few: int) -> Iterator[int]:
    """Yield the same few seeds each time, or new ones for as long as `--fuzz-seconds` says."""
    seconds = float(request.config.getoption("--fuzz-seconds", default=0.0))
    if not seconds:
        yield from range(few)
        return
    end = time.monotonic() + seconds
    seed = time.time_ns() // 1_000_000
    while time.monotonic() < end:
        yield seed
        seed += 1

"""How long the random tests go on."""

import time
from collections.abc import Iterator

import pytest

_SHORT_CASES = 20


@pytest.fixture
def seeds(request: pytest.FixtureRequest) -> Iterator[int]:
    """The same few seeds each time, or new ones for as long as the option says."""
    seconds = float(request.config.getoption("--fuzz-seconds", default=0.0))
    return _new_seeds(seconds) if seconds else iter(range(_SHORT_CASES))


def _new_seeds(seconds: float) -> Iterator[int]:
    end = time.monotonic() + seconds
    seed = time.time_ns() // 1_000_000
    while time.monotonic() < end:
        yield seed
        seed += 1

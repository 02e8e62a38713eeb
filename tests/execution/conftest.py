"""How long the random tests go on."""

from collections.abc import Iterator

import pytest

from tests.seeds import seeds_of


@pytest.fixture
def seeds(request: pytest.FixtureRequest) -> Iterator[int]:
    """The same twenty each time, or new ones for as long as the option says."""
    return seeds_of(request, 20)

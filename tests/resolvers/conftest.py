"""Aircraft to ask for."""

import pytest

from tests.conftest import Stores


@pytest.fixture(scope="session")
async def busiest(sample_stores: Stores) -> list[str]:
    """All 4,043 tail numbers, the busiest first."""
    answer = await sample_stores.clickhouse.columns(
        "select tail_number from flights where tail_number != '' group by tail_number"
        " order by count() desc, tail_number",
        {},
    )
    return list(answer.columns[0])

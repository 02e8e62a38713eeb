"""The sample's truth, and the gateway that is to agree with it."""

import pytest

from tests.conftest import Stores
from tests.truth.data import Sample, read_sample
from tests.truth.gateway import Gateway


@pytest.fixture(scope="session")
def sample() -> Sample:
    """The files, read once."""
    return read_sample()


@pytest.fixture(scope="session")
def gateway(sample_stores: Stores) -> Gateway:
    """The schema over the sample in both stores."""
    return Gateway(sample_stores.postgres, sample_stores.clickhouse)

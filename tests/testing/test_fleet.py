"""Some generated tests of the sample fleet."""

import pytest

from fuseway.testing.checks import *  # noqa: F403 (as teams do)

pytestmark = pytest.mark.fuseway_model("deploy.fleet.model", cases=4)

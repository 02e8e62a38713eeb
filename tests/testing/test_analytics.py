"""Some generated tests of the analytics sample, which has tenants."""

import pytest

from fuseway.testing.checks import *  # noqa: F403 (as teams do)

pytestmark = pytest.mark.fuseway_model("deploy.analytics.model", cases=6)

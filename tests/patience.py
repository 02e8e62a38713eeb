"""Timeouts for Redis that a loaded machine keeps: a gateway that finds Redis late answers without the cache.

Tests of what happens when Redis is late set short ones themselves.
"""

from typing import Any

PATIENCE_S = 10.0
REDIS_SETTINGS: dict[str, Any] = {"cache_timeout_s": PATIENCE_S, "redis_timeout_s": PATIENCE_S}
"""For `Settings` of an application in the test's process."""
REDIS_ENVIRONMENT = {"GATEWAY_CACHE_TIMEOUT_S": f"{PATIENCE_S:g}", "GATEWAY_REDIS_TIMEOUT_S": f"{PATIENCE_S:g}"}
"""For gateways in processes of their own."""
REQUEST_ENVIRONMENT = {"GATEWAY_REQUEST_TIMEOUT_S": "60"}
"""For gateways in processes of their own: the largest requests take longer there than clients would wait."""

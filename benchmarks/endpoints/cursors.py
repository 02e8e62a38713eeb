"""Cursors as a hand would write them: the values that a row is ordered by, which anybody can read."""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

import orjson


def cursor_of(values: Sequence[Any]) -> str:
    """Return the cursor of a row from the values of its order."""
    return urlsafe_b64encode(orjson.dumps(values)).decode().rstrip("=")

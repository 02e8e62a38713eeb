"""Cursors of pages: where a row stands in its list, sealed, so that only the gateway can read or make one."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import secrets
from collections.abc import Sequence
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from loaders.errors import CallerError

MAX_CURSOR_CHARACTERS = 8_000
"""A cursor is no longer than what was sealed; a longer one is refused unread."""
_DATE, _INSTANT = "d", "t"
_PLAIN = frozenset({str, int, float, bool, type(None)})
"""Types of values that JSON holds as they are."""


class CursorSealer:
    """Seals the values that a row is ordered by, and opens what it sealed.

    A cursor is encrypted and authenticated. Values of columns that a viewer may not read do not leave by it, and
    cannot be found out by asking for what follows a guess. The same values make the same cursor. Processes that have
    the same secret open each other's cursors.
    """

    def __init__(self, secret: bytes | None = None) -> None:
        self._cipher = AESSIV(hashlib.sha256(secret or secrets.token_bytes(32)).digest())

    def seal(self, values: Sequence[Any], list_identity: str, tenant: str) -> str:
        """Return the cursor of a row with these values in a list of a tenant; no other list or tenant can use it.

        `tenant` is the text of the tenant's key, empty for a model without tenants.
        """
        written = orjson.dumps([value if type(value) in _PLAIN else _to_json(value) for value in values])
        sealed = self._cipher.encrypt(written, _associated_data(list_identity, tenant))
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def open(self, cursor: str, list_identity: str, tenant: str) -> tuple[Any, ...]:
        """Return the values. Raises CallerError where the cursor is not one of this tenant's list in this order."""
        try:
            if len(cursor) > MAX_CURSOR_CHARACTERS:
                raise ValueError(cursor)
            sealed = base64.b64decode(cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            values = orjson.loads(self._cipher.decrypt(sealed, _associated_data(list_identity, tenant)))
        except (InvalidTag, binascii.Error, ValueError) as error:
            raise CallerError(
                f"after: {cursor[:40]!r} is not a cursor of this list in this order: take one from the list's answers."
            ) from error
        return tuple(map(_from_json, values))


def _associated_data(list_identity: str, tenant: str) -> list[bytes]:
    return [list_identity.encode(), tenant.encode()]


def _to_json(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return [_INSTANT, value.isoformat()]
    return [_DATE, value.isoformat()] if isinstance(value, dt.date) else value


def _from_json(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    kind, text = value
    return dt.datetime.fromisoformat(text) if kind == _INSTANT else dt.date.fromisoformat(text)

"""Cursors of pages: where a row stands in its list, sealed, so that only the gateway can read or make one."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections.abc import Callable, Sequence
from itertools import starmap
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from loaders.errors import CallerError
from loaders.model.scalars import Scalar

MAX_CURSOR_CHARACTERS = 8_000
"""A cursor is no longer than what was sealed; a longer one is refused unread."""
_URL_SAFE, _PADDING = bytes.maketrans(b"+/", b"-_"), b"=\n"
Seal = Callable[[Sequence[Any]], str]
"""Returns the cursor of the row that is ordered by some values."""


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
        return self.of_list(list_identity, tenant)(values)

    def of_list(self, list_identity: str, tenant: str) -> Seal:
        """Return a function that seals the values of rows of one list. It raises TypeError for what is no value."""
        encrypt, associated_data = self._cipher.encrypt, _associated_data(list_identity, tenant)

        def seal(values: Sequence[Any]) -> str:
            sealed = binascii.b2a_base64(encrypt(orjson.dumps(values), associated_data))
            return sealed.translate(_URL_SAFE, _PADDING).decode()

        return seal

    def open(self, cursor: str, list_identity: str, tenant: str, scalars: Sequence[Scalar]) -> tuple[Any, ...]:
        """Decrypt a cursor and return its values, parsed as these scalars.

        Raises CallerError if the cursor was not made for this tenant, list and order.
        """
        try:
            if len(cursor) > MAX_CURSOR_CHARACTERS:
                raise ValueError(cursor)
            sealed = base64.b64decode(cursor.encode() + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            values = orjson.loads(self._cipher.decrypt(sealed, _associated_data(list_identity, tenant)))
            return tuple(starmap(_from_json, zip(scalars, values, strict=True)))
        except (InvalidTag, binascii.Error, ValueError) as error:
            raise CallerError(
                f"after: {cursor[:40]!r} is not a cursor of this list in this order: take one from the list's answers."
            ) from error


def _associated_data(list_identity: str, tenant: str) -> list[bytes]:
    return [list_identity.encode(), tenant.encode()]


def _from_json(scalar: Scalar, value: Any) -> Any:
    return value if value is None or scalar.from_json is None else scalar.from_json(value)

"""Authentication: one user with a password, sent as in ClickHouse's HTTP interface."""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.datastructures import Headers

from deploy.embedded.clickhouse_http.errors import AUTHENTICATION_FAILED, ClickHouseError


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user's name and password."""

    user: str
    password: str

    def check(self, headers: Headers, query_string: bytes) -> None:
        """Raise ClickHouseError (403) unless the request names this user and password."""
        value = _given(headers, query_string)
        user_is_right = hmac.compare_digest(value.user.encode(), self.user.encode())
        if not (hmac.compare_digest(value.password.encode(), self.password.encode()) and user_is_right):
            message = f"{value.user}: Authentication failed: password is incorrect, or there is no user with such name."
            raise ClickHouseError(AUTHENTICATION_FAILED, "AUTHENTICATION_FAILED", message)


def _given(headers: Headers, query_string: bytes) -> Credentials:
    """The header pair first, then HTTP's Basic scheme, then the URL; nothing means `default` without a password."""
    if "x-clickhouse-user" in headers or "x-clickhouse-key" in headers:
        return Credentials(headers.get("x-clickhouse-user", "default"), headers.get("x-clickhouse-key", ""))
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return Credentials("", "")
        return Credentials(user, password)
    url = dict(parse_qsl(query_string.decode("latin-1"))) if b"user=" in query_string else {}
    return Credentials(url.get("user", "default"), url.get("password", ""))

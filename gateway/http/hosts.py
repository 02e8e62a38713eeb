"""Check the `Host` of requests, so that no page can reach the gateway by DNS rebinding."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

import orjson
from starlette.responses import Response

from gateway.http.cors_settings import ALL, canonical_host, split
from gateway.http.security_headers import SAFE
from gateway.setting import SettingsError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Collection

    from starlette.types import ASGIApp, Receive, Scope, Send

VARIABLE = "GATEWAY_ALLOWED_HOSTS"


def parse_allowed_hosts(text: str) -> frozenset[str]:
    """Return hosts as they are compared, `*` for all. Raises SettingsError for an entry that is no host."""
    return frozenset(map(_entry, split(text)))


class AllowedHostsMiddleware:
    """ASGI middleware that answers 421 unless `Host` is one of `hosts` or a name of this machine.

    Requests for the paths in `probes` may name any address, or no host: probes are sent to a pod's address, which is
    not known in advance. DNS rebinding needs a host name.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str], probes: Collection[str]) -> None:
        self._app = app
        self._hosts = hosts
        self._probes = probes

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request."""
        if scope["type"] != "http":
            return self._app(scope, receive, send)
        sent = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        is_probe = scope["path"] in self._probes
        if is_probe and not any(sent):
            return self._app(scope, receive, send)
        unknown = [host for host in sent or [""] if not _is_allowed(host, self._hosts, is_probe=is_probe)]
        return (_refusal(unknown[0]) if unknown else self._app)(scope, receive, send)


def _is_allowed(text: str, hosts: Collection[str], *, is_probe: bool) -> bool:
    name, colon, port = text.lower().rpartition(":")
    host = name if colon and (not port or port.isdigit()) else text.lower()
    host = host.removesuffix(".")
    if host in hosts or host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return is_probe or address.is_loopback or _written(str(address)) in hosts


def _written(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _entry(entry: str) -> str:
    if entry == ALL:
        return ALL
    try:
        text = entry.lower().removesuffix(".")
        return canonical_host(f"[{text}]" if text.count(":") > 1 and not text.startswith("[") else text)
    except ValueError as error:
        must = f"{VARIABLE} must be hosts like shop.example or 10.1.2.3, without scheme, port and path, or `*`"
        raise SettingsError(f"{must}, and {entry[:100]!r} is none: {error}.") from None


def _refusal(host: str) -> Response:
    message = f"This gateway does not answer for the host {host[:100]!r}: {VARIABLE} can add it."
    body = {"errors": [{"message": message, "extensions": {"code": "MISDIRECTED_REQUEST"}}]}
    return Response(orjson.dumps(body), 421, {"Cache-Control": "no-store", **SAFE}, "application/json; charset=utf-8")

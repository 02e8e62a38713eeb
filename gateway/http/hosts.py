"""The hosts that requests may be for: a page whose host is made to lead here (DNS rebinding) is answered nothing."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

import orjson
from starlette.responses import Response

from gateway.http.cors_settings import ALL, canonical_host, split
from gateway.http.sniffing import SAFE
from gateway.setting import SettingsError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Collection

    from starlette.types import ASGIApp, Receive, Scope, Send

VARIABLE = "GATEWAY_ALLOWED_HOSTS"


def parse_allowed_hosts(text: str) -> frozenset[str]:
    """Return hosts as they are compared, `*` for all. Raises SettingsError for an entry that is no host."""
    return frozenset(map(_entry, split(text)))


def allowed_hosts(app: ASGIApp, hosts: Collection[str], probes: Collection[str]) -> ASGIApp:
    """Return the application for requests whose `Host` is one of these or this machine's own; 421 for others.

    Probes may ask by any address, or without a host: they are sent to a pod's address, which nobody knows before. No
    page can be made to lead here by an address.
    """
    if ALL in hosts:
        return app

    def checked(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "http":
            return app(scope, receive, send)
        given = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        is_probe = scope["path"] in probes
        if is_probe and not any(given):
            return app(scope, receive, send)
        refused = [host for host in given or [""] if not _is_allowed(host, hosts, is_probe=is_probe)]
        return (_refusal(refused[0]) if refused else app)(scope, receive, send)

    return checked


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
        must = f"{VARIABLE} must be hosts like fleet.example or 10.1.2.3, without scheme, port and path, or `*`"
        raise SettingsError(f"{must}, and {entry[:100]!r} is none: {error}.") from None


def _refusal(host: str) -> Response:
    message = f"This gateway does not answer for the host {host[:100]!r}: {VARIABLE} can add it."
    body = {"errors": [{"message": message, "extensions": {"code": "MISDIRECTED_REQUEST"}}]}
    return Response(orjson.dumps(body), 421, {"Cache-Control": "no-store", **SAFE}, "application/json; charset=utf-8")

"""Parse the settings for pages of other origins: their origins, and the headers that they may send."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from gateway.setting import SettingsError

ORIGINS, HEADERS = "GATEWAY_CORS_ORIGINS", "GATEWAY_CORS_HEADERS"
ALL = "*"

_DEFAULT_PORTS = {"http": 80, "https": 443}
_APP_SCHEMES = frozenset(
    {"app", "capacitor", "chrome-extension", "ionic", "moz-extension", "safari-web-extension", "tauri"}
)
"""Schemes of browser extensions and of apps around a web view. Any other than these never is a page's that asks."""
_ORIGIN = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>\[[^\]/]*\]|[^:/?#@\[\]]*)(?::(?P<port>[0-9]{0,8}))?")
_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_TOKEN = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
_FORBIDDEN = frozenset(
    {
        *("accept-charset", "accept-encoding", "connection", "content-length", "cookie", "date", "dnt", "expect"),
        *("host", "keep-alive", "origin", "referer", "te", "trailer", "transfer-encoding", "upgrade", "via"),
    }
)
"""Headers that browsers let no page set (https://fetch.spec.whatwg.org/#forbidden-request-header)."""


def parse_origins(text: str) -> frozenset[str]:
    """Return origins as browsers send them, `*` for all. Raises SettingsError for an entry that is none.

    Upper case, a default port and a slash at the end are put right: what is meant is certain, and a browser's `Origin`
    never has them.
    """
    return frozenset(map(_origin, split(text)))


def parse_headers(text: str) -> tuple[str, ...]:
    """Return names of headers in lower case. Raises SettingsError for an entry that no page can send."""
    return tuple(map(_header, split(text)))


def split(text: str) -> list[str]:
    """Return the entries of a list, which are separated by commas or blanks and may be in quotes."""
    return [entry for part in text.replace(",", " ").split() if (entry := part.strip("\"'"))]


def _origin(entry: str) -> str:
    if entry == ALL:
        return ALL
    match = _ORIGIN.fullmatch(entry.lower().removesuffix("/"))
    if match is None:
        raise _no_origin(entry, _reason(entry))
    scheme, port = match["scheme"], int(match["port"] or 0)
    if scheme not in _DEFAULT_PORTS and scheme not in _APP_SCHEMES:
        raise _no_origin(entry, "pages have http or https")
    if port > 65_535 or (match["port"] and not port):
        raise _no_origin(entry, "a port is from 1 to 65535")
    try:
        host = canonical_host(match["host"])
    except ValueError as error:
        raise _no_origin(entry, str(error)) from None
    return f"{scheme}://{host}" + (f":{port}" if port and port != _DEFAULT_PORTS.get(scheme) else "")


def canonical_host(host: str) -> str:
    """Return a host in lower case as browsers write it. Raises ValueError, which says why it is none."""
    try:
        if host.startswith("["):
            return f"[{_ipv6(host.removeprefix('[').removesuffix(']'))}]"
        if _NUMBER.fullmatch(host.removesuffix(".").rpartition(".")[2]):
            return str(IPv4Address(host))
    except AddressValueError:
        raise ValueError(f"{host} is no address") from None
    if not host.isascii():
        raise ValueError("a browser sends such a host in Punycode (xn--…): write that")
    if "*" in host:
        raise ValueError("`*` stands for all and for no part of one: list each host")
    if not _HOST.fullmatch(host):
        raise ValueError(f"{host!r} is no host")
    return host


def _ipv6(text: str) -> str:
    """Return the address as browsers write it: without a zone, and with IPv4's part in hexadecimal digits."""
    address = IPv6Address(text)
    if address.scope_id is not None:
        raise AddressValueError(text)
    mapped = address.ipv4_mapped
    return f"::ffff:{int(mapped) >> 16:x}:{int(mapped) & 0xFFFF:x}" if mapped is not None else str(address)


def _reason(entry: str) -> str:
    if entry.lower() == "null":
        return "`null` is the origin of any page that hides its own"
    if "://" not in entry:
        return "it lacks http:// or https://"
    if "@" in entry:
        return "an origin has no user"
    return "an origin has no path or query" if re.search(r"://[^/?#]+[/?#]", entry) else "it cannot be read"


def _no_origin(entry: str, reason: str) -> SettingsError:
    must = f"{ORIGINS} must be origins like https://dashboard.example or http://localhost:3000, or `*`"
    return SettingsError(f"{must}, and {entry[:100]!r} is none: {reason}.")


def _header(entry: str) -> str:
    name = entry.lower()
    if name == ALL:
        raise SettingsError(f"{HEADERS} must name each header: `*` would leave out Authorization.")
    if not _TOKEN.fullmatch(name):
        raise SettingsError(f"{HEADERS} must be names of headers, and {entry[:100]!r} is none.")
    if name in _FORBIDDEN or name.startswith(("sec-", "proxy-", "access-control-request-")):
        raise SettingsError(f"{HEADERS} must be headers that pages can set, and browsers let none set {entry[:100]!r}.")
    return name

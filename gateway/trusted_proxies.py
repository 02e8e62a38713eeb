"""Take a client's address and scheme from the headers of trusted proxies."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

from gateway.setting import SettingsError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

    from starlette.types import ASGIApp, Receive, Scope, Send

VARIABLE = "GATEWAY_TRUSTED_PROXIES"
NOBODY = "none"
FROM_PROXY = "gateway.from_proxy"
"""The key in the scope of a request that a trusted proxy has sent; only such a proxy may set some other headers."""

_MAPPED = IPv6Network("::ffff:0:0/96")
_MAX_HOPS = 32
"""Entries of X-Forwarded-For that are looked at: the client writes what it likes before the proxies' own."""

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class TrustedProxies:
    """A set of addresses and networks, in which an IPv4 address is the same in IPv6's notation (`::ffff:…`)."""

    def __init__(self, networks: Iterable[Network]) -> None:
        self._networks = tuple(networks)
        self.is_trusted_host = lru_cache(4_096)(self._is_trusted_host)

    @classmethod
    def parse(cls, text: str) -> TrustedProxies:
        """Read the setting. Raises SettingsError for an entry that is neither an address nor a network."""
        entries = text.replace(",", " ").split()
        return cls(() if entries == [NOBODY] else map(_network, entries))

    def _is_trusted_host(self, host: str) -> bool:
        address = parse_address(host)
        return address is not None and self.is_trusted(address)

    def is_trusted(self, address: Address) -> bool:
        """Return whether the address is one of theirs."""
        return any(address in network for network in self._networks)

    def apply(self, scope: Scope) -> None:
        """Put the client's own address and scheme into the scope of a request that a trusted proxy has sent."""
        peer = scope.get("client")
        if not peer or not self.is_trusted_host(peer[0]):
            return
        scope[FROM_PROXY] = True
        hops: list[bytes] = []
        for name, value in scope["headers"]:
            if name == b"x-forwarded-for":
                hops.append(value)
            elif name == b"x-forwarded-proto":
                scheme = value.rpartition(b",")[2].strip().lower()
                if scheme in (b"http", b"https"):
                    scope["scheme"] = scheme.decode()
        if hops:
            scope["client"] = self._client(b",".join(hops).decode("latin-1")) or peer

    def _client(self, forwarded_for: str) -> tuple[str, int] | None:
        """Return the rightmost address that is not a proxy's; the leftmost where all are.

        Each proxy adds on the right whom it was asked by, so everything left of the first untrusted address is what
        that one claims. An entry that is no address ends the walk: the client is then the proxy that reported it, so
        that made-up entries do not each have a budget of their own. None where the first one is none.
        """
        client: Address | None = None
        for entry in reversed(forwarded_for.rsplit(",", _MAX_HOPS)[-_MAX_HOPS:]):
            address = _hop(entry.strip())
            if address is None:
                break
            client = address
            if not self.is_trusted(address):
                break
        return (str(client), 0) if client is not None else None


class TrustedProxiesMiddleware:
    """ASGI middleware that sets a request's client address and scheme to what a trusted proxy reports."""

    def __init__(self, app: ASGIApp, trusted: TrustedProxies) -> None:
        self._app = app
        self._trusted = trusted

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request."""
        if scope["type"] != "lifespan":
            self._trusted.apply(scope)
        return self._app(scope, receive, send)


def parse_address(text: str) -> Address | None:
    """Return the address, as IPv4 if it is mapped into IPv6; None if the text is not an address."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _hop(entry: str) -> Address | None:
    """Return the address of an entry, which may have quotes, brackets and a port."""
    entry = entry.strip('"')
    if entry.startswith("["):
        address, bracket, _port = entry[1:].partition("]")
        return parse_address(address) if bracket else None
    return parse_address(entry.partition(":")[0] if entry.count(":") == 1 else entry)


def _network(entry: str) -> Network:
    try:
        network = ip_network(entry)
    except ValueError as error:
        raise SettingsError(_sentence(entry)) from error
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        mapped = network.network_address.ipv4_mapped
        return IPv4Network((int(mapped or 0), network.prefixlen - _MAPPED.prefixlen))
    return network


def _sentence(entry: str) -> str:
    must = f"{VARIABLE} must be addresses and networks (such as 10.1.2.3 or 10.0.0.0/8), or {NOBODY}"
    if entry == "*":
        return f"{must}: with `*` any client could choose its address. 0.0.0.0/0 and ::/0 together trust everyone."
    try:
        return f"{must}, and {entry!r} is not the start of a network; {ip_network(entry, strict=False)} is."
    except ValueError:
        return f"{must}, and {entry!r} is none of these."

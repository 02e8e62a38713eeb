"""The syntax of a store URL: `scheme://user:password@host:port,host:port/path?option=value`, in decoded parts.

Stricter than the standard parsers, which read a password that was not percent-encoded in different ways: one takes the
first `@` for the end of the password, another the last, and a `/`, `?` or `#` ends it as well. What is left of it would
be taken for a host, and printed. Such a URL is refused, and no message repeats any of it.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import unquote

_ENCODE = (
    "holds a character that must be percent-encoded in a user name, a password or an option:"
    " @ as %40, : as %3A, / as %2F, ? as %3F, # as %23, [ as %5B, ] as %5D, % as %25, + as %2B, & as %26"
)
_HOST = "has a host that is neither a name, nor an IPv4 address, nor an IPv6 address in brackets"
_PORT = "has a port that is not a number from 1 to 65535"
_PRINTABLE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_HOST_NAME = re.compile(r"[^\W_]([\w.-]*\w)?\.?|_[\w.-]*\w")


class MalformedURLError(ValueError):
    """A URL that cannot be read. The message follows the variable's name and repeats nothing of the URL."""


@dataclass(frozen=True, slots=True)
class URLParts:
    """The decoded parts of a URL. A host without a port has the port 0."""

    scheme: str
    hosts: tuple[tuple[str, int], ...]
    username: str | None = field(repr=False)
    password: str | None = field(repr=False)
    path: str
    query: tuple[tuple[str, str], ...] = field(repr=False)


def split(text: str) -> URLParts:
    """Return the parts of a URL. Raises MalformedURLError."""
    scheme, separator, rest = text.strip().partition("://")
    if not separator:
        raise MalformedURLError("is no URL")
    if "#" in rest or any(character.isspace() or not character.isprintable() for character in rest):
        raise MalformedURLError(_ENCODE)
    location, _, query = rest.partition("?")
    authority, slash, path = location.partition("/")
    if authority.count("@") > 1 or "@" in path or "@" in query:
        raise MalformedURLError(_ENCODE)
    login, index, names = authority.rpartition("@")
    username, password = _login(login) if index else (None, None)
    return URLParts(scheme.lower(), hosts(names), username, password, decoded(slash + path), _query(query))


def hosts(names: str) -> tuple[tuple[str, int], ...]:
    """Return host and port of each of the names, which commas separate. Raises MalformedURLError."""
    return tuple(_host(name) for name in names.split(",")) if names else ()


def decoded(text: str) -> str:
    """Return a percent-encoded text without its encoding. Raises MalformedURLError."""
    if re.search("%(?![0-9A-Fa-f]{2})", text):
        raise MalformedURLError(_ENCODE)
    try:
        plain = unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise MalformedURLError("holds percent-encoded bytes that are not UTF-8") from None
    if any(ord(character) < 32 or ord(character) == 127 for character in plain):
        raise MalformedURLError("holds a control character")
    return plain


def is_printable_name(name: str) -> bool:
    """Return whether a name may be repeated in a message."""
    return _PRINTABLE_NAME.fullmatch(name) is not None


def _login(text: str) -> tuple[str | None, str | None]:
    if "[" in text or "]" in text:
        raise MalformedURLError(_ENCODE)
    username, _, password = text.partition(":")
    return decoded(username) or None, decoded(password) or None


def _host(text: str) -> tuple[str, int]:
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::(.*))?", text)
    name, port = bracketed.groups() if bracketed else _name_and_port(text)
    name = decoded(name)
    if not name:
        raise MalformedURLError("has an empty host")
    if bracketed:
        _check_ipv6(name)
    elif not name.startswith("/"):  # which begins the folder of a socket
        _check_name(name)
    return name, 0 if port is None else _port(port)


def _name_and_port(text: str) -> tuple[str, str | None]:
    name, colon, port = text.partition(":")
    return name, port if colon else None


def _check_name(name: str) -> None:
    try:
        name.encode("idna")  # as resolvers do, whose error is none of the network's
    except UnicodeError:
        raise MalformedURLError(_HOST) from None
    if not _HOST_NAME.fullmatch(name):
        raise MalformedURLError(_HOST)


def _check_ipv6(name: str) -> None:
    try:
        ipaddress.IPv6Address(name)
    except ValueError:
        raise MalformedURLError(_HOST) from None


def _port(text: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", text) or not 0 < int(text) < 65_536:
        raise MalformedURLError(_PORT)
    return int(text)


def _query(text: str) -> tuple[tuple[str, str], ...]:
    if not text:
        return ()
    pairs = []
    for piece in text.split("&"):
        name, equals, value = piece.partition("=")
        if not equals or not is_printable_name(name):
            raise MalformedURLError("has options that do not read as ?name=value&name=value")
        if "+" in value:  # a space to some, a plus sign to others
            raise MalformedURLError(_ENCODE)
        pairs.append((name, decoded(value)))
    return tuple(pairs)

"""A store's URL, checked: known options alone, each with a value that fits, and nothing said twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from loaders.stores.errors import StoreUnavailable
from loaders.stores.urls import syntax
from loaders.stores.urls.options import Option, UnfitValueError, ValueKind
from loaders.stores.urls.syntax import MalformedURLError


class InvalidStoreURL(StoreUnavailable):
    """A store's URL cannot be used. The message names the variable and the option, and repeats no value."""


@dataclass(frozen=True, slots=True)
class StoreURL:
    """The decoded parts of a store's URL, and the values of its options."""

    variable: str
    scheme: str
    hosts: tuple[tuple[str, int], ...]
    username: str | None = field(repr=False)
    password: str | None = field(repr=False)
    path: str
    """Decoded, without the slash before it."""
    options: Mapping[str, Any] = field(repr=False)
    database: str | None = None

    @property
    def address(self) -> str:
        """`host:port` of each host, or the path of a socket: what messages may say of the URL."""
        hosts = (f"[{name}]:{port}" if ":" in name else f"{name}:{port}" for name, port in self.hosts)
        return ", ".join(hosts) or f"/{self.path}"


def _example(scheme: str) -> str:
    return f"{scheme}://user:password@host:port/name"


@dataclass(frozen=True, slots=True)
class StoreKind:
    """The rules for the URLs of one store.

    `schemes` holds the default port of each scheme, `refused` what to do instead of an option that is refused. `check`
    looks at what the options mean together, and returns the URL completed. `without_tls` is what an option needs
    that is about TLS, or empty where the URL is one with TLS.
    """

    store: str
    variable: str
    schemes: Mapping[str, int]
    options: tuple[Option, ...]
    refused: Mapping[str, str]
    without_tls: Callable[[StoreURL], str]
    check: Callable[[StoreURL], StoreURL]
    example: Callable[[str], str] = _example
    has_socket_folders: bool = False


def parse_url(kind: StoreKind, text: str, variable: str = "") -> StoreURL:
    """Return the checked parts of a store's URL. Raises InvalidStoreURL, whose message repeats no value of it."""
    variable = variable or kind.variable
    try:
        return _parsed(kind, text, variable)
    except MalformedURLError as error:
        message = f"{variable} {error}."
    raise InvalidStoreURL(kind.store, message)  # with no chain: the cause would carry the text


def _parsed(kind: StoreKind, text: str, variable: str) -> StoreURL:
    scheme = text.strip().partition("://")[0].lower()
    if "://" not in text or scheme not in kind.schemes:
        raise MalformedURLError(f"must look like {kind.example(next(iter(kind.schemes)))}")
    parts = syntax.split(text)
    options = _options(kind, parts.query)
    hosts = parts.hosts
    if "host" in options:
        hosts = _hosts_of_options(options, is_named=bool(hosts))
    path = parts.path.removeprefix("/")
    url = StoreURL(variable, parts.scheme, hosts, parts.username, parts.password, path, options)
    url = kind.check(_with_login(url))
    if not url.hosts and kind.schemes[url.scheme]:
        raise MalformedURLError(f"names no host: it must look like {kind.example(url.scheme)}")
    if not kind.has_socket_folders and any(name.startswith("/") for name, _ in url.hosts):
        raise MalformedURLError("has a host that begins with a slash")
    default = kind.schemes[url.scheme]
    url = replace(url, hosts=tuple((name, port or default) for name, port in url.hosts))
    if needed := kind.without_tls(url):
        for option in kind.options:
            if option.needs_tls and option.name in options:
                raise MalformedURLError(f"has the option {option.name}, which needs {needed}")
    return url


def _options(kind: StoreKind, query: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    known = {name: option for option in kind.options for name in (option.name, *option.aliases)}
    values: dict[str, Any] = {}
    secret = ""
    for name, text in query:
        option = known.get(name)
        if option is None:
            raise MalformedURLError(_unknown(kind, name, secret))
        if option.name in values:
            raise MalformedURLError(f"has the option {option.name} more than once")
        try:
            values[option.name] = option.read(text)
        except UnfitValueError as error:
            message = f"has the option {name}, which {error}"
        else:
            secret = name if option.kind is ValueKind.SECRET else secret
            continue
        raise MalformedURLError(message)
    return values


def _unknown(kind: StoreKind, name: str, secret: str) -> str:
    if name in kind.refused:
        return f"has the option {name}, which is refused: {kind.refused[name]}"
    if secret:  # the name may be part of a password with a `&`
        return f"has an unknown option after {secret}, whose value must be percent-encoded (& as %26)"
    return f"has the option {name}, which is unknown: remove it, or see docs/stores.md for those that there are"


def _with_login(url: StoreURL) -> StoreURL:
    """Take user and password from the options where the URL has them there."""
    for name in ("username", "password"):
        of_option = url.options.get(name)
        if of_option is None:
            continue
        if getattr(url, name) is not None:
            raise MalformedURLError(f"has a {name} before the host and another one in its options")
        url = replace(url, username=of_option) if name == "username" else replace(url, password=of_option)
    return url


def _hosts_of_options(options: Mapping[str, Any], *, is_named: bool) -> tuple[tuple[str, int], ...]:
    """The hosts of the options `host` and `port`, for URLs that name none: folders of sockets cannot be named else."""
    if is_named:
        raise MalformedURLError("has a host after :// and another one in its options")
    hosts = syntax.hosts(options["host"])
    if "port" in options and any(port for _, port in hosts):
        raise MalformedURLError("has the option port, and a port in the option host")
    return tuple((name, port or options.get("port", 0)) for name, port in hosts)

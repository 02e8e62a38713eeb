"""Where a store is, in words that are safe to print: never a user's name or password."""

import re
from collections.abc import Container
from urllib.parse import SplitResult, urlsplit

from loaders.stores.errors import StoreUnavailable


def parsed_url(store: str, url: str, schemes: dict[str, int]) -> SplitResult:
    """The parts of a store's URL. `schemes` holds the default port of each scheme that the store speaks.

    Raises StoreUnavailable where the URL has another scheme or no valid port. The message leaves the URL out, which
    may hold a password.
    """
    if not is_readable(url, schemes):
        example = f"{next(iter(schemes))}://user:password@host:port/database"
        raise StoreUnavailable(store, f"The URL of {store} cannot be read: it should look like {example}.")
    return _split(url)


def is_readable(url: str, schemes: Container[str]) -> bool:
    """Whether a URL has one of the schemes, and valid ports; after a scheme with `+`, hosts separated by commas."""
    try:
        parts = _split(url)
        named = hosts(parts)
        valid = all(one.port is None or one.port > 0 for one in named)
    except ValueError:
        return False
    several = "+" in parts.scheme
    return parts.scheme in schemes and valid and (all(one.hostname for one in named) if several else len(named) == 1)


def hosts(parts: SplitResult) -> list[SplitResult]:
    """A URL for each host that a URL names."""
    user, at, names = parts.netloc.rpartition("@")
    for name in names.split(","):
        urlsplit(f"//{name}")  # raises ValueError for brackets that enclose no address
    return [parts._replace(netloc=f"{user}{at}{name}") for name in names.split(",")]


def _split(url: str) -> SplitResult:
    """The parts. Newer Pythons refuse an IPv6 address among several hosts: these are put in afterwards."""
    scheme, separator, rest = url.strip().partition("://")
    if "+" not in scheme:
        return urlsplit(url)
    netloc = re.split("[/?#]", rest, maxsplit=1)[0]
    return urlsplit(f"{scheme}{separator}{rest.removeprefix(netloc)}")._replace(netloc=netloc)


def address(parts: SplitResult, schemes: dict[str, int]) -> str:
    """`host:port` of a parsed URL, of each host by commas; the path where it names a socket file."""
    if not parts.netloc.rpartition("@")[2]:
        return parts.path or "localhost"
    return ", ".join(f"{one.hostname}:{one.port or schemes[parts.scheme]}" for one in hosts(parts))

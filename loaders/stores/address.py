"""Where a store is, in words that are safe to print: never a user's name or password."""

from urllib.parse import SplitResult, urlsplit

from loaders.stores.errors import StoreUnavailable


def parsed_url(store: str, url: str, schemes: dict[str, int]) -> SplitResult:
    """The parts of a store's URL. `schemes` holds the default port of each scheme that the store speaks.

    Raises StoreUnavailable where the URL has another scheme or no valid port. The message leaves the URL out, which
    may hold a password.
    """
    try:
        parts = urlsplit(url)
        readable = parts.scheme in schemes and (parts.port is None or parts.port > 0)
    except ValueError as error:
        raise _unreadable(store, schemes) from error
    if not readable:
        raise _unreadable(store, schemes)
    return parts


def address(parts: SplitResult, schemes: dict[str, int]) -> str:
    """`host:port` of a parsed URL; the path where it names a socket file."""
    if parts.hostname is None:
        return parts.path or "localhost"
    return f"{parts.hostname}:{parts.port or schemes[parts.scheme]}"


def _unreadable(store: str, schemes: dict[str, int]) -> StoreUnavailable:
    example = f"{next(iter(schemes))}://user:password@host:port/database"
    return StoreUnavailable(store, f"The URL of {store} cannot be read: it should look like {example}.")

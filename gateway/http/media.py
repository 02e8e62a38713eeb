"""Negotiate the media type of responses, and check that of requests (RFC 9110, GraphQL over HTTP)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gateway.http.errors import HTTPError

if TYPE_CHECKING:
    from starlette.datastructures import Headers

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
MULTIPART = "multipart/mixed"
_FORMAT = "incrementalSpec=v0.2"

_MAX_HEADER_LENGTH = 2_000
"""Characters of an Accept header that are looked at; clients send some fifty."""


class _Range(NamedTuple):
    type: str
    quality: float
    specificity: int


def listed(headers: Headers, name: str) -> str:
    """Return the header's value, with repeated lines joined as one list (RFC 9110, 5.3); "" if it is absent."""
    return ", ".join(headers.getlist(name))


def negotiated(accept: str) -> str:
    """Return the media type of the answer: what the client likes best, GraphQL's own where it likes both alike.

    Without a wish it is JSON, as clients from before GraphQL's own expect. Raises HTTPError 406 where nothing fits.
    """
    if not accept.strip() or accept == "*/*":
        return JSON
    ranges = [_range(item) for item in accept[:_MAX_HEADER_LENGTH].lower().split(",")]
    best = max((GRAPHQL, JSON), key=lambda offered: _quality(offered, ranges))
    if _quality(best, ranges) > 0:
        only_wild = all(_match(GRAPHQL, item) < 2 for item in ranges)
        return JSON if only_wild and _quality(JSON, ranges) > 0 else best
    if any(item.type == MULTIPART and item.quality > 0 for item in ranges):
        return JSON  # of an answer that comes in one piece, and of errors
    raise HTTPError(406, f"Answers are {GRAPHQL} or {JSON}.", "NOT_ACCEPTABLE")


def multipart(accept: str) -> str | None:
    """Return the media type of a response in parts, for @defer and @stream; None if the client does not accept it.

    It is in the format of GraphQL's draft, which Apollo calls incrementalSpec=v0.2. The parameter tells it from the
    format before it (deferSpec) and from subscriptions.
    """
    for item in accept[:_MAX_HEADER_LENGTH].lower().split(","):
        accepted = _range(item)
        if accepted.type != MULTIPART or accepted.quality == 0:
            continue
        formats = {part.strip() for part in item.split(";")[1:] if "spec=" in part}
        if formats <= {_FORMAT.lower()}:
            return f'{MULTIPART}; boundary="-"' + (f"; {_FORMAT}" if formats else "")
    return None


def check_content_type(content_type: str) -> None:
    """Raise HTTPError 415 for a body that is not JSON in UTF-8.

    This closes cross-site request forgery too: no browser sends JSON to another site without asking first.
    """
    media, *parameters = (part.strip() for part in content_type.lower().split(";"))
    charsets = [item.partition("=")[2].strip('" ') for item in parameters if item.startswith("charset=")]
    if media != JSON or any(charset not in ("utf-8", "utf8") for charset in charsets):
        raise HTTPError(415, f"A request's body is {JSON} in UTF-8.", "UNSUPPORTED_MEDIA_TYPE", {"Accept": JSON})


def _range(text: str) -> _Range:
    media, *parameters = (part.strip() for part in text.split(";"))
    quality = 1.0
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                quality = min(1.0, max(0.0, float(parameter[2:])))
            except ValueError:
                quality = 0.0
    return _Range(media, quality, 0 if media == "*/*" else 1 if media.endswith("/*") else 2)


def _match(offered: str, accepted: _Range) -> int:
    """Return how specifically the range matches the type, or -1 if it does not."""
    kind = accepted.type
    fits = kind in (offered, "*/*") or (kind.endswith("/*") and offered.startswith(kind[:-1]))
    return accepted.specificity if fits else -1


def _quality(offered: str, ranges: list[_Range]) -> float:
    """Return the quality of the range that matches the type most specifically, or 0 if none does."""
    matching = [(_match(offered, item), item.quality) for item in ranges if _match(offered, item) >= 0]
    return max(matching)[1] if matching else 0.0

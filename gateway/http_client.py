"""Send one HTTP request, with bounds on its time and on the size of its answer: for commands that ask servers."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp

from loaders.errors import CallerError, GatewayError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Self


class UnreachableError(GatewayError):
    """A server was not reached, or broke off. The message holds no credential and nothing of an answer."""


class LateAnswerError(UnreachableError):
    """A server did not answer in time."""


class TooLargeAnswerError(GatewayError):
    """An answer has more bytes than are read."""


@dataclass(frozen=True, slots=True)
class HTTPAnswer:
    """The status and the body of an answer; the body is decompressed."""

    status: int
    body: bytes


def is_http_url(text: str) -> bool:
    """Return whether a text is an absolute URL of HTTP or HTTPS."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def require_http_url(url: str, option: str) -> str:
    """Return the URL. Raises CallerError, which names the option, unless it is an absolute one of HTTP or HTTPS."""
    if not is_http_url(url):
        raise CallerError(f"{option} must be a URL such as http://127.0.0.1:8000/graphql.")
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise CallerError(f"{option} must have no user and no password in it: other users of this machine see them.")
    return url


class HTTPClient:
    """Sends requests, each over a connection of its own and never by a proxy; redirects are answers.

    A connection that is kept may be closed by the server just when the next request is sent, which would look like a
    server that is away. Use it in `async with`.
    """

    def __init__(self, *, timeout_s: float, max_bytes: int) -> None:
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=True, limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "fuseway"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._session.close()

    async def get(self, url: str) -> HTTPAnswer:
        """Return the answer to a GET. Raises UnreachableError and TooLargeAnswerError."""
        return await self.request("GET", url)

    async def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> HTTPAnswer:
        """Return the answer, however bad its status. Raises UnreachableError and TooLargeAnswerError."""
        timeout_s = timeout_s or self._timeout_s
        try:
            async with (
                asyncio.timeout(timeout_s),
                self._session.request(
                    method, url, data=body, headers=headers, allow_redirects=False, timeout=aiohttp.ClientTimeout()
                ) as response,
            ):
                return HTTPAnswer(response.status, await self._body(response.content))
        except TimeoutError as error:
            raise LateAnswerError(f"There was no answer within {timeout_s:g} s.") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise UnreachableError(_reason(error)) from error

    async def _body(self, content: aiohttp.StreamReader) -> bytes:
        """Return the whole body. Raises TooLargeAnswerError as soon as it exceeds what is read."""
        body = bytearray()
        async for chunk in content.iter_any():
            body += chunk
            if len(body) > self._max_bytes:
                raise TooLargeAnswerError(f"The answer has more than {self._max_bytes:,} bytes.")
        return bytes(body)


def _reason(error: Exception) -> str:
    """Return why a server was not reached, without the URL and without what it sent."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "Its certificate is not trusted."
    if isinstance(error, aiohttp.ClientSSLError):
        return "It speaks no TLS that is understood."
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "Its name has no address."
    if isinstance(error, aiohttp.ClientConnectorError):
        number = error.os_error.errno  # the text has the address, too
        reason = os.strerror(number) if number else type(error.os_error).__name__
        return f"No connection can be made: {reason}."
    if isinstance(error, ValueError):  # before anything was sent
        return "The request cannot be sent: its URL or a header has characters that may not be there."
    return f"It broke off ({type(error).__name__})."

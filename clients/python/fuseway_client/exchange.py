"""The protocol without its input and output: what to send, when to wait, and what an answer means."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, TypeVar
from urllib.parse import quote, urlencode

import httpx

from fuseway_client.documents import is_query
from fuseway_client.errors import ErrorDetail, ResponseError, TransportError
from fuseway_client.operations import GRAPHQL, Operation, Result, result_of, results_of, was_not_executed
from fuseway_client.retrying import MAX_WAIT_S, Retries, RetrySettings, may_repeat, retry_after_s, retry_max_s_of

_MAX_URL_CHARACTERS = 8_000
"""Characters of a URL that is asked for; proxies refuse longer request lines, the usual one those of 8 KiB."""
_BEARER = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class Send:
    """Send this request, after so many seconds, and go on with its response or with httpx' exception."""

    method: str
    url: str = field(repr=False)  # it may have variables, as the content does
    headers: dict[str, str] = field(repr=False)
    content: bytes | None = field(default=None, repr=False)
    after_s: float = 0.0


SendResult: TypeAlias = httpx.Response | httpx.RequestError
T = TypeVar("T")
Steps: TypeAlias = Generator[Send, SendResult, T]
"""The requests of a call, one after the other, and the answer that it returns."""


class Exchange:
    """The steps of calls to one gateway. It may be shared by threads."""

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        token: str | None = None,
        by_get: bool = False,
        persisted: bool = False,
        timeout_s: float = 30.0,
        retry_attempts: int = 4,
        retry_backoff_s: float = 0.2,
        retry_max_s: float = 30.0,
        retry_most_s: float | None = None,
    ) -> None:
        self._url = _checked(url)
        if not 0 < timeout_s <= MAX_WAIT_S:
            raise ValueError("timeout_s must be more than 0 s, and a day at most.")
        self._timeout_s = timeout_s
        self._headers = {
            "Accept": f"{GRAPHQL}, application/json;q=0.9",
            "GraphQL-Require-Preflight": "1",  # no form of another site can send it
            **_authorization(api_key, token),
        }
        self._by_get = by_get
        self._persisted = persisted
        max_s = retry_max_s_of(retry_max_s, retry_most_s)
        self._retry_settings = RetrySettings(retry_attempts, retry_backoff_s, max_s)

    @property
    def shown_url(self) -> str:
        """Return the gateway's URL, without what may be a secret in its query."""
        return str(httpx.URL(self._url).copy_with(query=None))

    def execute(self, operation: Operation) -> Steps[Result]:
        """Execute one operation."""
        retries = Retries(self._retry_settings)
        request = _request(operation)
        reads = is_query(operation.document, operation.operation_name)
        by_get = self._by_get and reads
        if self._persisted and reads:
            extensions = _persisted_query(operation.document)
            result = yield from self._by_hash(_without_text(request) | extensions, retries)
            if result is not None:
                return result
            if self._persisted:  # with the text that the gateway is to keep, and that no cache may answer for it
                request, by_get = request | extensions, False
        response = yield from _answered(self._send(request, by_get=by_get), retries, reads=reads)
        return result_of(response)

    def _by_hash(self, request: dict[str, Any], retries: Retries) -> Steps[Result | None]:
        """Return the result of a query without its text; None where the gateway wants the text."""
        response = yield from _answered(self._send(request, by_get=True), retries, reads=True)
        try:
            result = result_of(response)
            refusals = _refusals(result.errors)
        except ResponseError as error:
            refusals = _refusals(error.errors)
            if not refusals:
                raise
        if refusals & _NOT_SUPPORTED:
            self._persisted = False
        return None if refusals else result

    def execute_batch(self, operations: Sequence[Operation]) -> Steps[list[Result]]:
        """Execute several operations in one request; send nothing where there is none."""
        if not operations:
            return []
        reads = all(is_query(operation.document, operation.operation_name) for operation in operations)
        send = self._post([_request(operation) for operation in operations])
        response = yield from _answered(send, Retries(self._retry_settings), reads=reads)
        return results_of(response, len(operations))

    def arguments(self, send: Send) -> dict[str, Any]:
        """Return what httpx is called with."""
        return {
            "method": send.method,
            "url": send.url,
            "headers": send.headers,
            "content": send.content,
            "timeout": self._timeout_s,
            "follow_redirects": False,  # what fails on the way there may have been done here
        }

    def _send(self, request: dict[str, Any], *, by_get: bool) -> Send:
        url = self._get_url(request) if by_get else ""
        if not url or len(url) > _MAX_URL_CHARACTERS:
            return self._post(request)
        return Send("GET", url, self._headers)

    def _get_url(self, request: dict[str, Any]) -> str:
        """Return the request as a URL, one and the same for the same request, since caches go by it."""
        texts = {
            name: value if isinstance(value, str) else _json(value, sort_keys=True) for name, value in request.items()
        }
        return f"{self._url}{'&' if '?' in self._url else '?'}{urlencode(texts, quote_via=quote)}"

    def _post(self, body: Any) -> Send:
        headers = {**self._headers, "Content-Type": "application/json"}
        return Send("POST", self._url, headers, _json(body).encode())


_NOT_FOUND = frozenset({"PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound"})
_NOT_SUPPORTED = frozenset({"PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported"})


def _answered(send: Send, retries: Retries, *, reads: bool) -> Steps[httpx.Response]:
    """Return the response to a request, sent again as often as is safe and allowed.

    Raises TransportError where none came.
    """
    while True:
        outcome = yield send
        pause_s = None
        refused = isinstance(outcome, httpx.Response) and was_not_executed(outcome)
        if refused or may_repeat(outcome, reads=reads):
            pause_s = retries.pause_s(retry_after_s(outcome) if isinstance(outcome, httpx.Response) else None)
        if pause_s is not None:
            send = replace(send, after_s=pause_s)
        elif isinstance(outcome, httpx.Response):
            return outcome
        else:
            raise TransportError(f"The gateway did not answer: {type(outcome).__name__}.") from outcome


def _refusals(errors: Iterable[ErrorDetail]) -> frozenset[str | None]:
    """Return what the errors say against being asked by hash."""
    return frozenset(said for error in errors for said in (error.code, error.message)) & (_NOT_FOUND | _NOT_SUPPORTED)


def _request(operation: Operation) -> dict[str, Any]:
    """Return the operation as GraphQL over HTTP has it; what was not given is left out."""
    request: dict[str, Any] = {"query": operation.document}
    if operation.operation_name is not None:
        request["operationName"] = operation.operation_name
    if operation.variables:
        request["variables"] = dict(operation.variables)
    return request


def _without_text(request: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in request.items() if name != "query"}


def _persisted_query(document: str) -> dict[str, Any]:
    digest = hashlib.sha256(document.encode()).hexdigest()
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}}


def _json(value: Any, *, sort_keys: bool = False) -> str:
    """Return JSON in ASCII, so that lone surrogates of variables arrive too. Raises ValueError for NaN and infinity."""
    return json.dumps(value, allow_nan=False, separators=(",", ":"), sort_keys=sort_keys)


def _checked(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise ValueError("The gateway's URL is none.") from None  # what httpx says repeats parts of it
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.fragment:
        raise ValueError("The gateway's URL must be like https://gateway.example/graphql.")
    if parsed.userinfo:
        raise ValueError("The gateway's URL must not hold credentials: use api_key or token.")
    return url


def _authorization(api_key: str | None, token: str | None) -> dict[str, str]:
    if api_key is not None and token is not None:
        raise ValueError("Give api_key or token, not both.")
    secret = api_key if api_key is not None else token
    if secret is None:
        return {}
    if not _BEARER.fullmatch(secret):  # without naming it, as the HTTP library would
        raise ValueError("The api_key or token has a character that no header carries, or none at all.")
    return {"Authorization": f"Bearer {secret}"}

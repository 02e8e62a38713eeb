"""A request as a query: its text, parameters, settings, database, format and session."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException, MultiPartParser

from deploy.embedded.clickhouse_http.errors import (
    INVALID_SESSION_TIMEOUT,
    ClickHouseError,
    not_implemented,
    syntax_error,
)

DEFAULT_FORMAT: Final = "TabSeparated"
DEFAULT_SESSION_TIMEOUT_S: Final = 60
MAX_SESSION_TIMEOUT_S: Final = 3600
FALSE: Final = frozenset(("", "0", "false"))
# Names of the interface, which are not settings.
RESERVED: Final = frozenset(
    (
        *("query", "database", "default_format", "query_id", "stacktrace", "user", "password", "quota_key", "role"),
        *("session_id", "session_timeout", "session_check", "close_session", "compress", "decompress"),
        *("buffer_size", "wait_end_of_query", "client_protocol_version"),
    )
)
# Settings that act here and not in the engine: it cannot leave read-only mode again, and the others are HTTP's own.
HTTP_SETTINGS: Final = frozenset(
    (
        "cancel_http_readonly_queries_on_client_close",
        "enable_http_compression",
        "http_headers_progress_interval_ms",
        "readonly",
        "send_progress_in_http_headers",
    )
)


@dataclass(frozen=True, slots=True)
class Session:
    """Whose temporary tables and SETs a query sees, and for how many seconds after it they stay."""

    id: str
    timeout_s: int
    must_exist: bool


@dataclass(frozen=True, slots=True)
class Query:
    """One query: `text` holds the statement and, for an insert, its data after it."""

    text: bytes
    query_id: str
    database: str = ""
    default_format: str = DEFAULT_FORMAT
    parameters: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    http_settings: dict[str, str] = field(default_factory=dict)
    session: Session | None = None

    @property
    def readonly(self) -> bool:
        """Whether the query must not write."""
        return self.http_settings.get("readonly", "0") not in FALSE

    @property
    def cancelled_on_disconnect(self) -> bool:
        """Whether the query ends when its client leaves: as in the server, if it only reads and its settings say so."""
        return (
            self.readonly and self.http_settings.get("cancel_http_readonly_queries_on_client_close", "0") not in FALSE
        )

    @property
    def compresses(self) -> bool:
        """Whether the answer may be compressed."""
        return self.http_settings.get("enable_http_compression", "0") not in FALSE


async def parse(method: str, query_string: bytes, headers: Headers, body: bytes) -> Query:
    """Return the query of a request whose body is already unpacked; raises ClickHouseError."""
    pairs = parse_qsl(query_string.decode("latin-1"), keep_blank_values=True)
    url = dict(pairs)
    _refuse_native_compression(url)
    settings = {name: value for name, value in pairs if _is_setting(name)}
    http_settings = {name: settings.pop(name) for name in HTTP_SETTINGS & settings.keys()}
    if method != "POST" and http_settings.get("readonly", "0") in FALSE:
        http_settings["readonly"] = "2"  # as in the server: a GET cannot write
    text, form = await _text_and_form(url.get("query", ""), headers, body)
    return Query(
        text=text,
        query_id=url.get("query_id") or headers.get("x-clickhouse-query-id") or str(uuid.uuid4()),
        database=headers.get("x-clickhouse-database") or url.get("database", ""),
        default_format=headers.get("x-clickhouse-format") or url.get("default_format") or DEFAULT_FORMAT,
        parameters=_parameters([*form.items(), *pairs]),
        settings=settings,
        http_settings=http_settings,
        session=_session(url),
    )


def _is_setting(name: str) -> bool:
    return bool(name) and name not in RESERVED and not name.startswith("param_")


def _parameters(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name.removeprefix("param_"): value for name, value in pairs if name.startswith("param_")}


def _refuse_native_compression(url: dict[str, str]) -> None:
    for name in ("compress", "decompress"):
        if url.get(name, "0") not in FALSE:
            raise not_implemented(f"'{name}=1'; use Accept-Encoding and Content-Encoding")


async def _text_and_form(url_query: str, headers: Headers, body: bytes) -> tuple[bytes, dict[str, str]]:
    """Return the whole text (URL first, then the form or the body) and the form's fields."""
    if not headers.get("content-type", "").startswith("multipart/form-data"):
        return (url_query.encode() + b"\n" + body if url_query else body), {}
    form = await _form(headers, body)
    return (url_query + form.pop("query", "")).encode(), form


async def _form(headers: Headers, body: bytes) -> dict[str, str]:
    async def whole() -> AsyncGenerator[bytes, None]:
        yield body

    # A part may be as large as the body, whose size is bounded already.
    parser = MultiPartParser(headers, whole(), max_files=0, max_fields=10_000, max_part_size=len(body) + 1)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        if "files" in error.message:
            raise not_implemented("external data") from error
        raise syntax_error(error.message) from error
    return {name: value for name, value in form.multi_items() if isinstance(value, str)}


def _session(url: dict[str, str]) -> Session | None:
    if not url.get("session_id"):
        return None
    text = url.get("session_timeout", str(DEFAULT_SESSION_TIMEOUT_S))
    if not text.isdecimal() or int(text) > MAX_SESSION_TIMEOUT_S:
        message = f"Invalid session timeout: '{text}' (the longest is {MAX_SESSION_TIMEOUT_S} seconds)."
        raise ClickHouseError(INVALID_SESSION_TIMEOUT, "INVALID_SESSION_TIMEOUT", message)
    return Session(url["session_id"], int(text), url.get("session_check") == "1")

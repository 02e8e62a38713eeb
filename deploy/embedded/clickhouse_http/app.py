"""The HTTP interface as an ASGI application."""

from __future__ import annotations

import asyncio
import socket
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from deploy.embedded.clickhouse_http import compression, statement
from deploy.embedded.clickhouse_http.auth import Credentials
from deploy.embedded.clickhouse_http.engine import Answer, Engine, Job
from deploy.embedded.clickhouse_http.errors import (
    HTTP_LENGTH_REQUIRED,
    TOO_MANY_SIMULTANEOUS_QUERIES,
    ClickHouseError,
)
from deploy.embedded.clickhouse_http.query import Query, parse

# Queries at once. Each runs on as many of the engine's threads as there are cores, so more would only share them; fewer
# would let a handful of slow ones hold up the quick ones.
MAX_RUNNING: Final = 16
# Threads for KILL QUERY, which must get through when every other thread is busy with what it is to end.
MAX_KILLS: Final = 4
# Queries that wait for one of those; without a bound a stuck engine would collect requests until memory ends.
MAX_WAITING: Final = 512
# A request's body is held whole, packed and unpacked. A client's insert of a sample is about 40 MB.
MAX_BODY_BYTES: Final = 256 << 20
# Answers below this are sent as they are: compressing them costs more than it saves.
MIN_COMPRESSED_BYTES: Final = 1024

CONTENT_TYPES: Final = {
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
    "TSV": "text/tab-separated-values; charset=UTF-8",
    "CSV": "text/csv; charset=UTF-8; header=absent",
    "CSVWithNames": "text/csv; charset=UTF-8; header=present",
    "JSON": "application/json; charset=UTF-8",
    "JSONCompact": "application/json; charset=UTF-8",
    "JSONEachRow": "application/x-ndjson; charset=UTF-8",
    "Native": "application/octet-stream",
    "RowBinary": "application/octet-stream",
}
TEXT: Final = "text/plain; charset=UTF-8"


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP answer, whole."""

    status: int
    body: bytes
    headers: dict[str, str]


class DisconnectedError(Exception):
    """The client has disconnected, so no response can be sent."""


class App:
    """ClickHouse's HTTP interface for one engine and one user."""

    def __init__(self, engine: Engine, credentials: Credentials) -> None:
        self._engine = engine
        self._credentials = credentials
        self._name = socket.gethostname()
        self._queries = ThreadPoolExecutor(MAX_RUNNING, thread_name_prefix="query")
        self._kills = ThreadPoolExecutor(MAX_KILLS, thread_name_prefix="kill")
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            response = await self._respond(scope, receive)
        except DisconnectedError:
            return
        except ClickHouseError as error:
            response = self._failure(error)
        headers = {"X-ClickHouse-Server-Display-Name": self._name, **response.headers}
        headers["Content-Length"] = str(len(response.body))
        raw = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": response.status, "headers": raw})
        await send({"type": "http.response.body", "body": response.body})

    def close(self) -> None:
        """End the queries that are still under way, then close the engine."""
        self._engine.cancel_all()
        self._queries.shutdown(cancel_futures=True)
        self._kills.shutdown()
        self._engine.close()

    async def _respond(self, scope: Scope, receive: Receive) -> Response:
        headers = Headers(scope=scope)
        if scope["path"] in ("/ping", "/replicas_status"):
            return Response(200, b"Ok.\n", {"Content-Type": TEXT})
        if scope["path"] != "/":
            return Response(404, f"There is no handle {scope['path']}\n".encode(), {"Content-Type": TEXT})
        self._credentials.check(headers, scope["query_string"])
        _require_length(scope["method"], headers)
        body = await _read(receive)
        if encoding := headers.get("content-encoding"):
            body = await asyncio.to_thread(compression.decompress, body, encoding, MAX_BODY_BYTES)
        query = await parse(scope["method"], scope["query_string"], headers, body)
        if not query.text and scope["method"] != "POST":
            return Response(200, b"Ok.\n", {"Content-Type": TEXT})
        return await self._answer(query, headers.get("accept-encoding", ""), receive)

    async def _answer(self, query: Query, accept_encoding: str, receive: Receive) -> Response:
        encoding = compression.choose(accept_encoding) if query.compresses else None
        job = Job(query)
        if self._under_way >= MAX_RUNNING + MAX_WAITING:
            message = f"Too many simultaneous queries. Maximum: {MAX_RUNNING + MAX_WAITING}."
            raise ClickHouseError(TOO_MANY_SIMULTANEOUS_QUERIES, "TOO_MANY_SIMULTANEOUS_QUERIES", message)
        pool = self._kills if statement.is_kill(query.text) else self._queries
        self._under_way += 1
        try:
            work = asyncio.get_running_loop().run_in_executor(pool, self._run, job, encoding)
            return await self._while_connected(work, job, receive)
        finally:
            self._under_way -= 1

    async def _while_connected(self, work: asyncio.Future[Response], job: Job, receive: Receive) -> Response:
        """Return the result of `work`, and cancel the query if its client disconnects and it allows that."""
        gone = asyncio.ensure_future(receive())
        try:
            await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                if job.query.cancelled_on_disconnect:
                    await asyncio.get_running_loop().run_in_executor(self._kills, self._engine.cancel, job)
                await asyncio.wait((work,))
                work.exception()
                raise DisconnectedError
            return work.result()
        finally:
            gone.cancel()

    def _run(self, job: Job, encoding: str | None) -> Response:
        """Run the query and pack its answer, both in the calling thread."""
        try:
            answer = self._engine.run(job)
            return self._success(job.query, answer, encoding)
        except ClickHouseError as error:
            return self._failure(error, job.query.query_id)

    def _success(self, query: Query, answer: Answer, encoding: str | None) -> Response:
        headers = {
            "Content-Type": CONTENT_TYPES.get(answer.format or "", TEXT),
            "X-ClickHouse-Query-Id": query.query_id,
            "X-ClickHouse-Timezone": self._engine.timezone,
            "X-ClickHouse-Summary": answer.summary,
        }
        if answer.format:
            headers["X-ClickHouse-Format"] = answer.format
        body = answer.body
        if encoding and len(body) >= MIN_COMPRESSED_BYTES:
            body = compression.COMPRESSORS[encoding](body)
            headers["Content-Encoding"] = encoding
        return Response(200, body, headers)

    def _failure(self, error: ClickHouseError, query_id: str = "") -> Response:
        headers = {
            "Content-Type": TEXT,
            "X-ClickHouse-Exception-Code": str(error.code),
            "X-ClickHouse-Query-Id": query_id or str(uuid.uuid4()),
            "X-ClickHouse-Timezone": self._engine.timezone,
        }
        return Response(error.status, f"{error} (version {self._engine.version} (embedded))\n".encode(), headers)


def _require_length(method: str, headers: Headers) -> None:
    if method == "POST" and "content-length" not in headers and "transfer-encoding" not in headers:
        message = "The Transfer-Encoding is not chunked and there is no Content-Length header for POST request."
        raise ClickHouseError(HTTP_LENGTH_REQUIRED, "HTTP_LENGTH_REQUIRED", message)


async def _read(receive: Receive) -> bytes:
    """Return the request's body; raises ClickHouseError when it is too large."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise DisconnectedError
        part = message.get("body", b"")
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise compression.too_large(MAX_BODY_BYTES)
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)

"""Both clients under one surface, the real gateway, and a server that answers as a test says."""

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from deploy.embedded.engines import StoreUrls
from fuseway_client import AsyncClient, Client, Operation, Result
from tests.conftest import Stores
from tests.edge.upstream import Upstream
from tests.gateway.conftest import served

QUERY = "{ __typename }"
MUTATION = "mutation { change }"


class Threaded:
    """`Client`, called in a thread."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def execute(self, *arguments: Any) -> Result:
        return await asyncio.to_thread(self._client.execute, *arguments)

    async def execute_batch(self, operations: Sequence[Operation]) -> list[Result]:
        return await asyncio.to_thread(self._client.execute_batch, operations)

    async def pages(self, *arguments: Any, **bounds: Any) -> list[Any]:
        return await asyncio.to_thread(lambda: list(self._client.pages(*arguments, **bounds)))


class Looped:
    """`AsyncClient`, its pages gathered."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self.execute = client.execute
        self.execute_batch = client.execute_batch

    async def pages(self, *arguments: Any, **bounds: Any) -> list[Any]:
        return [node async for node in self._client.pages(*arguments, **bounds)]


Asking = Threaded | Looped


class Connect(Protocol):
    """Call it for a client of this URL with these options; closed at the end."""

    def __call__(self, url: str, **options: Any) -> Asking: ...


@pytest.fixture(params=[Client, AsyncClient])
async def connect(request: pytest.FixtureRequest) -> AsyncIterator[Connect]:
    """Each of the two clients in turn."""
    async with AsyncExitStack() as stack:

        def connected(url: str, **options: Any) -> Asking:
            if request.param is Client:
                return Threaded(stack.enter_context(Client(url, **options)))
            client = AsyncClient(url, **options)
            stack.push_async_callback(client.aclose)
            return Looped(client)

        yield connected


@pytest.fixture(scope="session")
def gateway(store_urls: StoreUrls, sample_stores: Stores) -> Iterator[str]:  # noqa: ARG001 - loaded before it serves
    """The URL of a real gateway's GraphQL."""
    with served(store_urls) as url:
        yield f"{url}/graphql"


@dataclass(frozen=True)
class ReceivedRequest:
    """A request, read whole."""

    method: str
    url: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any


Answer = Callable[[ReceivedRequest], Response]


@dataclass
class Server:
    """Answers with each of `answers` in turn, then with the last one over and over, and remembers what it was asked."""

    url: str
    answers: tuple[Answer, ...]
    asked: list[ReceivedRequest] = field(default_factory=list)

    def answer(self, asked: ReceivedRequest) -> Response:
        """The answer to the next request."""
        self.asked.append(asked)
        return self.answers[min(len(self.asked), len(self.answers)) - 1](asked)


class Servers:
    """One listening server for all tests, in which each `Server` has a folder of its own."""

    def __init__(self) -> None:
        self._servers: list[Server] = []
        self._upstream = Upstream(answer=self._answer)
        self.stop = self._upstream.stop
        self._upstream.start()

    def __call__(self, *answers: Answer) -> Server:
        url = f"http://{self._upstream.address}/{len(self._servers)}/graphql"
        self._servers.append(Server(url, answers))
        return self._servers[-1]

    async def _answer(self, request: Request) -> Response:
        body = await request.body()
        server = self._servers[int(request.url.path.split("/")[1])]
        decoded = json.loads(body) if body else None
        headers = dict(request.headers)
        return server.answer(
            ReceivedRequest(request.method, str(request.url), dict(request.query_params), headers, decoded)
        )


class Serve(Protocol):
    """Call it for a server with these answers."""

    def __call__(self, *answers: Answer) -> Server: ...


@pytest.fixture(scope="session")
def serve() -> Iterator[Serve]:
    """Servers of a test's own."""
    servers = Servers()
    yield servers
    servers.stop()


def saying(body: Any, status: int = 200, media_type: str = "application/json", **headers: str) -> Answer:
    """An answer of this JSON; underscores of a header's name are hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _asked: JSONResponse(body, status, named, media_type)


ANSWER = saying({"data": {"__typename": "Query"}})
RESULT = Result({"__typename": "Query"})


def refusing(message: str, code: str | None = None, status: int = 200) -> Answer:
    """An answer of one GraphQL error."""
    return saying({"errors": [{"message": message} | ({"extensions": {"code": code}} if code else {})]}, status)


def decoded(asked: ReceivedRequest) -> dict[str, Any]:
    """The request, whether it is in the URL or in the body."""
    if asked.method == "POST":
        return dict(asked.body)
    texts = ("query", "operationName")
    return {name: value if name in texts else json.loads(value) for name, value in asked.query.items()}


def requests(asked: list[ReceivedRequest]) -> list[tuple[str, dict[str, Any]]]:
    """Method and content of each request."""
    return [(item.method, decoded(item)) for item in asked]


class Hole:
    """Takes requests and never answers them; closes each connection at once, or keeps it open."""

    def __init__(self, *, closes: bool) -> None:
        self.requests = 0
        self._closes = closes
        self._kept: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/graphql"
        self._thread = threading.Thread(target=self._take)
        self._thread.start()

    def _take(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self._kept.append(connection)
                self.requests += bool(connection.recv(65_536))
                if self._closes:
                    connection.close()

    def close(self) -> None:
        """Stop taking them."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for open_socket in (self._listening, *self._kept):
            open_socket.close()


@pytest.fixture
def losing() -> Iterator[Hole]:
    """Every connection is lost after the request."""
    hole = Hole(closes=True)
    yield hole
    hole.close()


@pytest.fixture
def silent() -> Iterator[Hole]:
    """No request is ever answered."""
    hole = Hole(closes=False)
    yield hole
    hole.close()

"""The two clients: the same steps, taken by a thread or by asyncio."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, Self, Unpack

import httpx

from fuseway_client.exchange import Exchange, Send, SendResult, Steps, T
from fuseway_client.operations import Operation, Result
from fuseway_client.options import Options
from fuseway_client.paging import Paging, max_items_of

_PAGE_SIZE = 100


class Client:
    """A client for programs with threads, which may share it; close it, or use it as a context manager.

    An `http` client of the caller's own is used as it is, but for `timeout_s` and without redirects, and not closed.
    """

    def __init__(self, url: str, *, http: httpx.Client | None = None, **options: Unpack[Options]) -> None:
        self._exchange = Exchange(url, **options)
        self._http = httpx.Client() if http is None else http
        self._owns_http = http is None

    def execute(
        self, document: str, variables: Mapping[str, Any] | None = None, operation_name: str | None = None
    ) -> Result:
        """Return the result, which may have errors. Raises TransportError or ResponseError where there is none."""
        return self._take(self._exchange.execute(Operation(document, variables, operation_name)))

    def execute_batch(self, operations: Sequence[Operation]) -> list[Result]:
        """Return the results of all operations in their order, asked in one request. Raises as `execute` does."""
        return self._take(self._exchange.execute_batch(operations))

    def pages(
        self,
        document: str,
        path: str,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
        *,
        max_items: int | None = None,
        page_size: int = _PAGE_SIZE,
        most: int | None = None,
    ) -> Iterator[Any]:
        """Yield the nodes of the connection at the path, such as `customer.orders`, in order; none where it is null.

        At most `max_items` come, which has to be given; `most` is its old name. The document declares
        `$first: Int, $after: String` for the connection, and selects `nodes` or `edges { node }` and
        `pageInfo { hasNextPage endCursor }`. Raises GraphQLErrors for a page with errors, after the nodes before it.
        """
        bound = max_items_of(max_items, most)
        return self._nodes(Paging(document, path, variables, operation_name, max_items=bound, page_size=page_size))

    def _nodes(self, paging: Paging) -> Iterator[Any]:
        while operation := paging.next():
            yield from paging.take(self._take(self._exchange.execute(operation)))

    def _take(self, steps: Steps[T]) -> T:
        try:
            send = next(steps)
            while True:
                send = steps.send(self._outcome(send))
        except StopIteration as end:
            answer: T = end.value
            return answer

    def _outcome(self, send: Send) -> SendResult:
        time.sleep(send.after_s)
        try:
            return self._http.request(**self._exchange.arguments(send))
        except httpx.RequestError as error:
            return error

    def close(self) -> None:
        """Close the connections, where they are the client's own."""
        if self._owns_http:
            self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Client {self._exchange.shown_url}>"


class AsyncClient:
    """The same for asyncio: a client for the tasks of one event loop; close it, or use it as a context manager.

    An `http` client of the caller's own is used as it is, but for `timeout_s` and without redirects, and not closed.
    """

    def __init__(self, url: str, *, http: httpx.AsyncClient | None = None, **options: Unpack[Options]) -> None:
        self._exchange = Exchange(url, **options)
        self._http = httpx.AsyncClient() if http is None else http
        self._owns_http = http is None

    async def execute(
        self, document: str, variables: Mapping[str, Any] | None = None, operation_name: str | None = None
    ) -> Result:
        """Return the result, which may have errors. Raises TransportError or ResponseError where there is none."""
        return await self._take(self._exchange.execute(Operation(document, variables, operation_name)))

    async def execute_batch(self, operations: Sequence[Operation]) -> list[Result]:
        """Return the results of all operations in their order, asked in one request. Raises as `execute` does."""
        return await self._take(self._exchange.execute_batch(operations))

    def pages(
        self,
        document: str,
        path: str,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
        *,
        max_items: int | None = None,
        page_size: int = _PAGE_SIZE,
        most: int | None = None,
    ) -> AsyncIterator[Any]:
        """Yield the nodes of the connection at the path, such as `customer.orders`, in order; none where it is null.

        At most `max_items` come, which has to be given; `most` is its old name. The document declares
        `$first: Int, $after: String` for the connection, and selects `nodes` or `edges { node }` and
        `pageInfo { hasNextPage endCursor }`. Raises GraphQLErrors for a page with errors, after the nodes before it.
        """
        bound = max_items_of(max_items, most)
        return self._nodes(Paging(document, path, variables, operation_name, max_items=bound, page_size=page_size))

    async def _nodes(self, paging: Paging) -> AsyncIterator[Any]:
        while operation := paging.next():
            for node in paging.take(await self._take(self._exchange.execute(operation))):
                yield node

    async def _take(self, steps: Steps[T]) -> T:
        try:
            send = next(steps)
            while True:
                send = steps.send(await self._outcome(send))
        except StopIteration as end:
            answer: T = end.value
            return answer

    async def _outcome(self, send: Send) -> SendResult:
        await asyncio.sleep(send.after_s)
        try:
            return await self._http.request(**self._exchange.arguments(send))
        except httpx.RequestError as error:
            return error

    async def aclose(self) -> None:
        """Close the connections, where they are the client's own."""
        if self._owns_http:
            await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<AsyncClient {self._exchange.shown_url}>"

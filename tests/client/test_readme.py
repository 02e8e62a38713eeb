"""The README's programs run, against the real gateway."""

import json
from typing import Any

import httpx
import pytest
from starlette.responses import JSONResponse, Response

from tests.client.conftest import ReceivedRequest, Serve, refusing
from tests.client.readme import programs


class Batching:
    """The real gateway, with batches and persisted queries before it."""

    def __init__(self, gateway: str) -> None:
        self._gateway = gateway
        self._documents: dict[str, str] = {}

    def __call__(self, asked: ReceivedRequest) -> Response:
        if asked.method == "POST" and isinstance(asked.body, list):
            return JSONResponse([self._answer(request) for request in asked.body])
        request = asked.body or {"extensions": json.loads(asked.query["extensions"])}
        if "extensions" in request:
            digest = request["extensions"]["persistedQuery"]["sha256Hash"]
            if "query" not in request and digest not in self._documents:
                return refusing("PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND")(asked)
            self._documents[digest] = request.get("query") or self._documents[digest]
            request = {"query": self._documents[digest]}
        return JSONResponse(self._answer(request))

    def _answer(self, request: dict[str, Any]) -> Any:
        return httpx.post(self._gateway, json=request).json()


@pytest.mark.parametrize("number", range(len(programs(""))))
def test_the_readmes_programs_run(gateway: str, serve: Serve, number: int) -> None:
    server = serve(Batching(gateway))
    exec(compile(programs(server.url)[number], "README.md", "exec"), {"__name__": "__main__"})
    assert server.asked


def test_there_are_programs() -> None:
    assert len(programs("")) == 5

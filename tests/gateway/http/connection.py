"""One TCP connection to a gateway, and what it answers."""

import http.client
import json
from typing import NamedTuple
from urllib.parse import urlsplit

QUERY = "{ __typename }"
ANSWER = {"data": {"__typename": "Query"}}
JSON = {"content-type": "application/json"}


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def codes(self) -> list[str]:
        """Return the codes of its errors, each of which has a message."""
        errors = json.loads(self.body)["errors"]
        assert all(error["message"] for error in errors)
        return [error["extensions"]["code"] for error in errors]


class Connection:
    """One TCP connection, which is never opened again."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        self._connection.connect()
        self._connection.auto_open = 0

    def ask(self, method: str, path: str = "/graphql", body: bytes | None = None, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(method, path, body, (JSON if body is not None else {}) | named)
        response = self._connection.getresponse()
        return Answer(response.status, response.headers, response.read())

    def post(self, body: object, **headers: str) -> Answer:
        return self.ask("POST", body=body if isinstance(body, bytes) else json.dumps(body).encode(), **headers)

    def goes_on(self) -> bool:
        """Whether it answers the next request."""
        return bool(json.loads(self.post({"query": QUERY}).body) == ANSWER)

    def close(self) -> None:
        self._connection.close()

"""Examples of a strategy, each tried on a gateway whose faults are looked for in its answers."""

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
from hypothesis import HealthCheck, Phase, given, note, seed, settings
from hypothesis import strategies as st

_EXAMPLES = 120

Check = Callable[[Any], object]
Fuzz = Callable[[st.SearchStrategy[Any], Check], None]


def trials(seconds: float) -> Fuzz:
    """Return a function that checks the same few examples each time, and new ones for so many seconds."""

    def run(strategy: st.SearchStrategy[Any], check: Check) -> None:
        @settings(
            max_examples=_EXAMPLES,
            derandomize=not seconds,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy)
        def trial(example: Any) -> None:
            note(repr(example))
            check(example)

        trial()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            seed(time.time_ns())(trial)()

    return run


class Client:
    """Asks the gateway, and looks at each answer for a fault of the gateway's own."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def ask(self, method: str, path: str, **asked: Any) -> httpx.Response:
        answer = self._client.request(method, path, **asked)
        assert answer.status_code < 500, answer.text
        assert "INTERNAL_SERVER_ERROR" not in answer.text, answer.text
        return answer

    def post(self, query: str, variables: object) -> httpx.Response:
        body = json.dumps({"query": query, "variables": variables})
        return self.ask("POST", "/graphql", content=body, headers={"Content-Type": "application/json"})

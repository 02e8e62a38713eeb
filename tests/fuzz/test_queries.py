"""Random valid queries, made by Schemathesis from the schema as it is committed."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    InlineFragmentNode,
    ListValueNode,
    NameNode,
    SelectionSetNode,
    StringValueNode,
    Visitor,
    build_schema,
    introspection_from_schema,
    parse,
    print_ast,
    visit,
)
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from tests.fuzz.conftest import Watched
from tests.parts import merged

pytestmark = pytest.mark.engine

SCHEMA = Path(__file__).parents[2] / "schema.graphql"
EXAMPLES = 500
PARTS = "multipart/mixed;incrementalSpec=v0.2, application/json"
ACCEPTED = ("application/json", "application/graphql-response+json", PARTS)

KNOWN = {
    "tailNumber": ["N14228"],
    "code": ["UA", "JFK"],
    "id": ["Aircraft:N14228", "Airport:JFK", "Airline:UA"],
    "ids": ["N14228", "N725MQ", "Aircraft:N14228", "Airport:JFK"],
}
"""By argument: what the sample has. Made-up ids lead to nothing."""

REFUSED = {"BAD_USER_INPUT", "LIMIT_EXCEEDED"}
"""All that can be wrong with a valid query."""


class _WithKnownIds(Visitor):
    def __init__(self, index: int) -> None:
        super().__init__()
        self._at = index

    def leave_argument(self, node: ArgumentNode, *_: Any) -> ArgumentNode | None:
        known = [StringValueNode(value=text) for text in KNOWN.get(node.name.value, ())]
        if not known:
            return None
        if isinstance(node.value, ListValueNode):
            return replace(node, value=ListValueNode(values=(*node.value.values, *known)))
        return replace(node, value=known[self._at % len(known)])


class _Deferred(Visitor):
    """Puts off to a later part what each root field leads to."""

    def leave_field(self, node: FieldNode, _key: Any, _parent: Any, _path: Any, ancestors: list[Any]) -> Any:
        if node.selection_set is None or any(isinstance(item, FieldNode) for item in ancestors):
            return None
        defer = DirectiveNode(name=NameNode(value="defer"), arguments=())
        later = InlineFragmentNode(selection_set=node.selection_set, directives=(defer,))
        return replace(node, selection_set=SelectionSetNode(selections=(later,)))


def _queries() -> st.SearchStrategy[Any]:
    """Schemathesis reads a schema by an execution that refuses @defer and @stream."""
    schema = build_schema(SCHEMA.read_text())
    schema.directives = tuple(item for item in schema.directives if item.name not in ("defer", "stream"))
    loaded = schemathesis.graphql.from_dict(dict(introspection_from_schema(schema)))
    return loaded.as_strategy()


def _document(case: Any, known: int | None, *, defers: bool) -> str:
    document: DocumentNode = parse(case.body)
    if known is not None:
        document = visit(document, _WithKnownIds(known))
    return print_ast(visit(document, _Deferred()) if defers else document)


def _payloads(answer: httpx.Response) -> list[dict[str, Any]]:
    if not answer.headers["content-type"].startswith("multipart/mixed"):
        return [answer.json()]
    parts = answer.content.removesuffix(b"--\r\n").split(b"\r\n---")[:-1]
    payloads = [json.loads(part.partition(b"\r\n\r\n")[2]) for part in parts]
    merged(payloads)
    return payloads


def _errors(payload: dict[str, Any]) -> list[dict[str, Any]]:
    below = [*payload.get("incremental", ()), *payload.get("completed", ())]
    return [error for item in (payload, *below) for error in item.get("errors", ())]


def _check(answer: httpx.Response) -> bool:
    """Whether it is well-formed, and was answered with data."""
    payloads = _payloads(answer)
    first = payloads[0]
    for error in (error for payload in payloads for error in _errors(payload)):
        assert error["message"]
        assert error["extensions"]["code"] in REFUSED, error
    assert first.keys() <= {"data", "errors", "extensions", "pending", "hasNext"}
    assert "data" in first or first["errors"]
    graphql_type = answer.headers["content-type"].startswith("application/graphql-response+json")
    assert answer.status_code == (400 if graphql_type and "data" not in first else 200)
    return bool(first.get("data"))


def test_a_random_valid_query_is_answered_or_refused_for_its_arguments_and_nothing_is_logged(watched: Watched) -> None:
    answered: list[bool] = []
    parts: list[bool] = []

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(_queries(), st.sampled_from([None, 0, 1, 2]), st.sampled_from(ACCEPTED))
    def ask(case: Any, known: int | None, accept: str) -> None:
        text = _document(case, known, defers=accept == PARTS)
        note(text)
        answer = client.post("/graphql", json={"query": text}, headers={"Accept": accept})
        answered.append(_check(answer))
        parts.append(answer.headers["content-type"].startswith("multipart/"))

    with httpx.Client(base_url=watched.url, timeout=60, headers={"X-API-Key": watched.api_key}) as client:
        ask()
    assert answered.count(True) > EXAMPLES / 2
    assert parts.count(True) > EXAMPLES / 50
    assert watched.errors() == []

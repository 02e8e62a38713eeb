"""Explanations of operations on a model whose objects are known by no key of the query."""

from __future__ import annotations

from typing import Any

from gateway.explain import explain
from loaders.objects.request_loaders import RequestLoaders
from resolvers.request_context import RequestContext
from tests.resolvers.test_costs import estimated
from tests.resolvers.test_functions import MODEL, SCHEMA, TYPES


async def _explained(query: str) -> Any:
    context = RequestContext(RequestLoaders.over(MODEL, {}), MODEL.scopes)
    (field,) = (await explain(estimated(SCHEMA._schema, TYPES, query), context))["fields"]
    return field


async def test_objects_that_a_function_refers_to_count_as_missing() -> None:
    field = await _explained("{ favourite { id state best { name } } }")
    (section,), (statement,) = field["sections"], field["statements"]
    assert (section["name"], section["fresh"], section["missing"]) == ("Shop.record", 0, 1)
    assert (statement["sections"], statement["objects"]) == (["Shop.record"], 1)
    assert (field["objects"], field["follows"]) == (1, ["Good.record"])


async def test_a_list_of_references_counts_as_many_as_it_asks_for() -> None:
    field = await _explained("{ top(first: 7) { id } }")
    assert [section["missing"] for section in field["sections"]] == [7]
    assert [statement["objects"] for statement in field["statements"]] == [7]

"""Pages of objects: completed in chunks, so that other requests are served in between."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.execution.json_chunks import JSONChunks, encode
from gateway.schema import build_schema
from resolvers.request_context import RequestContext
from tests.models import loaded_model
from tests.resolvers.fake_objects import FakeLoaders, FakeObjects, FakeTenant

SCHEMA = build_schema(loaded_model("deploy.analytics.model"))
SCOPES = frozenset({"member:read", "pii:read", "billing:read", "usage:read"})
MEMBERS = [f"00000000-0000-0000-0000-{number:012}" for number in range(200)]
ANSWERS = {"Query.members": lambda _key, _request: [{"id": key, "order": (key,)} for key in MEMBERS]}


async def _page(selected: str, *, encode_in_chunks: bool) -> Any:
    loaders = FakeLoaders(FakeObjects(ANSWERS), FakeTenant(MEMBERS[0]))
    context = RequestContext(loaders, SCOPES, encode_in_chunks=encode_in_chunks)
    result: Any = await SCHEMA.execute(f"{{ members(first: 200) {{ {selected} }} }}", context_value=context)
    await context.release()
    assert not result.errors
    return result.data


@pytest.mark.parametrize(("field", "selected"), [("nodes", "nodes { id }"), ("edges", "edges { cursor node { id } }")])
async def test_a_page_of_objects_is_encoded_in_chunks(field: str, selected: str) -> None:
    whole = await _page(selected, encode_in_chunks=False)
    chunked = await _page(selected, encode_in_chunks=True)
    items = chunked["members"][field]
    assert type(items) is JSONChunks
    assert len(items.chunks) > 1
    assert len(whole["members"][field]) == len(MEMBERS)
    assert b"".join(encode(chunked)) == b"".join(encode(whole))

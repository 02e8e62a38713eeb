"""What the loader keys of one tick share, and what they do not."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from loaders.model.key_spaces import KeySpace
from loaders.objects.object_loader import ObjectLoader
from loaders.statements.section_request import SectionRequest, section_request
from tests.models import loaded_model

RECORD = section_request(loaded_model("deploy.analytics.model").bound_sections["Project.record"])
SPACE = RECORD.section.key_space


@dataclass(slots=True)
class Source:
    """Answers the names of the columns that are wanted."""

    loads: list[tuple[list[Any], list[frozenset[str] | None]]] = field(default_factory=list)

    async def load(
        self, _space: KeySpace, keys: Sequence[Any], requests: Sequence[SectionRequest]
    ) -> Mapping[SectionRequest, Any]:
        self.loads.append((list(keys), [request.columns for request in requests]))
        return {request: [(key, *sorted(request.columns or ())) for key in keys] for request in requests}


async def test_keys_that_differ_in_the_wanted_columns_alone_are_loaded_with_all_of_these() -> None:
    source = Source()
    loader = ObjectLoader(source)
    names, budgets = (frozenset([replace(RECORD, columns=frozenset([name]))]) for name in ("name", "budget"))
    first, second = await asyncio.gather(loader.load((SPACE, ("a", "b"), names)), loader.load((SPACE, ("a",), budgets)))
    assert source.loads == [(["a", "b"], [frozenset({"name", "budget"})])]
    assert [each.get(RECORD) for each in first] == [("a", "budget", "name"), ("b", "budget", "name")]
    assert [each.get(RECORD) for each in second] == [("a", "budget", "name")]


async def test_equal_keys_that_want_other_columns_are_both_answered() -> None:
    source = Source()
    loader = ObjectLoader(source)
    wanted = (frozenset([replace(RECORD, columns=frozenset([name]))]) for name in ("name", "budget"))
    records = await asyncio.gather(*(loader.load((SPACE, ("a",), requests)) for requests in wanted))
    assert source.loads == [(["a"], [frozenset({"name", "budget"})])]
    assert [each.get(RECORD) for (each,) in records] == [("a", "budget", "name")] * 2

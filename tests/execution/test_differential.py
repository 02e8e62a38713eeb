"""Random queries over random schemas and over the real one: this engine's answers are graphql-core's.

In `make test` a few hundred cases, the same ones each time; `pytest tests/execution --fuzz-seconds 600` goes on with new
ones. A failure names its seed and the smallest document that shows it.
"""

import gc
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import strawberry

from tests.asking import SCHEMA
from tests.execution.canned import HINTS, canned_context
from tests.execution.documents import Document, Hints, Size, random_document
from tests.execution.engines import Context, Counting, both, difference
from tests.execution.synthetic import random_schema

# graphql-core drops coroutines of its own where a list item fails beside one that is awaited, on either engine.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

_DOCUMENTS = 12
"""Documents over one random schema."""
_REAL_DOCUMENTS = 6
_SMALLER = [Size(depth, width, fragments) for depth in range(5) for width in (1, 2, 4) for fragments in (0, 2)]
_PIECES = (None, False, None, True)
"""How large lists are answered: whole, chunk by chunk, or in encoded chunks."""


@pytest.fixture(autouse=True)
def _dropped_coroutines() -> Iterator[None]:
    """Found here, where they are expected, and not in a later test."""
    yield
    gc.collect()


async def test_random_queries_over_random_schemas_are_answered_as_by_graphql_core(seeds: Iterator[int]) -> None:
    cases, by_columns = 0, 0
    for seed in seeds:
        schema = random_schema(seed)
        for index in range(_DOCUMENTS):
            context = _context_of(seed, index)
            before = Counting.tried["by columns"]
            await _check(schema, (seed, index), context, {})
            cases += 1
            by_columns += Counting.tried["by columns"] > before
    assert by_columns > cases / 2, "the engine left most to graphql-core, and little was tested"


async def test_random_queries_over_the_real_schema_are_answered_as_by_graphql_core(seeds: Iterator[int]) -> None:
    cases, by_columns = 0, 0
    for seed in seeds:
        for index in range(_REAL_DOCUMENTS):
            before = Counting.tried["by columns"]
            await _check(SCHEMA, (seed, index), _real_context_of(seed, index), HINTS)
            cases += 1
            by_columns += Counting.tried["by columns"] > before
    assert by_columns > cases / 2, "the engine left most to graphql-core, and little was tested"


def _context_of(seed: int, index: int) -> Callable[[], Context]:
    return lambda: Context((seed, index), _PIECES[index % 4])


def _real_context_of(seed: int, index: int) -> Callable[[], object]:
    return lambda: canned_context((seed, index), _PIECES[index % 4])


async def _check(schema: strawberry.Schema, seed: object, context: Callable[[], object], hints: Hints) -> None:
    document = random_document(schema._schema, seed, Size(), hints)
    if await _same(schema, document, context):
        return
    smallest = await _smallest(schema, document, context, hints)
    tested, reference = await both(schema, smallest.text, smallest.variables, context)
    pytest.fail(f"seed {seed}: {smallest}\n{difference(tested, reference)}")


async def _same(schema: strawberry.Schema, document: Document, context: Callable[[], object]) -> bool:
    in_turn = getattr(context(), "encode_in_chunks", None) is not None
    for variables in _each_way(document.variables):
        tested, reference = await both(schema, document.text, variables, context)
        if not tested.agrees(reference, in_turn=in_turn):
            return False
    return True


def _each_way(variables: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The variables, then with all directives turned round, for what is remembered of the operation, and back again."""
    yield variables
    turned = {name: not value for name, value in variables.items() if type(value) is bool}
    if turned:
        yield {**variables, **turned}
        yield variables


async def _smallest(
    schema: strawberry.Schema, failing: Document, context: Callable[[], object], hints: Hints
) -> Document:
    """The first of small documents that fails too, or the one that did."""
    for size in _SMALLER:
        for seed in range(20):
            document = random_document(schema._schema, seed, size, hints)
            if not await _same(schema, document, context):
                return document
    return failing

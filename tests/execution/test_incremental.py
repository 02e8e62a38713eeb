"""Random queries over the real schema with parts that come later: this engine's parts are graphql-core's."""

import gc
import json
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from graphql import (
    FieldNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionSetNode,
    Visitor,
    parse,
    print_ast,
    validate,
    visit,
)
from graphql.language import DirectiveNode
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from gateway.execution.json_chunks import encode
from tests.asking import SCHEMA
from tests.execution.canned import HINTS, canned_context
from tests.execution.documents import Document, random_document
from tests.execution.engines import Counting, Failures, Reference, exact, store_failures
from tests.parts import merged

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

_DOCUMENTS = 4


@pytest.fixture(autouse=True)
def _dropped_coroutines() -> Iterator[None]:
    """Found here, where they are expected, and not in a later test."""
    yield
    gc.collect()


class _Later(Visitor):
    """Puts @defer and @stream at random into a document."""

    def __init__(self, rng: Random) -> None:
        super().__init__()
        self._rng = rng
        self._labels = 0

    def leave_selection_set(self, node: SelectionSetNode, *_: Any) -> Any:
        if self._rng.random() > 0.3:
            return None
        deferred = [item for item in node.selections if self._rng.random() < 0.5]
        if not deferred:
            return None
        inline = InlineFragmentNode(
            directives=(self._directive("defer"),), selection_set=SelectionSetNode(selections=tuple(deferred))
        )
        rest = [item for item in node.selections if item not in deferred or self._rng.random() < 0.2]
        return SelectionSetNode(selections=(*rest, inline))

    def leave_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> Any:
        if self._rng.random() > 0.4:
            return None
        return FragmentSpreadNode(name=node.name, directives=(*(node.directives or ()), self._directive("defer")))

    def leave_field(self, node: FieldNode, *_: Any) -> Any:
        if self._rng.random() > 0.2 or node.selection_set is None:
            return None
        directives = (*(node.directives or ()), self._directive("stream"))
        return FieldNode(**{name: getattr(node, name) for name in ("alias", "name", "arguments", "selection_set")},
                         directives=directives)  # fmt: skip

    def _directive(self, name: str) -> DirectiveNode:
        self._labels += 1
        count = f", initialCount: {self._rng.randrange(3)}" if name == "stream" else ""
        text = f'{{ a @{name}(label: "{self._labels}"{count}) }}'
        (operation,) = parse(text).definitions
        directive: DirectiveNode = operation.selection_set.selections[0].directives[0]  # type: ignore[attr-defined]
        return directive


def _later(document: Document, seed: object) -> str | None:
    """The document with parts that come later; None where that would not be valid."""
    node = visit(parse(document.text), _Later(Random(repr(seed))))
    return None if validate(SCHEMA._schema, node) else print_ast(node)


async def _parts(
    engine: type[StrawberryGraphQLCoreExecutionContext], text: str, document: Document, seed: object
) -> list[dict[str, Any]]:
    context = canned_context(seed, encode_in_chunks=True, in_parts=True)
    before, SCHEMA.execution_context_class = SCHEMA.execution_context_class, engine
    try:
        result: Any = await SCHEMA.execute(text, variable_values=dict(document.variables), context_value=context)
        if not hasattr(result, "initial_result"):
            parts = [{"data": result.data, "errors": [e.formatted for e in result.errors or ()], "hasNext": False}]
        else:
            parts = [result.initial_result.formatted]
            parts += [part.formatted async for part in result.subsequent_results]
        return [json.loads(b"".join(encode(part))) for part in parts]
    finally:
        SCHEMA.execution_context_class = before


def _errors(answer: dict[str, Any]) -> tuple[set[str], Failures]:
    """The paths of errors, and those of stores merged over all parts."""
    rest, failures = store_failures(answer["errors"])
    return {repr(error.get("path")) for error in rest}, failures


async def test_parts_of_random_queries_are_graphql_cores(seeds: Iterator[int]) -> None:
    cases = in_parts = by_columns = 0
    for seed in seeds:
        for index in range(_DOCUMENTS):
            document = random_document(SCHEMA._schema, (seed, index), hints=HINTS)
            for turn in range(8):
                if (text := _later(document, (seed, index, turn))) is not None:
                    break
            else:
                continue
            before = Counting.tried["by columns"]
            tested = await _parts(Counting, text, document, (seed, index))
            reference = await _parts(Reference, text, document, (seed, index))
            assert exact(merged(tested)["data"]) == exact(merged(reference)["data"]), text
            assert _errors(merged(tested)) == _errors(merged(reference)), text
            cases, in_parts = cases + 1, in_parts + (len(tested) > 1)
            by_columns += Counting.tried["by columns"] > before
    assert in_parts > cases / 2, "most answers came whole, and little was tested"
    assert by_columns > cases / 4, "the engine left most to graphql-core, and little was tested"

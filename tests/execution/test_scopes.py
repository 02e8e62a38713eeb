"""Fields that a request may not read: null with an error at their path, on both engines, and not loaded."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.asking import SCHEMA, Recorder
from tests.conftest import Stores
from tests.execution.canned import HINTS, canned_context
from tests.execution.documents import Size, random_document
from tests.execution.engines import Counting, Reference, both, difference, exact
from tests.fleet.served import ALL_SCOPES, ANALYSIS, context_over

pytestmark = [
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

_WITHOUT_REGISTER: frozenset[str] = frozenset({ANALYSIS})
_PIECES = (None, False, None, True)
_DOCUMENTS = 6

_QUERY = """query($ids: [ID!]!) { aircraftByIds(ids: $ids) {
  id registration { model } operator { name }
  analysis { punctuality { flights } age { years } modelBenchmark { flights } carriers { code airline { name } } }
} }"""


@pytest.mark.slow
async def test_random_queries_without_a_scope_are_answered_as_by_graphql_core(seeds: Iterator[int]) -> None:
    cases: Counter[str] = Counter()
    for seed in seeds:
        for index in range(_DOCUMENTS):
            document = random_document(SCHEMA._schema, (seed, index), Size(), HINTS)
            tested, reference = await both(
                SCHEMA,
                document.text,
                document.variables,
                partial(canned_context, (seed, index), _PIECES[index % 4], _WITHOUT_REGISTER),
            )
            if not tested.agrees(reference, in_turn=_PIECES[index % 4] is not None):
                pytest.fail(f"seed {(seed, index)}: {document}\n{difference(tested, reference)}")
            if any("needs the scope" in text for _, texts in tested.errors for text in texts):
                cases["refused" if tested.data == exact(None) else "denied"] += 1
    assert min(cases["refused"], cases["denied"]) > 5, f"little was tested: {dict(cases)}"


@pytest.mark.parametrize("chunks", [None, False, True])
@pytest.mark.parametrize("ids", [1, 3, 30])
async def test_a_denied_field_is_null_at_each_of_its_paths_and_the_rest_answers(chunks: bool | None, ids: int) -> None:
    variables = {"ids": [f"N{index}" for index in range(ids)]}
    tested, reference = await both(
        SCHEMA, _QUERY, variables, partial(canned_context, "no faults 0", chunks, _WITHOUT_REGISTER)
    )
    assert tested == reference, difference(tested, reference)
    denied = {index[2:] for index, texts in tested.errors for text in texts if "needs the scope register:read" in text}
    for below in (("registration",), ("operator",), ("analysis", "age"), ("analysis", "modelBenchmark")):
        assert below in denied
        assert sum(index[2:] == below for index, _ in tested.errors) == ids
    assert "'punctuality', ('dict'" in repr(tested.data)


async def test_what_was_remembered_of_an_operation_is_for_the_same_scopes() -> None:
    query = '{ aircraftByIds(ids: ["N1", "N2"]) { registration { model } analysis { age { years } peers { count } } } }'
    answers, left = [], []
    for scopes in (_WITHOUT_REGISTER, ALL_SCOPES) * 2:
        Counting.tried.clear()
        tested, reference = await both(SCHEMA, query, {}, partial(canned_context, "no faults 0", None, scopes))
        assert tested == reference, difference(tested, reference)
        answers.append(tested)
        left.append(Counting.tried["left"] > 0)
    assert left == [True, False, True, False]  # with its scopes, all is completed by columns
    assert [bool(answer.errors) for answer in answers] == [True, False, True, False]
    assert answers[0] == answers[2]
    assert answers[1] == answers[3]


@pytest.mark.parametrize("engine", [Counting, Reference])
async def test_what_is_denied_is_not_loaded_and_says_so(sample_stores: Stores, engine: Any) -> None:
    recorder = Recorder()
    stores = recorder.relational(sample_stores.postgres), recorder.analytical(sample_stores.clickhouse)
    before, SCHEMA.execution_context_class = SCHEMA.execution_context_class, engine
    try:
        context = context_over(*stores, scopes=_WITHOUT_REGISTER)
        result = await SCHEMA.execute(_QUERY, variable_values={"ids": ["N14228"]}, context_value=context)
    finally:
        SCHEMA.execution_context_class = before
    assert result.data is not None
    (aircraft,) = result.data["aircraftByIds"]
    assert aircraft["analysis"]["punctuality"] == {"flights": 111}
    assert aircraft["analysis"]["carriers"][0] == {"code": "UA", "airline": None}
    errors = {tuple(error.path or ()): error for error in result.errors or []}
    error = errors["aircraftByIds", 0, "registration"]
    assert error.message == "registration needs the scope register:read."
    assert error.extensions == {"code": "FORBIDDEN"}
    assert ("aircraftByIds", 0, "analysis", "carriers", 0, "airline") in errors
    asked = " ".join(item.sql for item in recorder.sent if item.store == "postgresql")
    assert "aircraft" in asked  # whether it is known at all
    assert not [word for word in ("model", "airline", "year") if word in asked]


@pytest.mark.parametrize("engine", [Counting, Reference])
async def test_nodes_that_are_denied_are_null_in_their_place(engine: Any) -> None:
    query = 'query($ids: [ID!]!) { nodes(ids: $ids) { id } node(id: "Airline:UA") { id } }'
    ids = ["Airport:JFK", "Aircraft:N1", "Airline:UA"]
    before, SCHEMA.execution_context_class = SCHEMA.execution_context_class, engine
    try:
        context = canned_context("no faults 0", None, _WITHOUT_REGISTER)
        result = await SCHEMA.execute(query, variable_values={"ids": ids}, context_value=context)
    finally:
        SCHEMA.execution_context_class = before
    assert result.data == {"nodes": [None, {"id": "N1"}, None], "node": None}
    assert {tuple(error.path or ()): error.message for error in result.errors or []} == {
        ("nodes", 0): "Airport:JFK needs the scope register:read.",
        ("nodes", 2): "Airline:UA needs the scope register:read.",
        ("node",): "Airline:UA needs the scope register:read.",
    }

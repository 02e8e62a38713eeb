"""Selections, batches and values at the edges of what plans cover: directed, one hazard a test."""

import types
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import strawberry
from strawberry.directive import DirectiveLocation, DirectiveValue
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig

from gateway.execution.executor import ColumnExecutor
from resolvers.batching import BATCH, by_class
from tests.execution.engines import Counting, Outcome, QuietSchema, both, difference, run
from tests.execution.positions import Holding, batched, column, list_of, object_type
from tests.execution.synthetic import Denied, Shout
from tests.execution.values import Boom, Later

_ROWS = [(1, "a", True), None, (2, None, False)]
Pair = namedtuple("Pair", ["number", "text"])


def _row(**more: Any) -> Any:
    return object_type("Row", {}, number=column("number", 0, int), text=column("text", 1, str | None), **more)


def _echo() -> Any:
    """A field that answers its arguments."""

    def batch(parents: Sequence[Any], arguments: Mapping[str, Any], _context: Any) -> Sequence[str]:
        return [f"{arguments.get('n')} {arguments.get('text') or None}" for _ in parents]

    def resolve(root: Any, n: int | None = 7, text: str | None = strawberry.UNSET) -> Any:
        return batch([root], {"n": n, "text": text or None}, None)[0]

    return strawberry.field(resolver=resolve, graphql_type=str, metadata={BATCH: batch})


def _schema(item: Any, values: Any, **options: Any) -> strawberry.Schema:
    """Lists of items; every value is found under `items`."""

    def resolve() -> Any:
        return values() if callable(values) else values

    items = strawberry.field(resolver=resolve, graphql_type=list_of(item | None) | None)
    strict = strawberry.field(resolver=resolve, graphql_type=list_of(item) | None)
    return QuietSchema(query=object_type("Query", {}, items=items, strict=strict), **options)


async def _equal(schema: strawberry.Schema, query: str, variables: Mapping[str, Any] | None = None) -> Outcome:
    tested, reference = await both(schema, query, variables)
    if tested != reference:
        pytest.fail(difference(tested, reference))
    return tested


async def _by_columns(schema: strawberry.Schema, query: str, variables: Mapping[str, Any] | None = None) -> Outcome:
    """Equal, and nothing was left to graphql-core."""
    Counting.tried.clear()
    found = await _equal(schema, query, variables)
    assert Counting.tried["left"] == 0, dict(ColumnExecutor.left_to_graphql_core)
    assert Counting.tried["by columns"] > 0
    return found


def _names(found: Outcome) -> str:
    return repr(found.data)


async def test_the_same_document_with_other_directive_variables_selects_other_fields() -> None:
    schema = _schema(_row(echo=_echo()), _ROWS)
    query = "query($on: Boolean!, $off: Boolean!) { items { number text @include(if: $on) echo @skip(if: $off) } }"
    for on, off in [(True, False), (False, True), (True, True), (False, False), (True, False)]:
        found = await _by_columns(schema, query, {"on": on, "off": off})
        assert ("'text'" in _names(found), "'echo'" in _names(found)) == (on, not off)


async def test_two_operations_of_a_document_are_planned_apart() -> None:
    schema = _schema(_row(), _ROWS)
    query = "query A { items { ...F } } query B { items { again: number ...F } } fragment F on Row { text }"
    for operation in ("A", "B", "A"):
        tested, reference = await both(schema, query, operation=operation)
        assert tested == reference
        assert ("'again'" in _names(tested)) == (operation == "B")


async def test_aliases_of_a_field_keep_their_own_arguments() -> None:
    schema = _schema(_row(echo=_echo()), _ROWS)
    query = 'query($n: Int, $m: Int) { items { a: echo(n: 1) b: echo(n: $n) c: echo d: echo(n: null) e: echo(n: $m, text: "x") } }'
    found = await _by_columns(schema, query, {"n": 5})
    for answer in ("1 None", "7 None", "None None", "7 x"):
        assert answer in _names(found)


async def test_two_selections_of_one_type_are_planned_apart() -> None:
    schema = _schema(_row(echo=_echo()), _ROWS)
    await _by_columns(schema, "{ a: items { number } b: items { text } c: items { echo } d: items { number text } }")


async def test_fields_that_merge_are_one_and_keep_the_order_of_their_first() -> None:
    child = object_type("Child", {"a": int, "b": int, "c": int})
    parent = object_type("Parent", {"child": child})
    value = types.SimpleNamespace(child=types.SimpleNamespace(a=1, b=2, c=3))
    query = "{ items { child { b } ... { child { a } } ...F child { b c } } } fragment F on Parent { child { c } }"
    found = await _by_columns(_schema(parent, [value]), query)
    assert _names(found).index("'b'") < _names(found).index("'a'") < _names(found).index("'c'")


@pytest.mark.parametrize("query", ["{ items { __typename } }", "{ items { number @skip(if: true) } }"])
async def test_a_selection_without_columns_is_completed_for_any_object(query: str) -> None:
    await _by_columns(_schema(_row(), [Holding(1, 1), None, (1, "a")]), query)


async def test_an_unknown_variable_and_a_wrong_argument_are_refused_alike() -> None:
    schema = _schema(_row(echo=_echo()), _ROWS)
    await _equal(schema, "query($n: Int!) { items { echo(n: $n) } }", {})
    await _equal(schema, "query($n: Int!) { items { echo(n: $n) } }", {"n": 2**40})


@pytest.mark.parametrize(
    "row", [(), (1,), (1, "a", 3, 4), Pair(1, "a"), [1, "a"], "ab", {0: 1, 1: "a"}, Later((1, "a"))]
)
async def test_a_row_of_another_length_or_kind_is_read_as_by_its_resolvers(row: Any) -> None:
    for item in (_row(), _row(echo=_echo())):
        await _equal(_schema(item, [(1, "a"), row, (2, "b")]), "{ items { number text } strict { text } }")


async def test_a_row_is_read_only_as_far_as_it_is_asked() -> None:
    found = await _by_columns(_schema(_row(), [(1,)]), "{ items { number } }")
    assert found.errors == ()


def _answering(answer: Callable[[Sequence[Any]], Any]) -> Any:
    """A row with a field whose batch and resolver are this function."""

    def batch(parents: Sequence[Any], _arguments: Mapping[str, Any], _context: Any) -> Any:
        return answer(parents)

    def resolve(root: Any) -> Any:
        return batch([root], {}, None)[0]

    return _row(odd=strawberry.field(resolver=resolve, graphql_type=int, metadata={BATCH: batch}))


def _raising(error: BaseException) -> Any:
    def answer(_parents: Sequence[Any]) -> Any:
        raise error

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        lambda parents: [1] * len(parents) if len(parents) == 1 else [1] * (len(parents) - 1),
        lambda parents: [1] * (len(parents) + 1),
        lambda _parents: [],
        lambda _parents: None,
        lambda parents: (1 for _ in parents),
        lambda _parents: 3,
        _raising(Boom("batch")),
        _raising(StopIteration()),
        _raising(RecursionError("deep")),
    ],
    ids=["short", "long", "empty", "none", "generator", "number", "raises", "stops", "recursion"],
)
async def test_a_batch_that_breaks_its_promise_fails_where_its_resolver_would(answer: Any) -> None:
    found = await _equal(_schema(_answering(answer), [(1, "a"), (2, "b"), (3, "c")]), "{ items { number odd } }")
    assert all(at[:2] == ("items", at[1]) for at, _ in found.errors)


async def test_a_batch_may_answer_any_sequence() -> None:
    schema = _schema(_answering(lambda parents: tuple(range(len(parents)))), [(1, "a")])
    await _by_columns(schema, "{ items { number odd } }")


async def test_one_failing_parent_fails_alone() -> None:
    def one(row: Any) -> int:
        if row[0] == 2:
            raise Boom("two")
        return int(row[0])

    schema = _schema(_row(odd=batched(int, one)), [(1, "a"), (2, "b"), (3, "c")])
    found = await _equal(schema, "{ items { number odd } }")
    assert [at for at, _ in found.errors] == [("items", 1)]


async def test_an_error_of_a_batch_nulls_what_is_above_it_and_no_more() -> None:
    def one(_row: Any) -> int:
        raise Boom("all")

    schema = _schema(_row(odd=batched(int | None, one)), [(1, "a"), (2, "b")])
    found = await _equal(schema, "{ items { number odd } }")
    assert [at for at, _ in found.errors] == [("items", 0, "odd"), ("items", 1, "odd")]


def _denied_items() -> dict[str, Any]:
    guarded: dict[str, Any] = {"permission_classes": [Denied]}
    shouted: dict[str, Any] = {"extensions": [Shout()]}
    return {
        "batch, denied": lambda: _row(secret=_guarded(guarded)),
        "batch, extension": lambda: _row(secret=_guarded(shouted)),
        "attribute, denied": lambda: object_type("Row", {"secret": str}, secret=strawberry.field(**guarded)),
        "attribute, extension": lambda: object_type("Row", {"secret": str}, secret=strawberry.field(**shouted)),
        "column, denied": lambda: object_type("Row", {}, secret=column("secret", 0, int, **guarded)),
    }


def _guarded(options: dict[str, Any]) -> Any:
    def batch(parents: Sequence[Any], _arguments: Mapping[str, Any], _context: Any) -> Sequence[str]:
        return ["hush" for _ in parents]

    def resolve(root: Any) -> Any:
        return batch([root], {}, None)[0]

    return strawberry.field(resolver=resolve, graphql_type=str | None, metadata={BATCH: batch}, **options)


@pytest.mark.parametrize("kind", sorted(_denied_items()))
async def test_a_field_with_permissions_or_extensions_is_guarded_on_both_engines(kind: str) -> None:
    item = _denied_items()[kind]()
    parent = object_type("Parent", {"rows": list_of(item | None) | None})
    value = types.SimpleNamespace(rows=[(1, "a"), types.SimpleNamespace(secret="hush")])
    for schema, query in [
        (_schema(item, value.rows), "{ items { secret } }"),
        (_schema(parent, [value]), "{ items { __typename rows { secret } } }"),
    ]:
        found = await _equal(schema, query)
        assert "hush" not in _names(found)
        assert "denied" not in kind or found.errors


class Shouting(SchemaExtension):
    """A schema extension that changes what fields answer."""

    def resolve(self, _next: Any, root: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
        found = _next(root, info, *args, **kwargs)
        return found.upper() if isinstance(found, str) else found


async def test_under_an_extension_that_resolves_everything_is_graphql_cores() -> None:
    schema = _schema(_row(), _ROWS, extensions=[Shouting])
    Counting.tried.clear()
    found = await _equal(schema, "{ items { number text } }")
    assert Counting.tried["by columns"] == 0
    assert "'A'" in _names(found)


async def test_an_operation_directive_applies_on_both_engines() -> None:
    @strawberry.directive(locations=[DirectiveLocation.FIELD])
    def upper(value: DirectiveValue[Any]) -> Any:
        return value.upper()

    found = await _equal(_schema(_row(), [(1, "a")], directives=[upper]), "{ items { text @upper } }")
    assert "'A'" in _names(found)


async def test_attributes_are_read_by_the_schemas_own_default_resolver() -> None:
    item = object_type("Item", {"name": str, "inner_name": str | None})
    config = StrawberryConfig(default_resolver=lambda source, name: source[name])
    schema = _schema(item, [{"name": "a", "inner_name": None}, {"name": "b", "inner_name": "c"}], config=config)
    await _by_columns(schema, "{ items { name innerName } }")
    await _equal(
        _schema(item, [{"name": "a"}, {"name": 1}, {}], config=config), "{ items { innerName } strict { name } }"
    )


@pytest.mark.parametrize(
    "answer", [True, False, None, 0, 1, "yes", Later(True), Later(False), Later(Boom("later")), Boom("is")]
)
async def test_what_is_type_of_answers_is_taken_as_by_graphql_core(answer: Any) -> None:
    def is_type_of(value: Any, _info: Any) -> Any:
        if value[0] != 2:
            return True
        if isinstance(answer, Boom):
            raise answer
        return answer

    rows = [(1, "a"), (2, "b"), (3, "c")]
    for item in (_row(is_type_of=is_type_of), _row(is_type_of=is_type_of, echo=_echo())):
        await _equal(_schema(item, rows), "{ items { number text } strict { number } }")
        await _equal(_schema(item, rows), "{ items { __typename } }")


async def test_a_check_by_class_is_asked_of_each_class() -> None:
    class Other(tuple):  # type: ignore[type-arg]
        __slots__ = ()

    asked: list[Any] = []

    @by_class
    def is_type_of(value: Any, _info: Any) -> bool:
        asked.append(value)
        return type(value) is tuple

    rows = [(1, "a"), (2, "b"), Other((3, "c")), (4, "d")]
    for item in (_row(is_type_of=is_type_of), _row(is_type_of=is_type_of, echo=_echo())):
        await _equal(_schema(item, rows), "{ items { number text } }")
    asked.clear()
    schema = _schema(_row(is_type_of=is_type_of, echo=_echo()), [(1, "a"), (2, "b"), (3, "c")])
    await run(schema, Counting, "{ items { number } }")
    assert len(asked) == 1


async def test_an_async_is_type_of_is_awaited_by_graphql_core() -> None:
    async def is_type_of(value: Any, _info: Any) -> bool:
        return bool(value[0] != 2)

    schema = _schema(_row(is_type_of=is_type_of), [(1, "a"), (2, "b"), (3, "c")])
    found = await _equal(schema, "{ items { number } }")
    assert [at for at, _ in found.errors] == [("items", 1)]

"""Selections and values at the edges of what plans cover: directed, one hazard a test."""

import types
from collections import namedtuple
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import strawberry
from strawberry.directive import DirectiveLocation, DirectiveValue
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig

from resolvers.batching import BATCH
from tests.execution.engines import Counting, both, run
from tests.execution.positions import Holding, column, list_of, object_type
from tests.execution.rows import ROWS, by_columns, echoing, equal, row_type, schema_of, shown
from tests.execution.synthetic import Denied, Shout
from tests.execution.values import Boom, Later

Pair = namedtuple("Pair", ["number", "text"])


async def test_the_same_document_with_other_directive_variables_selects_other_fields() -> None:
    schema = schema_of(row_type(echo=echoing()), ROWS)
    query = "query($on: Boolean!, $off: Boolean!) { items { number text @include(if: $on) echo @skip(if: $off) } }"
    for on, off in [(True, False), (False, True), (True, True), (False, False), (True, False)]:
        result = await by_columns(schema, query, {"on": on, "off": off})
        assert ("'text'" in shown(result), "'echo'" in shown(result)) == (on, not off)


async def test_two_operations_of_a_document_are_planned_apart() -> None:
    schema = schema_of(row_type(), ROWS)
    query = "query A { items { ...F } } query B { items { again: number ...F } } fragment F on Row { text }"
    for operation in ("A", "B", "A"):
        tested, reference = await both(schema, query, operation=operation)
        assert tested == reference
        assert ("'again'" in shown(tested)) == (operation == "B")


async def test_aliases_of_a_field_keep_their_own_arguments() -> None:
    schema = schema_of(row_type(echo=echoing()), ROWS)
    query = 'query($n: Int, $m: Int) { items { a: echo(n: 1) b: echo(n: $n) c: echo d: echo(n: null) e: echo(n: $m, text: "x") } }'
    result = await by_columns(schema, query, {"n": 5})
    for answer in ("1 None", "7 None", "None None", "7 x"):
        assert answer in shown(result)


async def test_two_selections_of_one_type_are_planned_apart() -> None:
    schema = schema_of(row_type(echo=echoing()), ROWS)
    await by_columns(schema, "{ a: items { number } b: items { text } c: items { echo } d: items { number text } }")


async def test_fields_that_merge_are_one_and_keep_the_order_of_their_first() -> None:
    child = object_type("Child", {"a": int, "b": int, "c": int})
    parent = object_type("Parent", {"child": child})
    value = types.SimpleNamespace(child=types.SimpleNamespace(a=1, b=2, c=3))
    query = "{ items { child { b } ... { child { a } } ...F child { b c } } } fragment F on Parent { child { c } }"
    result = await by_columns(schema_of(parent, [value]), query)
    assert shown(result).index("'b'") < shown(result).index("'a'") < shown(result).index("'c'")


@pytest.mark.parametrize("query", ["{ items { __typename } }", "{ items { number @skip(if: true) } }"])
async def test_a_selection_without_columns_is_completed_for_any_object(query: str) -> None:
    await by_columns(schema_of(row_type(), [Holding(1, 1), None, (1, "a")]), query)


async def test_an_unknown_variable_and_a_wrong_argument_are_refused_alike() -> None:
    schema = schema_of(row_type(echo=echoing()), ROWS)
    await equal(schema, "query($n: Int!) { items { echo(n: $n) } }", {})
    await equal(schema, "query($n: Int!) { items { echo(n: $n) } }", {"n": 2**40})


@pytest.mark.parametrize(
    "row", [(), (1,), (1, "a", 3, 4), Pair(1, "a"), [1, "a"], "ab", {0: 1, 1: "a"}, Later((1, "a"))]
)
async def test_a_row_of_another_length_or_kind_is_read_as_by_its_resolvers(row: Any) -> None:
    for item in (row_type(), row_type(echo=echoing())):
        await equal(schema_of(item, [(1, "a"), row, (2, "b")]), "{ items { number text } strict { text } }")


async def test_a_row_is_read_only_as_far_as_it_is_asked() -> None:
    result = await by_columns(schema_of(row_type(), [(1,)]), "{ items { number } }")
    assert result.errors == ()


def _denied_items() -> dict[str, Any]:
    guarded: dict[str, Any] = {"permission_classes": [Denied]}
    shouted: dict[str, Any] = {"extensions": [Shout()]}
    return {
        "batch, denied": lambda: row_type(secret=_guarded(guarded)),
        "batch, extension": lambda: row_type(secret=_guarded(shouted)),
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
        (schema_of(item, value.rows), "{ items { secret } }"),
        (schema_of(parent, [value]), "{ items { __typename rows { secret } } }"),
    ]:
        result = await equal(schema, query)
        assert "hush" not in shown(result)
        assert "denied" not in kind or result.errors


class Shouting(SchemaExtension):
    """A schema extension that changes what fields answer."""

    def resolve(self, _next: Any, root: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
        result = _next(root, info, *args, **kwargs)
        return result.upper() if isinstance(result, str) else result


async def test_under_an_extension_that_resolves_everything_is_graphql_cores() -> None:
    schema = schema_of(row_type(), ROWS, extensions=[Shouting])
    Counting.tried.clear()
    result = await equal(schema, "{ items { number text } }")
    assert Counting.tried["by columns"] == 0
    assert "'A'" in shown(result)


async def test_an_operation_directive_applies_on_both_engines() -> None:
    @strawberry.directive(locations=[DirectiveLocation.FIELD])
    def upper(value: DirectiveValue[Any]) -> Any:
        return value.upper()

    result = await equal(schema_of(row_type(), [(1, "a")], directives=[upper]), "{ items { text @upper } }")
    assert "'A'" in shown(result)


async def test_attributes_are_read_by_the_schemas_own_default_resolver() -> None:
    item = object_type("Item", {"name": str, "inner_name": str | None})
    config = StrawberryConfig(default_resolver=lambda source, name: source[name])
    schema = schema_of(item, [{"name": "a", "inner_name": None}, {"name": "b", "inner_name": "c"}], config=config)
    await by_columns(schema, "{ items { name innerName } }")
    await equal(
        schema_of(item, [{"name": "a"}, {"name": 1}, {}], config=config), "{ items { innerName } strict { name } }"
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
    for item in (row_type(is_type_of=is_type_of), row_type(is_type_of=is_type_of, echo=echoing())):
        await equal(schema_of(item, rows), "{ items { number text } strict { number } }")
        await equal(schema_of(item, rows), "{ items { __typename } }")


async def test_a_check_by_class_is_asked_of_each_class() -> None:
    class Other(tuple):  # type: ignore[type-arg]
        __slots__ = ()

    asked: list[Any] = []

    class OfClass:
        by_class = True

        def __call__(self, value: Any, _info: Any) -> bool:
            asked.append(value)
            return type(value) is tuple

    is_type_of = OfClass()
    rows = [(1, "a"), (2, "b"), Other((3, "c")), (4, "d")]
    for item in (row_type(is_type_of=is_type_of), row_type(is_type_of=is_type_of, echo=echoing())):
        await equal(schema_of(item, rows), "{ items { number text } }")
    asked.clear()
    schema = schema_of(row_type(is_type_of=is_type_of, echo=echoing()), [(1, "a"), (2, "b"), (3, "c")])
    await run(schema, Counting, "{ items { number } }")
    assert len(asked) == 1


async def test_an_async_is_type_of_is_awaited_by_graphql_core() -> None:
    async def is_type_of(value: Any, _info: Any) -> bool:
        return bool(value[0] != 2)

    schema = schema_of(row_type(is_type_of=is_type_of), [(1, "a"), (2, "b"), (3, "c")])
    result = await equal(schema, "{ items { number } }")
    assert [index for index, _ in result.errors] == [("items", 1)]

"""Functions of a model: what they are called with, what their answers become, references, and what goes wrong."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest

import fuseway as m
from loaders.deadline import Deadline, working_until
from loaders.model.compilation import compile_model
from loaders.stores.errors import StoreUnavailable
from resolvers.fields import ArgumentNameError
from resolvers.request_context import RequestContext
from tests.resolvers.fake_objects import FakeLoaders, FakeObjects
from tests.resolvers.schemas import schema_of
from tests.resolvers.test_costs import estimated

db = m.Postgres()
shops = db.table("public.shops", scope="shop:read")
goods = db.table("public.goods", scope="goods:read")
CALLS: list[tuple[str, Any]] = []
A, B = "00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000b"


class State(Enum):
    """Whether a shop is open."""

    OPEN, CLOSED = "open", "closed"


async def _near(id: Sequence[UUID], state: Sequence[State], viewer: m.Viewer, radius: int = 5) -> list[str]:  # noqa: A002
    CALLS.append(("near", (list(id), list(state), sorted(viewer.scopes), radius)))
    return [f"{each.name} within {radius}" for each in state]


def _price(id: Sequence[UUID], add: Decimal, until: dt.date | None = None) -> list[Decimal | None]:  # noqa: A002
    CALLS.append(("price", (add, until)))
    return [Decimal("1.50") + add if each == UUID(A) else None for each in id]


def _best(id: Sequence[UUID]) -> list[Any]:  # noqa: A002
    return [m.ref(Good, (UUID(A), 7)) if each == UUID(A) else None for each in id]


def _some(id: Sequence[UUID], first: int = 3) -> list[list[Any]]:  # noqa: A002
    return [[m.ref(Good, (each, number)) for number in range(first)] for each in id]


def _wrong(id: Sequence[UUID], how: str) -> Any:  # noqa: A002
    if how == "raise":
        raise ValueError("secret")
    answers: dict[str, Any] = {"few": [], "text": "x" * len(id), "none": None}
    return answers[how]


async def _waits(id: Sequence[UUID]) -> list[str]:  # noqa: A002
    try:
        await asyncio.sleep(3_600)
    except asyncio.CancelledError:
        CALLS.append(("cancelled", len(id)))
        raise
    return []


async def _fails_late(id: Sequence[UUID]) -> list[str]:  # noqa: A002
    raise TimeoutError(f"{len(id)} of its own")


def _strange(id: Sequence[UUID]) -> list[Any]:  # noqa: A002
    return [m.ref(Shop, each) for each in id]


def _now(zone: str) -> str:
    CALLS.append(("now", zone))
    return f"now in {zone}"


async def _favourite(viewer: m.Viewer) -> Any:
    return m.ref(Shop, UUID(B)) if "shop:read" in viewer.scopes else None


def _all_of(keys: list[UUID]) -> list[Any]:
    return [m.ref(Shop, key) for key in keys]


def _top(first: int = 3) -> list[Any]:
    return [m.ref(Shop, UUID(A))] * first


class Good(m.Object, table=goods):
    """Something to buy."""

    shop_id: UUID = m.key()
    number: int = m.key()
    name: str
    shop: Shop | None = m.one("shop_id")


class Shop(m.Object, table=shops):
    """A shop."""

    id: UUID = m.key()
    state: State
    near: str = m.resolver(_near, "What is near.", points=3)
    price: Decimal | None = m.resolver(_price)
    best: Good | None = m.resolver(_best)
    some: list[Good | None] = m.resolver(_some)
    known: list[Good] = m.resolver(_some)
    wrong: str | None = m.resolver(_wrong)
    strange: Good | None = m.resolver(_strange)
    waits: str | None = m.resolver(_waits)
    fails_late: str | None = m.resolver(_fails_late)


class Query(m.Query):
    """Ways in."""

    shop: Shop | None = m.by_key()
    shops: list[Shop | None] = m.by_key()
    now: str = m.resolver(_now)
    favourite: Shop | None = m.resolver(_favourite)
    all_of: list[Shop | None] = m.resolver(_all_of)
    top: list[Shop | None] = m.resolver(_top)


MODEL = compile_model(m.Model("shops", query=Query, types=[Shop, Good]))
SCHEMA, TYPES = schema_of(MODEL)
SHOPS = {A: {"id": A, "state": "OPEN"}, B: {"id": B, "state": "CLOSED"}}
ANSWERS: dict[str, Any] = {
    "Shop.record": lambda key, _: SHOPS.get(key),
    "Good.record": lambda key, _: (
        None if key[1] == 2 else {"shop_id": key[0], "number": key[1], "name": f"good {key[1]}", "shop": key[0]}
    ),
}


async def ask(query: str, answers: Mapping[str, Any] | None = None, **variables: Any) -> tuple[Any, FakeObjects]:
    """Execute a query; answer its result and the loader."""
    CALLS.clear()
    objects = FakeObjects({**ANSWERS, **(answers or {})})
    context = RequestContext(FakeLoaders(objects), TYPES.parts.field_scopes)
    return await SCHEMA.execute(query, variable_values=variables, context_value=context), objects


async def test_a_function_is_called_once_for_all_objects_with_their_columns() -> None:
    result, objects = await ask(f'{{ shops(ids: ["{A}", "{B}", "{A}", "{UUID(int=1)}"]) {{ id near }} }}')
    assert not result.errors
    texts = ["OPEN within 5", "CLOSED within 5", "OPEN within 5"]
    assert [each and each["near"] for each in result.data["shops"]] == [*texts, None]
    assert [("near", ([UUID(A), UUID(B)], [State.OPEN, State.CLOSED], ["goods:read", "shop:read"], 5))] == CALLS
    ((request,),) = objects.requests
    assert set(request.columns or ()) == {"id", "state"}


async def test_arguments_are_typed_and_calls_with_equal_ones_are_one() -> None:
    result, _ = await ask(
        f'{{ shop(id: "{A}") {{ a: price(add: "0.25") b: price(add: "0.25") c: price(add: "1", until: "2026-01-02")'
        " near(radius: 9) } }"
    )
    assert result.data == {"shop": {"a": "1.75", "b": "1.75", "c": "2.50", "near": "OPEN within 9"}}
    prices = [value for name, value in CALLS if name == "price"]
    assert sorted(prices, key=str) == [(Decimal("0.25"), None), (Decimal(1), dt.date(2026, 1, 2))]
    declared: Any = SCHEMA._schema.type_map["Shop"]
    assert [str(each.type) for each in declared.fields["price"].args.values()] == ["Decimal!", "Date"]


async def test_references_are_loaded_with_what_is_selected_of_them() -> None:
    result, objects = await ask(
        f'{{ shops(ids: ["{A}", "{B}"]) {{ best {{ id name shop {{ state }} }} some(first: 3) {{ name }} }} }}'
    )
    assert not result.errors
    first, second = result.data["shops"]
    assert first["best"] == {"id": f"{A}:7", "name": "good 7", "shop": {"state": "OPEN"}}
    assert second["best"] is None
    some = [{"name": "good 0"}, {"name": "good 1"}, None]
    assert [each["some"] for each in (first, second)] == [some, some]
    assert [name for name, _, _ in objects.loads] == ["Shop", "Good", "Good", "Shop"]


async def test_a_list_that_says_all_its_objects_are_known_is_null_where_one_is_not() -> None:
    result, _ = await ask(f'{{ shop(id: "{A}") {{ two: known(first: 2) {{ name }} three: known {{ name }} }} }}')
    assert result.data == {"shop": {"two": [{"name": "good 0"}, {"name": "good 1"}], "three": None}}
    assert [error.path for error in result.errors] == [["shop", "three", 2]]


async def test_functions_have_their_price() -> None:
    plain, near = (
        estimated(SCHEMA._schema, TYPES, f'{{ shop(id: "{A}") {{ id {more} }} }}') for more in ("state", "near")
    )
    assert (near.statements, near.points - plain.points) == (1, 3)
    item, list_of_all = (
        estimated(SCHEMA._schema, TYPES, f'{{ shop(id: "{A}") {{ {field} {{ name }} }} }}')
        for field in ("best", "some(first: 9)")
    )
    assert (item.statements, list_of_all.statements) == (2, 2)
    assert list_of_all.rows == item.rows
    assert list_of_all.points > item.points


def test_references_are_priced_by_their_number_without_a_key_for_each() -> None:
    three, million = (
        estimated(SCHEMA._schema, TYPES, f"{{ top(first: {first}) {{ id state }} }}") for first in (3, 1_000_000)
    )
    assert (three.objects(), million.objects()) == (3, 1_000_000)
    assert million.points > 100_000
    (wave,) = million.root_fields[0].waves
    assert (wave.keys, wave.unknown) == ((), 1_000_000)
    keys = ", ".join(f'"{UUID(int=number)}"' for number in range(300))
    assert estimated(SCHEMA._schema, TYPES, f"{{ allOf(keys: [{keys}]) {{ id }} }}").objects() == 300


def test_a_negative_number_of_references_takes_nothing_off_a_price() -> None:
    plain, root, below = (
        estimated(SCHEMA._schema, TYPES, f'{{ shop(id: "{A}") {{ id }} {more} }}')
        for more in ("", "top(first: -1000000) { id }", f'b: shop(id: "{A}") {{ id some(first: -1000000) {{ name }} }}')
    )
    assert root.points >= plain.points
    assert below.points >= plain.points
    assert min(root.rows, below.rows) >= plain.rows


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("few", "Shop.wrong: the function answered 0 values for 1 objects: answer a list."),
        ("text", "Shop.wrong: the function answered 1 values for 1 objects: answer a list."),
        ("none", "Shop.wrong: the function answered NoneType for 1 objects: answer a list."),
        ("raise", "secret"),
    ],
)
async def test_what_a_function_does_wrong_is_an_error_of_its_field_alone(how: str, message: str) -> None:
    result, _ = await ask(f'{{ shop(id: "{A}") {{ id wrong(how: "{how}") }} }}')
    assert result.data == {"shop": {"id": A, "wrong": None}}
    (error,) = result.errors
    assert (error.path, str(error.original_error)) == (["shop", "wrong"], message)


async def test_a_function_is_stopped_at_the_deadline_and_its_field_alone_is_null() -> None:
    with working_until(Deadline.after(0.05)):
        async with asyncio.timeout(30):
            result, _ = await ask(f'{{ shop(id: "{A}") {{ id waits price(add: "1") }} }}')
    assert result.data == {"shop": {"id": A, "waits": None, "price": "2.50"}}
    (error,) = result.errors
    assert (error.path, error.extensions) == (["shop", "waits"], {"code": "DEADLINE_EXCEEDED"})
    assert ("cancelled", 1) in CALLS


async def test_a_time_out_of_a_functions_own_is_its_error() -> None:
    with working_until(Deadline.after(30)):
        result, _ = await ask(f'{{ shop(id: "{A}") {{ id failsLate }} }}')
    (error,) = result.errors
    assert str(error.original_error) == "1 of its own"


async def test_a_reference_to_another_type_is_an_error() -> None:
    result, objects = await ask(f'{{ shop(id: "{A}") {{ id strange {{ name }} }} }}')
    assert result.data == {"shop": {"id": A, "strange": None}}
    assert "answered no m.ref(Good, …)" in str(result.errors[0])
    assert len(objects.loads) == 1


async def test_objects_behind_references_that_cannot_be_loaded_are_errors_in_their_places() -> None:
    result, _ = await ask(
        f'{{ shop(id: "{A}") {{ id best {{ name }} }} }}', {"Good.record": StoreUnavailable("db", "gone")}
    )
    assert result.data == {"shop": {"id": A, "best": None}}
    assert result.errors[0].path == ["shop", "best"]


async def test_functions_answer_root_fields() -> None:
    result, objects = await ask(
        f'{{ now(zone: "UTC") favourite {{ id near }} allOf(keys: ["{A}", "{UUID(int=5)}"]) {{ state }} }}'
    )
    assert not result.errors
    assert result.data == {
        "now": "now in UTC",
        "favourite": {"id": B, "near": "CLOSED within 5"},
        "allOf": [{"state": "OPEN"}, None],
    }
    assert {name for name, _, _ in objects.loads} == {"Shop"}


class _Slug(m.Object, table=shops):
    """A shop with a name within a city."""

    key_: int = m.key(column="key")
    city: str
    slug: str


_Slug.__name__ = "Slug"


class _SlugQuery(m.Query):
    """Look-ups by two columns."""

    by_slug: _Slug | None = m.by_key("city, slug")
    by_slugs: list[_Slug | None] = m.by_key("city, slug")


async def test_several_columns_together_look_an_object_up() -> None:
    schema, types = schema_of(compile_model(m.Model("slugs", query=_SlugQuery, types=[_Slug])))
    rows = {("x", "a:b"): {"key_": 4, "city": "x", "slug": "a:b"}}
    answers: dict[str, Any] = {f"Query.{name}": lambda key, _: rows.get(key) for name in ("by_slug", "by_slugs")}
    objects = FakeObjects(answers)
    query = '{ bySlug(city: "x", slug: "a:b") { id slug } bySlugs(keys: ["x:a%3Ab", "x:y", "x", "x:y:z"]) { id } }'
    result: Any = await schema.execute(
        query, context_value=RequestContext(FakeLoaders(objects), types.parts.field_scopes)
    )
    assert not result.errors
    assert result.data == {"bySlug": {"id": "4", "slug": "a:b"}, "bySlugs": [{"id": "4"}, None, None, None]}
    assert [keys for _, keys, _ in objects.loads] == [[("x", "a:b")], [("x", "a:b"), ("x", "y")]]


def _informed(id: Sequence[UUID], info: int) -> list[int]:  # noqa: A002
    return [info for _ in id]


def test_an_argument_that_has_a_name_of_strawberrys_own_ends_the_start() -> None:
    class Named(m.Object, table=shops):
        """A shop."""

        id: UUID = m.key()
        informed: int = m.resolver(_informed)

    fields = {
        "__annotations__": {"named": Named | None},
        "named": m.by_key(),
        "__doc__": "Ways in.",
        "__module__": __name__,
    }
    query = type("Query", (m.Query,), fields)
    model = compile_model(m.Model("named", query=query, types=[Named]))
    with pytest.raises(ArgumentNameError, match="informed: no argument can be called info"):
        schema_of(model)

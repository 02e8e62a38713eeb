"""What a model says beside its types: functions, references, change feeds, its set-up, and what is deprecated."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

import fuseway as m
from loaders.model.bound_tables import LatestVersion
from loaders.model.change_feeds import Notifies, Polls
from loaders.model.databases import Database
from loaders.model.loading import load_model, load_set_up
from loaders.model.object_references import ObjectReference
from loaders.model.problems import ModelError
from loaders.model.resolver_functions import REQUIRED
from loaders.model.scalars import BIG_INTEGER, INTEGER
from tests.loaders.model.models import RIGHT, load


def _edited(*edits: tuple[str, str]) -> str:
    text = RIGHT
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def test_a_function_takes_columns_arguments_and_the_viewer(tmp_path: Path) -> None:
    function = "async def _near(id: list[int], state: list[State], miles: int, who: m.Viewer, by: State | None = None) -> list[str]: ...\n\n"
    text = _edited(
        ("def _label", f"{function}def _label"),
        (
            "    state: State\n",
            '    state: State = m.column(scope="state:read")\n    near: str = m.resolver(_near, points=3)\n',
        ),
    )
    model = load(tmp_path, text)
    near = model.functions["Order.near"]
    assert near.columns == ("id", "state")
    assert [(each.name, each.shape.scalar and each.shape.scalar.name, each.default) for each in near.arguments] == [
        ("miles", "Int", REQUIRED),
        ("by", "State", None),
    ]
    assert (near.viewer, near.points) == ("who", 3)
    assert model.objects["Order"].field_scopes["near"] == {"state:read"}


def test_a_root_function_takes_arguments_alone(tmp_path: Path) -> None:
    text = _edited(
        ("class Query(m.Query):", "def _best(name: str = 'x') -> Account: ...\n\nclass Query(m.Query):"),
        ("account: Account | None = m.current()", "account: Account | None = m.resolver(_best)"),
    )
    function = load(tmp_path, text).functions["Query.account"]
    assert (function.columns, [each.name for each in function.arguments], function.points) == ((), ["name"], 1)


def test_a_reference_stands_for_an_object() -> None:
    class Shop(m.Object, table=m.Postgres().table("app.shops")):
        """A shop."""

        id: int = m.key()

    assert m.ref(Shop, 5) == ObjectReference(Shop, 5)  # type: ignore[comparison-overlap]  # it stands for a Shop


def test_changes_are_declared_or_not_heard() -> None:
    fleet, analytics = load_model("deploy.fleet.model"), load_model("deploy.analytics.model")
    assert {table.name: table.options.changes for table in fleet.tables} == {
        "public.aircraft": Notifies("gateway_changes", "tail_number"),
        "public.register": Notifies("gateway_changes", "tail_number"),
        "public.airline": Notifies("gateway_changes"),
        "public.airport": Notifies("gateway_changes"),
        "flights": None,
        "weather": None,
    }
    assert {table.name for table in analytics.tables if table.options.changes is not None} == set()
    assert m.polls("updated_at", every_s=30) == Polls("updated_at", 30)


def test_the_latest_version_is_that_of_the_objects_key(tmp_path: Path) -> None:
    text = _edited(
        ('web.table("events", ', 'web.table("events", latest="version", key="id, sent_at", '),
        ('crm.table("app.orders", ', 'crm.table("app.orders", latest="revision", '),
    )
    bound = {table.name: each.latest for table, each in load(tmp_path, text).bound_tables.items()}
    assert bound["events"] == LatestVersion("version", ("id", "sent_at"))
    assert bound["app.orders"] == LatestVersion("revision", ("id",))
    assert bound["app.accounts"] is None


def test_a_parents_key_may_be_said(tmp_path: Path) -> None:
    text = _edited(
        ('orders.via("order_id")', 'heads.via("order_id, day", key="id, day")'),
        ("lines = crm.table", 'heads = crm.table("app.heads")\nlines = crm.table'),
    )
    tenant = {table.name: each.tenant for table, each in load(tmp_path, text).bound_tables.items()}["app.order_lines"]
    assert repr(tenant).startswith("ParentTenant(columns=('order_id', 'day'), parent=")
    assert repr(tenant).endswith("parent_columns=('id', 'day'))")


def test_a_link_to_a_key_of_two_parts_holds_both(tmp_path: Path) -> None:
    text = _edited(("    lines: list[Line]", '    worst: Line | None = m.one("id, worst_no")\n    lines: list[Line]'))
    columns = {column.name: column for column in load(tmp_path, text).bound_sections["Order.record"].columns}
    assert columns["worst"].sql.shown() == '("id", "worst_no")'
    assert columns["worst"].scalars == (BIG_INTEGER, INTEGER)
    assert columns["worst"].target == "Line"


def test_a_model_says_where_its_data_and_examples_are(tmp_path: Path) -> None:
    (tmp_path / "examples").mkdir()
    for name in ("b", "a"):
        (tmp_path / "examples" / f"{name}.graphql").write_text("{ orders { totalCount } }")
    said = 'm.Model("shop", setup="shop.setup:create", examples="examples", '
    model = load(tmp_path, _edited(('m.Model("shop", ', said)))
    assert model.setup == "shop.setup:create"
    assert [path.name for path in model.examples] == ["a.graphql", "b.graphql"]
    single = load(tmp_path, _edited(('m.Model("shop", ', 'm.Model("shop", examples="examples/b.graphql", ')))
    assert [path.name for path in single.examples] == ["b.graphql"]


def test_a_mutation_is_a_strawberry_class(tmp_path: Path) -> None:
    mutation = (
        "@strawberry.type\nclass Mutation:\n    @strawberry.mutation\n    def pay(self, order_id: str) -> bool: ...\n\n"
    )
    text = _edited(
        ("import fuseway as m", "import strawberry\nimport fuseway as m"),
        ("class Query(m.Query)", f"{mutation}class Query(m.Query)"),
        ('m.Model("shop", ', 'm.Model("shop", mutation=Mutation, '),
    )
    mutation_type = load(tmp_path, text).mutation
    assert mutation_type is not None
    assert mutation_type.__name__ == "Mutation"


async def test_a_set_up_is_found_where_the_model_says(tmp_path: Path) -> None:
    model = load(tmp_path, _edited(('m.Model("shop", ', 'm.Model("shop", setup="tests.loaders.model.models:set_up", ')))
    set_up = load_set_up(model)
    assert set_up is not None
    filled: dict[Database, list[str]] = {database: [] for database in model.databases}
    await set_up(filled)
    assert list(filled.values()) == [["crm"], ["web"]]
    assert load_set_up(load(tmp_path, RIGHT)) is None


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("no_such_module_anywhere:create", "Model: setup= names no_such_module_anywhere, which cannot be imported"),
        ("tests.loaders.model.models:RIGHT", "Model: setup= names RIGHT, which is no function of tests.loaders.model.models"),
    ],
)  # fmt: skip
def test_a_set_up_that_is_not_there_says_so(where: str, expected: str, tmp_path: Path) -> None:
    model = load(tmp_path, _edited(('m.Model("shop", ', f'm.Model("shop", setup="{where}", ')))
    with pytest.raises(ModelError, match=expected):
        load_set_up(model)


def test_every_word_of_a_field_may_be_deprecated() -> None:
    words = [
        *(m.key(deprecated="x"), m.column(deprecated="x"), m.sql("1", deprecated="x"), m.group_by("1", deprecated="x")),
        *(m.percentile(0.5, "x", deprecated="x"), m.ratio("1", "2", deprecated="x"), m.computed(len, deprecated="x")),
        *(m.one("x", deprecated="x"), m.many("x", order="x", deprecated="x"), m.first("x", order="x", deprecated="x")),
        *(
            m.section("x", deprecated="x"),
            m.nested(deprecated="x"),
            m.by_key(deprecated="x"),
            m.by("x", deprecated="x"),
        ),
        *(m.page(order=m.Order, deprecated="x"), m.current(deprecated="x"), m.resolver(len, deprecated="x")),
        *(each("x", deprecated="x") for each in (m.equals, m.one_of, m.between, m.at_least, m.at_most, m.less_than)),
        *(each("x", deprecated="x") for each in (m.prefix, m.present, m.contains, m.where)),
        m.through(m.Postgres().table("a.b"), "x", "y", order="x", deprecated="x"),
    ]
    assert {word.options["deprecated"] for word in words} == {"x"}
    day = m.argument("day", dt.date, "The day.", default=dt.date(2026, 1, 1), deprecated="x")
    assert (day.description, day.deprecated) == ("The day.", "x")

"""The queries that GraphiQL begins with: a model's own, and those that are made from its schema."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from graphql import parse, print_ast, validate

from gateway.graphiql.examples import Example, examples_of
from gateway.schema import build_schema
from loaders.model.loading import load_model

PAGE = Path(__file__).parents[2] / "docs" / "models.md"
(SHOP, *_) = re.findall(r"```python\n(# shop\.py\n.*?)```", PAGE.read_text(), flags=re.DOTALL)
BY_IDS = "    customers_by_ids: list[Customer | None] = m.by_key()\n"
ROOTS = f"    customer: Customer | None = m.by_key()\n{BY_IDS}    order: Order | None = m.by_key()\n"

ANALYTICS = """\
# Made from the model "analytics". Run it with
# Ctrl-Enter (Cmd-Enter on a Mac).
query Example {
  members(first: 3) {
    nodes {
      id
      role
      joinedOn
      tags
      lastInvoice {
        id
        total
        issuedAt
      }
      billing {
        invoices
        total
        median
      }
      invoices(first: 3) {
        nodes {
          id
          total
          issuedAt
        }
      }
    }
  }
}
"""


def examples(model: str) -> tuple[Example, ...]:
    """The examples of a model, each of which is valid for its schema, formatted or not."""
    schema = build_schema(load_model(model))
    result = examples_of(schema)
    for example in result:
        assert validate(schema._schema, parse(example.query)) == []
        assert isinstance(json.loads(example.variables or "{}"), dict)
    return result


def shop(folder: Path, *edits: tuple[str, str]) -> tuple[Example, ...]:
    """The examples of the documentation's model with other lines in it."""
    text = SHOP
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    (folder / "documented_shop.py").write_text(text)
    return examples(str(folder / "documented_shop.py"))


def root_of(example: Example) -> str:
    """The root field, as the query has it."""
    return example.query.split("{", 2)[1].strip(" \n}")


def test_an_example_is_made_of_the_first_page_without_columns_that_need_more_scopes() -> None:
    assert examples("deploy.analytics.model") == (Example(ANALYTICS),)


def test_the_fleets_example_is_its_own() -> None:
    (example,) = examples("deploy.fleet.model")
    assert "query Dashboard($ids: [ID!]!) {" in example.query
    assert json.loads(example.variables) == {"ids": ["N725MQ", "N14228", "N24211"]}


def test_keys_are_variables_where_there_is_no_page(tmp_path: Path) -> None:
    (example,) = shop(tmp_path)
    assert root_of(example) == "customersByIds(ids: $ids)"
    assert json.loads(example.variables) == {"ids": ["1", "2", "3"]}
    assert "# Name keys of your own under Variables, below.\n" in example.query
    document = "".join(line for line in example.query.splitlines(keepends=True) if not line.startswith("#"))
    assert print_ast(parse(example.query)) + "\n" == document


@pytest.mark.parametrize(
    ("annotation", "texts"),
    [
        ("str", ["a"]),
        ("UUID", ["00000000-0000-0000-0000-000000000001"]),
        ("dt.date", ["2026-01-01"]),
        ("m.BigInt", ["1", "2", "3"]),
        ("int = m.key()\n    day: dt.date", ["1:2026-01-01"]),
    ],
)
def test_keys_can_be_keys_of_their_types(tmp_path: Path, annotation: str, texts: list[str]) -> None:
    edits = [
        ("    id: int = m.key()", f"    id: {annotation} = m.key()"),
        ("from decimal import Decimal\n", "from decimal import Decimal\nfrom uuid import UUID\n"),
        ('    customer: Customer | None = m.one("customer_id")\n', ""),
        ('    orders: list[Order] = m.many("customer_id", order="placed_at desc", first=10)\n', ""),
        ('    visits: Visits = m.section("customer_id", period=True)\n', ""),
    ]
    (example,) = shop(tmp_path, *edits)
    assert json.loads(example.variables) == {"ids": texts}


@pytest.mark.parametrize(
    ("roots", "expected"),
    [
        (f"{ROOTS}    orders: m.Page[Order] = m.page(order=OrderOrder)\n", "orders(first: 3)"),
        (BY_IDS, "customersByIds(ids: $ids)"),
        ("    customer: Customer | None = m.by_key()\n", "customer(id: $id)"),
        ("    by_email: Customer | None = m.by_key('email')\n    node: m.Node | None = m.by_key()\n", "__typename"),
    ],
)
def test_the_root_field_is_one_that_can_be_asked_at_once(tmp_path: Path, roots: str, expected: str) -> None:
    order = 'class OrderOrder(m.Order, default="placed_at desc"):\n    placed_at = m.by("placed_at")\n\n\n'
    (example,) = shop(tmp_path, (ROOTS, roots), ("class Query(", f"{order}class Query("))
    assert root_of(example) == expected


def test_the_tenants_own_object_is_asked_for_without_a_key(tmp_path: Path) -> None:
    tenant = 'tenant=m.Tenant(claim="shop", column="shop_id", type=int)'
    edits = [
        (ROOTS, f"{BY_IDS}    own: Customer | None = m.current()\n"),
        ("types=[Customer, Order]", f"types=[Customer, Order], {tenant}"),
        ('"shop.customers", ', '"shop.customers", tenant="id", '),
    ]
    (example,) = shop(tmp_path, *edits)
    assert (root_of(example), example.variables) == ("own", "")


def test_a_models_own_examples_come_in_the_order_of_their_names_with_their_variables(tmp_path: Path) -> None:
    folder = tmp_path / "examples"
    folder.mkdir()
    (folder / "b.graphql").write_text("{ customersByIds(ids: []) { name } }")
    (folder / "a.graphql").write_text("query One($id: ID!) { customer(id: $id) { name } }")
    (folder / "a.json").write_text('{"id": "7"}\n')
    assert shop(tmp_path, ("types=[Customer, Order]", 'types=[Customer, Order], examples="examples"')) == (
        Example("query One($id: ID!) { customer(id: $id) { name } }", '{"id": "7"}'),
        Example("{ customersByIds(ids: []) { name } }"),
    )

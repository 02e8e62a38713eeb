"""The page on models shows models that load, and says all that the language has."""

import inspect
import re
from pathlib import Path

import pytest
from graphql import OperationDefinitionNode, parse, validate
from graphql.execution.values import VariableValues, get_variable_values

import fuseway
from gateway.schema import build_schema
from loaders.model.databases import Database
from loaders.model.filter_conditions import FilterOperator
from loaders.model.loading import load_model
from loaders.model.model import Model
from resolvers.cost_estimate import estimate_cost
from tests.resolvers.schemas import schema_of

PAGE = (Path(__file__).parents[2] / "docs" / "models.md").read_text()


@pytest.fixture
def shop(tmp_path: Path) -> Model:
    """The first model of the page."""
    (source, *_) = re.findall(r"```python\n(# shop\.py\n.*?)```", PAGE, flags=re.DOTALL)
    (tmp_path / "documented_shop.py").write_text(source)
    return load_model(str(tmp_path / "documented_shop.py"))


def test_the_first_model_of_the_page_loads(shop: Model) -> None:
    assert list(shop.objects) == ["Customer", "Order"]
    assert [root.name for root in shop.roots] == ["customer", "customers_by_ids", "order"]
    assert shop.scopes == {"shop:read", "pii:read"}


@pytest.mark.parametrize("ids", [1, 500])
def test_the_query_of_the_page_takes_the_statements_that_it_says(shop: Model, ids: int) -> None:
    (query,) = re.findall(r"```graphql\n(.*?)```", PAGE, flags=re.DOTALL)
    schema, types = schema_of(shop)
    document = parse(query)
    assert validate(schema._schema, document) == []
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    value = {"ids": [str(number) for number in range(ids)]}
    values = get_variable_values(schema._schema, operation.variable_definitions or (), value)
    assert isinstance(values, VariableValues)
    cost = estimate_cost(types, schema._schema, operation, {}, values, shop.scopes)
    assert "This takes three statements, for 1 customer or 500" in PAGE
    assert cost.statements == 3


@pytest.fixture(scope="module")
def library() -> str:
    """The blocks behind the first model, one behind another: they are one model."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.partition("## Word by word")[2], flags=re.DOTALL)
    return "\n\n".join(blocks)


def test_the_blocks_of_the_page_are_a_model_that_loads(library: str, tmp_path: Path) -> None:
    (tmp_path / "documented_library.py").write_text(library)
    model = load_model(str(tmp_path / "documented_library.py"))
    assert set(model.objects) == {"Library", "Book", "Member", "Loan", "Shelf", "Language"}
    build_schema(model)


def test_every_public_name_is_used_in_these_blocks(library: str) -> None:
    assert {name for name in fuseway.__all__ if not re.search(rf"\bm\.{name}\b", library)} == {"ModelError"}


def test_every_word_that_these_blocks_call_is_explained_beside_them(library: str) -> None:
    explained = set(re.findall(r"`m\.(\w+)", PAGE.partition("## Word by word")[2])) | set(_conditions())
    assert set(re.findall(r"\bm\.(\w+)", library)) - explained == set()


def test_every_word_of_the_page_is_one_of_the_language() -> None:
    assert set(re.findall(r"\bm\.(\w+)", PAGE)) <= set(fuseway.__all__)


def test_every_word_of_the_language_is_on_the_page() -> None:
    assert {name for name in fuseway.__all__ if not re.search(rf"\b{name}\b", PAGE)} == set()


def _options(head: str) -> list[str]:
    """Return the names in the first column of the table with this head."""
    table = PAGE.partition(f"| {head} | meaning |\n")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (`[^|]+) \|", table, flags=re.MULTILINE)
    return sorted(name for row in rows for name in re.findall(r"\w+", row))


def test_the_page_lists_all_options_of_tables_and_models_and_all_conditions() -> None:
    assert _options("option") == sorted(set(inspect.signature(Database.table).parameters) - {"self", "name"})
    assert _options("option of `m.Model`") == sorted(inspect.signature(fuseway.Model).parameters)
    assert _conditions() == [operator.value for operator in FilterOperator]


def _conditions() -> list[str]:
    return re.findall(r"`(\w+)`", PAGE.partition("Conditions are ")[2].partition("SQL.")[0])

"""The page on stores has every option of their URLs as the code has it."""

from pathlib import Path

import pytest

from loaders.stores.urls.clickhouse import CLICKHOUSE
from loaders.stores.urls.options import Option, ValueKind
from loaders.stores.urls.postgres import POSTGRES
from loaders.stores.urls.redis import REDIS
from loaders.stores.urls.store_url import StoreKind

PAGE = Path(__file__).parents[2] / "docs" / "stores.md"


def _values(option: Option) -> str:
    choices = ", ".join(f"`{choice}`" for choice in option.choices)
    if option.kind in (ValueKind.SECONDS, ValueKind.INTEGER):
        return f"{option.kind.value}, {option.minimum:.12g} to {option.maximum:.12g}"
    if option.kind is ValueKind.CHOICE:
        return choices
    return f"{option.kind.value}, or {choices}" if choices else option.kind.value


def _row(option: Option) -> str:
    names = ", ".join(f"`{name}`" for name in (option.name, *option.aliases))
    return f"| {names} | {_values(option)} | {option.about} |\n"


@pytest.mark.parametrize("kind", [POSTGRES, CLICKHOUSE, REDIS], ids=lambda kind: kind.store)
def test_every_option_is_documented_as_the_code_has_it(kind: StoreKind) -> None:
    table = "| option | value | what for |\n| --- | --- | --- |\n" + "".join(map(_row, kind.options))
    assert table in PAGE.read_text()

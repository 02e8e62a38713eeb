"""Names and comments of a database are texts in the files of a model, whatever marks are in them."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from pathlib import Path

import graphql
import pytest

from gateway.model_tools.scaffold.choices import Choices, SectionChoice, TableId
from gateway.model_tools.scaffold.package import ModelPackage
from gateway.model_tools.scaffold.sql_names import term
from gateway.model_tools.scaffold.words import snake
from loaders.catalog.catalog import Column, DatabaseCatalog, ForeignKey, Index, TableCatalog
from loaders.catalog.lock_file import lock_text, parse_lock
from loaders.model.databases import Kind
from loaders.model.loading import load_model
from tests.gateway.model_tools.scaffold.catalogs import all_of, clickhouse, postgres, written

LINES = ("\n", "\r", "\r\n", "\x85", "\u2028", "\u2029", "\x0b", "\x0c", "\x1c")
MARKS = (*LINES, '"', "'", "{", "}", " {0} ", " %s ", '"""', "'''", '""""', "#", "\n#", '"\n', "\x1b", "\u202e", "\x00")
CODE = ("\nraise\n", "\rraise\r", '"""\nraise\n"""', "\n\n    raise\n", '")\nraise\n("')


def _pair(mark: str, *, is_in_names: bool) -> tuple[DatabaseCatalog, DatabaseCatalog]:
    """Return databases whose names and comments have the mark; only those of what is left out where a name cannot have it."""
    column = mark if is_in_names else " "

    def columns(*names_and_types: tuple[str, str]) -> Mapping[str, Column]:
        return {
            name: Column(name, type_, comment=f"A{mark}comment", labels=("a", "b") if "kind" in type_ else ())
            for name, type_ in names_and_types
        }

    key, owner, kind, ghost = f"own{column}key", f"the{column}owner", f"its{column}kind", f"a{column}vector"
    label, secret, code = f"app.kind{mark.replace('(', '')}", f"its{column}password", f"its{column}code"
    owners, rows = f"app.owner{column}table", f"app.row{column}table"
    pg = postgres(
        TableCatalog(
            owners,
            columns((key, "integer"), (code, "text"), (secret, "text"), (ghost, "tsvector"), (kind, label)),
            comment=f"A{mark}comment",
            primary_key=(key,),
            unique=((key,), (code,)),
            indexes=(Index("i", (term(code),)), Index("k", (term(kind),))),
        ),
        TableCatalog(
            rows,
            columns((key, "integer"), (owner, "integer"), ("at", "timestamp without time zone")),
            primary_key=(key,),
            unique=((key,),),
            foreign_keys=(ForeignKey((owner,), owners, (key,)),),
        ),
        TableCatalog(f"app.left{mark}out", columns((key, "integer"))),
    )
    events = f"event{column}table"
    ch = clickhouse(
        TableCatalog(
            events,
            columns((owner, "UInt32"), (f"seen{column}at", "DateTime"), (code, "UInt32"), (secret, "UInt32")),
            sorting_key=("tuple()",),
            engine=f"Odd{mark}MergeTree",
        )
    )
    return pg, ch


def _package(mark: str, *, is_in_names: bool = True) -> ModelPackage:
    pg, ch = _pair(mark, is_in_names=is_in_names)
    (owners, *_), (events,) = pg.tables, ch.tables
    column = mark if is_in_names else " "
    section = SectionChoice(
        TableId(Kind.CLICKHOUSE, "", events), (f"the{column}owner",), TableId(Kind.POSTGRES, "", owners)
    )
    return written(pg, ch, choices=Choices("shop", all_of(pg, ch), sections=(section,)))


def _statements(text: str) -> str:
    """Return what a module does, without what its texts say."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return ast.dump(tree)


@pytest.mark.parametrize("mark", [*MARKS, *CODE], ids=ascii)
def test_a_name_writes_no_code(mark: str, tmp_path: Path) -> None:
    word = "raise" if "raise" in mark else snake(mark)
    package, plain = _package(mark), _package((f" {word} " if word else " ") if mark.isascii() else "日")
    assert package.files.keys() == plain.files.keys()
    for path, text in package.files.items():
        if path.endswith(".py"):
            assert _statements(text) == _statements(plain.files[path]), path
        else:
            assert graphql.parse(text).to_dict() == graphql.parse(plain.files[path]).to_dict()
    assert "create index concurrently on" in package.files["model.py"]
    for path, text in package.files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    load_model(str(tmp_path / "model.py"))


@pytest.mark.parametrize("mark", ["\\", " \\n ", '\\"', "\\\n", '\\"""', '\\\\"""\nraise\n'], ids=ascii)
def test_a_backslash_writes_no_code(mark: str) -> None:
    """Columns and tables cannot have it: the model language has no name for these, and they are left out."""
    harmless = " raise " if "raise" in mark else " n " if "n" in mark else " "
    package, plain = _package(mark, is_in_names=False), _package(harmless, is_in_names=False)
    assert _statements(package.files["model.py"]) == _statements(plain.files["model.py"])


@pytest.mark.parametrize("mark", [*MARKS, *CODE, "\\"], ids=ascii)
def test_a_lock_file_has_names_as_they_are(mark: str) -> None:
    catalogs = list(_pair(mark, is_in_names=True))
    text = lock_text(catalogs)
    json.loads(text)
    assert {each.name: set(each.tables) for each in parse_lock(text, "model.lock") if each.kind is Kind.POSTGRES} == {
        "": set(catalogs[0].tables)
    }

"""Names in the code: standard terms of the field, and none of those that they replaced. Docstrings name the thing."""

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("fuseway", "gateway", "resolvers", "loaders", "deploy", "clients/python", "benchmarks", "tests")

OLD_NAMES = frozenset(
    {
        "Account", "Answered", "Answering", "Answers", "Asked", "Behind", "BoundedCalls", "Fetched", "Flight", "Found",
        "HTTPFault", "Hearing", "Loaded", "Memory", "Needs", "Outcome", "Parts", "Pieces", "Preparing", "Price",
        "Received", "Recent", "Refused", "RegisterFeed", "Unclean", "Unsupported", "_fly", "aloft", "attends", "ended",
        "lacking", "storable", "unnamed",
        "at", "found", "given", "one", "which",
    }
)  # fmt: skip
"""Names of classes, functions, parameters and variables that a standard term replaced."""
OLD_MODULES = frozenset(
    {
        "aligning", "answers", "behind", "explaining", "faults", "flight", "hearing", "opening", "outcome", "pieces",
        "preparing", "reading", "recent", "sniffing", "stopping",
    }
)  # fmt: skip
"""Names of modules that were participles, or said another thing."""
OLD_PREFIXES = ("most_", "_most_", "MOST_", "_MOST_", "least_", "_least_", "LEAST_", "_LEAST_")
"""Bounds are min and max."""
DOCUMENTED_FOLDERS = ("fuseway", "gateway", "resolvers", "loaders", "deploy", "clients/python")
BEGINNINGS = ("Of ", "What ", "As ", "That ")
"""Words that no docstring there begins with: it begins with a verb, or names the thing."""


def _files(folders: Sequence[str] = FOLDERS) -> list[Path]:
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return [path for path in paths if "node_modules" not in path.parts]


WORDS_OF_THE_LANGUAGE = ("loaders/model/words.py", "one")
"""`m.one` is a word that models are written with."""


def _declared(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield each name that a module declares, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.alias) and node.asname is not None:
            yield node.asname, getattr(node, "lineno", 0)


def _is_old(name: str) -> bool:
    return name in OLD_NAMES or name.startswith(OLD_PREFIXES)


@pytest.mark.slow
def test_no_old_name_is_declared() -> None:
    old = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in _files()
        for name, line in _declared(ast.parse(path.read_text()))
        if _is_old(name) and (str(path.relative_to(ROOT)), name) != WORDS_OF_THE_LANGUAGE
    ]

    assert old == []


def test_no_module_has_an_old_name() -> None:
    assert [str(path.relative_to(ROOT)) for path in _files() if path.stem in OLD_MODULES] == []


@pytest.mark.parametrize("code", ["class Account: ...", "def f(one): ...", "for at in (): ...", "import a as found"])
def test_an_old_name_is_seen_where_it_is_declared(code: str) -> None:
    assert [name for name, _ in _declared(ast.parse(code)) if _is_old(name)] != []


def _docstrings(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield each docstring of a module, those of variables among them, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.value, node.lineno


@pytest.mark.slow
def test_docstrings_begin_with_a_verb_or_name_the_thing() -> None:
    texts = [
        f"{path.relative_to(ROOT)}:{line} {text.splitlines()[0]}"
        for path in _files(DOCUMENTED_FOLDERS)
        for text, line in _docstrings(ast.parse(path.read_text()))
        if text.startswith(BEGINNINGS)
    ]

    assert texts == []


@pytest.mark.parametrize(
    "code", ['"""Of the text."""', 'def f() -> None:\n    """What it is."""', 'X = 1\n"""As Y."""']
)
def test_a_docstring_that_begins_otherwise_is_seen(code: str) -> None:
    assert [text for text, _ in _docstrings(ast.parse(code)) if text.startswith(BEGINNINGS)] != []

"""Places in a model's files: where something was declared."""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

_OWN_FOLDERS = (str(Path(__file__).parent), str(Path(__file__).parents[2] / "fuseway"))
_MAX_FILES = 256


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line of a source file; `line` is 0 if only the file is known."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        """The path from the working directory, or the name alone where the file lies elsewhere; and the line."""
        path = Path(self.file)
        name = str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else path.name
        return f"{name}:{self.line}" if self.line else name


def calling_place() -> Place:
    """Return the line outside of the language itself that is being executed."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith((*_OWN_FOLDERS, "<")):  # "<": generated code
        frame = frame.f_back
    return Place("") if frame is None else Place(frame.f_code.co_filename, frame.f_lineno)


def place_of_class(cls: type) -> Place:
    """Return the line of a class statement."""
    file = file_of_class(cls)
    return Place(file, _lines(file).get((cls.__qualname__, ""), 0))


def place_of_attribute(cls: type, name: str) -> Place:
    """Return the line of an attribute in a class body, annotated or assigned; that of the class where there is none."""
    file = file_of_class(cls)
    line = _lines(file).get((cls.__qualname__, name))
    return place_of_class(cls) if line is None else Place(file, line)


def file_of_class(cls: type) -> str:
    """Return the file of a class's module; an empty text where it has none."""
    module = sys.modules.get(cls.__module__)
    return getattr(module, "__file__", None) or ""


def syntax_tree(file: str) -> ast.Module:
    """Return the syntax tree of a Python file; one without statements where it cannot be read."""
    try:
        return ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return ast.Module(body=[], type_ignores=[])


def names_of_module(file: str) -> dict[str, int]:
    """Return the names that a file's module declares or imports, with the line of the first of each."""
    names: dict[str, int] = {}
    for statement in syntax_tree(file).body:
        declared: list[str] = []
        if isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            declared = [statement.name]
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            declared = [alias.asname or alias.name.partition(".")[0] for alias in statement.names]
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            declared = [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
        for name in declared:
            names.setdefault(name, statement.lineno)
    return names


def _lines(file: str) -> dict[tuple[str, str], int]:
    try:
        changed = Path(file).stat().st_mtime_ns if file else 0
    except OSError:
        return {}
    return _parsed_lines(file, changed) if file else {}


@lru_cache(maxsize=_MAX_FILES)
def _parsed_lines(file: str, _changed_ns: int) -> dict[tuple[str, str], int]:
    """Lines by (qualified class name, attribute name); the class itself has the attribute name ""."""
    lines: dict[tuple[str, str], int] = {}
    _collect(syntax_tree(file), "", lines)
    return lines


def _collect(node: ast.AST, prefix: str, lines: dict[tuple[str, str], int]) -> None:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            name = f"{prefix}{child.name}"
            lines[name, ""] = child.lineno
            lines.update({(name, attribute): line for attribute, line in _attributes(child)})
            _collect(child, f"{name}.", lines)
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            _collect(child, f"{prefix}{child.name}.<locals>.", lines)
        else:
            _collect(child, prefix, lines)


def _attributes(body: ast.ClassDef) -> list[tuple[str, int]]:
    lines: list[tuple[str, int]] = []
    for statement in body.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            lines.append((statement.target.id, statement.lineno))
        elif isinstance(statement, ast.Assign):
            lines += [(target.id, statement.lineno) for target in statement.targets if isinstance(target, ast.Name)]
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            lines.append((statement.name, statement.lineno))
    return lines

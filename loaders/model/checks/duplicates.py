"""Names that a file declares twice, of which Python keeps the last one and forgets the other."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from loaders.model.declaration import ModelDeclaration, ModelParts
from loaders.model.places import Place, syntax_tree
from loaders.model.problems import Problems

_DECLARING = frozenset({"table", "relation", "argument", "time_zone"})
"""Calls whose result is part of a model, so that a second variable of the same name replaces one."""


def check_duplicates(_model: ModelDeclaration, parts: ModelParts, problems: Problems) -> None:
    """Check that no class, function or table of the model's files, and no field of its classes, is declared twice."""
    bodies = parts.bodies
    for file in parts.files:
        tree = syntax_tree(file)
        _check_names(file, tree, problems)
        for name, body in _classes(tree, ""):
            if (file, name) in bodies:
                _check_fields(file, name, body, problems)


def _check_names(file: str, tree: ast.Module, problems: Problems) -> None:
    seen: dict[str, tuple[int, str]] = {}
    for statement in tree.body:
        for name, kind in _declared(statement):
            line, other = seen.get(name, (0, ""))
            if line and (kind == other or "class" in (kind, other)):
                message = f"is also declared at {Place(file, line)}, and Python keeps the last one: rename one of them."
                problems.add(Place(file, statement.lineno), name, message)
            seen[name] = statement.lineno, kind


def _declared(statement: ast.stmt) -> Iterator[tuple[str, str]]:
    """Yield each name that a statement of a module declares, and what it is."""
    if isinstance(statement, ast.ClassDef):
        yield statement.name, "class"
    elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef) and not statement.decorator_list:
        yield statement.name, "function"
    elif isinstance(statement, ast.ImportFrom):
        yield from ((alias.asname or alias.name, "import") for alias in statement.names)
    elif isinstance(statement, ast.Assign):
        function = statement.value.func if isinstance(statement.value, ast.Call) else None
        is_declaring = isinstance(function, ast.Attribute) and function.attr in _DECLARING
        targets = (target.id for target in statement.targets if isinstance(target, ast.Name))
        yield from ((name, "table" if is_declaring else "value") for name in targets if is_declaring)


def _classes(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.ClassDef]]:
    """Yield the classes of a module and those inside of them, by their qualified names."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield f"{prefix}{child.name}", child
            yield from _classes(child, f"{prefix}{child.name}.")


def _check_fields(file: str, name: str, body: ast.ClassDef, problems: Problems) -> None:
    """Check the fields of a class; a type and, on another line, its word are one field."""
    types: dict[str, int] = {}
    words: dict[str, int] = {}
    for statement in body.body:
        targets: list[ast.expr] = [statement.target] if isinstance(statement, ast.AnnAssign) else []
        targets = statement.targets if isinstance(statement, ast.Assign) else targets
        parts = [types] if isinstance(statement, ast.AnnAssign) else []
        parts = [*parts, words] if getattr(statement, "value", None) is not None else parts
        for field in (target.id for target in targets if isinstance(target, ast.Name)):
            lines = [seen[field] for seen in parts if field in seen]
            if lines:
                hint = f', with m.column("{field}") for its column' if _is_column(statement) else ""
                message = f"is also declared at {Place(file, lines[0])}: rename one of them{hint}."
                problems.add(Place(file, statement.lineno), f"{name}.{field}", message)
            for seen in parts:
                seen[field] = statement.lineno


def _is_column(statement: ast.stmt) -> bool:
    """Return whether a field is a column: an annotation alone, m.column(…) or m.key(…)."""
    if not isinstance(statement, ast.AnnAssign):
        return False
    function = statement.value.func if isinstance(statement.value, ast.Call) else None
    return statement.value is None or (isinstance(function, ast.Attribute) and function.attr in ("column", "key"))

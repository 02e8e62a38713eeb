"""Inner loops, generated: rows to dictionaries, with a guard on every leaf."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gateway.execution.leaf_types import LeafType
from loaders.model.scalars import TEMPLATE_NAMES


class FallbackValue(Exception):  # noqa: N818 (not an error: the way out of the fast path)
    """A value that graphql-core must complete or reject. The argument says where it occurred."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf of a row: its response key, its place in the row, and its type; None for the name of the row's type.

    `is_list` says that it is a list of values of this type, and `items_nullable` that these may be null.
    """

    key: str
    place: int
    type: LeafType | None
    nullable: bool
    is_list: bool = False
    items_nullable: bool = False


Completed = list[Any]
Complete = Callable[[Sequence[Any], Any], Completed]
"""A function of (values, run) that completes a column: one value for each, in order. Raises FallbackValue."""


@lru_cache(maxsize=1_024)  # one a selection of leaves; documents repeat
def complete_rows(leaves: tuple[Leaf, ...], typename: str) -> Complete:
    """Return a function that makes dictionaries of tuples, with these leaves in order.

    None stays None. A row that is not a tuple raises FallbackValue.
    """
    names = [(f"v{number}", leaf) for number, leaf in enumerate(leaves)]
    takes = [f"            {line}" for name, leaf in names for line in _take(name, leaf)]
    items = ", ".join(f"{leaf.key!r}: {_item(name, leaf, typename)}" for name, leaf in names)
    complete: Complete = _compiled(
        {
            f"{name}_items": complete_items(leaf.type, leaf.items_nullable)
            for name, leaf in names
            if leaf.type and leaf.is_list
        },
        "def complete(rows, run):",
        "    out = []",
        "    append = out.append",
        "    try:",
        "        for row in rows:",
        "            if row is None:",
        "                append(None)",
        "                continue",
        "            if type(row) is not tuple:",
        "                raise FallbackValue('row')",
        *takes,
        f"            append({{{items}}})",
        "    except IndexError:",
        "        raise FallbackValue('row') from None",
        "    return out",
    )
    return complete


@lru_cache(maxsize=1_024)
def complete_leaf(leaf_type: LeafType) -> Complete:
    """Return a function that completes a column of one leaf; None stays None."""
    items = complete_items(leaf_type, nullable=True)
    return lambda values, _run: items(values if type(values) is list else list(values))


@lru_cache(maxsize=1_024)
def complete_items(leaf_type: LeafType, nullable: bool) -> Callable[[list[Any]], list[Any]]:
    """Return a function that completes the values of a list; the list itself where they are written as they are."""
    guard, written = leaf_type.guard.format(v="v"), leaf_type.written.format(v="v")
    other = f"v is not None and not ({guard})" if nullable else f"not ({guard})"
    item = f"None if v is None else {written}" if nullable else written
    complete: Callable[[list[Any]], list[Any]] = _compiled(
        {},
        "def complete(values):",
        "    for v in values:",
        f"        if {other}:",
        f"            raise FallbackValue({leaf_type.name!r})",
        "    return values" if written == "v" else f"    return [{item} for v in values]",
    )
    return complete


@lru_cache(maxsize=1_024)
def assemble(keys: tuple[str, ...]) -> Callable[..., list[dict[str, Any]]]:
    """Return a function that joins completed columns: one dictionary for each row, with these response keys in
    order."""
    names = [f"v{index}" for index in range(len(keys))]
    items = ", ".join(f"{key!r}: {name}" for key, name in zip(keys, names, strict=True))
    joined = ", ".join(names)
    loop = f"for {joined}, in zip({joined}, strict=True)" if names else ""
    together: Callable[..., list[dict[str, Any]]] = _compiled(
        {}, f"def complete({joined}):", f"    return [{{{items}}} {loop}]"
    )
    return together


def _take(name: str, leaf: Leaf) -> list[str]:
    """Return the lines that take a leaf out of its row and raise FallbackValue unless it is of its type."""
    if leaf.type is None:
        return []
    take = f"{name} = row[{leaf.place}]"
    guard = "type({v}) is list" if leaf.is_list else leaf.type.guard
    passes = f"{name} is None or ({guard})" if leaf.nullable else guard
    check = f"if not ({passes}): raise FallbackValue({leaf.type.name!r})".format(v=name)
    if not leaf.is_list:
        return [take, check]
    return [take, check, f"{name} = {name} and {name}_items({name})"]


def _item(name: str, leaf: Leaf, typename: str) -> str:
    """Return the expression of a leaf's value in the dictionary."""
    if leaf.type is None:
        return repr(typename)
    written = name if leaf.is_list else leaf.type.written.format(v=name)
    return f"None if {name} is None else {written}" if leaf.nullable and written != name else written


def _compiled(scope: Mapping[str, Any], *lines: str) -> Any:
    """Return the function of these lines, which hold names of the schema and response keys as literals."""
    names: dict[str, Any] = {"FallbackValue": FallbackValue, **TEMPLATE_NAMES, **scope}
    exec("\n".join(lines), names)  # noqa: S102 (response keys enter as repr() of strings that the parser took as names)
    return names["complete"]

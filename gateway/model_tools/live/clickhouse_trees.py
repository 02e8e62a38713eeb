"""Query trees of ClickHouse: what each select reads, and the conditions that it has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from loaders.stores.protocols import TypedColumns

_NODE = re.compile(r"(?P<kind>[A-Z_]+) id: (?P<id>\d+)(?P<attributes>.*)", re.DOTALL)
_ATTRIBUTE = re.compile(r", (?P<name>[a-z_]+): ")


@dataclass(slots=True, eq=False)
class TreeNode:
    """A line of a query tree and those below it: a node with an id, or a heading such as `where` without one."""

    kind: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    children: list[TreeNode] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The number of the node, empty for a heading."""
        return self.attributes.get("id", "")

    def walk(self) -> Iterator[TreeNode]:
        """Yield the node and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def below(self, heading: str) -> list[TreeNode]:
        """Return the nodes under a heading of this one."""
        return [node for child in self.children if child.kind == heading for node in child.children]


def query_tree(lines: Sequence[str]) -> TreeNode:
    """Return the tree of a statement, as ClickHouse writes it."""
    root = TreeNode("")
    open_nodes = [(-1, root)]
    for line in lines:
        text = line.lstrip(" ")
        depth = len(line) - len(text)
        while open_nodes[-1][0] >= depth:
            open_nodes.pop()
        node = _node(text)
        open_nodes[-1][1].children.append(node)
        open_nodes.append((depth, node))
    return root


def columns_of(root: TreeNode) -> TypedColumns:
    """Return the columns that a statement would answer."""
    query = next((node for node in root.walk() if node.kind == "query"), root)
    pairs = [node.kind.partition(" ") for node in query.below("projection columns")]
    types = tuple(type_name for _, _, type_name in pairs)
    return TypedColumns(tuple(name for name, _, _ in pairs), types, [()] * len(pairs))


def arguments_of(function: TreeNode) -> list[TreeNode]:
    """Return the arguments of a function."""
    return [argument for each in function.below("arguments") for argument in each.children]


def conditions_of(query: TreeNode) -> Iterator[TreeNode]:
    """Yield the conditions that all rows of a select meet."""
    waiting = [*query.below("where"), *query.below("prewhere")]
    while waiting:
        node = waiting.pop()
        if node.attributes.get("function_name") == "and":
            waiting += arguments_of(node)
        else:
            yield node


def sources_of(query: TreeNode) -> Iterator[TreeNode]:
    """Yield what a select reads itself: tables, functions that answer tables, and selects, whatever joins them."""
    waiting = query.below("join tree")
    while waiting:
        node = waiting.pop()
        if node.kind in ("table", "table_function", "query", "union"):
            yield node
        else:
            waiting += node.children


def _node(text: str) -> TreeNode:
    match = _NODE.match(text)
    if match is None:
        return TreeNode(text.lower() if text.isupper() else text)
    pieces = _ATTRIBUTE.split(match["attributes"])
    attributes = dict(zip(pieces[1::2], pieces[2::2], strict=False))
    return TreeNode(match["kind"].lower(), {**attributes, "id": match["id"]})

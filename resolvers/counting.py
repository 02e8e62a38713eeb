"""Sums over the nodes of a document, which do not depend on variables or data."""

from collections.abc import Callable, Mapping

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLDeferDirective,
    GraphQLStreamDirective,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
)

INCREMENTAL = frozenset({GraphQLDeferDirective.name, GraphQLStreamDirective.name})
"""The names of the directives by which parts of an answer come later."""


class Sums:
    """Sums of a count over fields and spreads; a fragment counts as often as it is spread.

    Each fragment is walked once, so that fragments of fragments cost no more than they are long.
    """

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode], count: Callable[[SelectionNode], int]) -> None:
        self._fragments = fragments
        self._count = count
        self._known: dict[str, int] = {}

    def of(self, selections: SelectionSetNode | None) -> int:
        """Return the sum over a selection set and all below it."""
        result = 0
        for node in selections.selections if selections is not None else ():
            result += self._count(node)
            if isinstance(node, FragmentSpreadNode):
                result += self._of_fragment(node.name.value)
            elif isinstance(node, FieldNode | InlineFragmentNode):
                result += self.of(node.selection_set)
        return result

    def _of_fragment(self, name: str) -> int:
        if name not in self._known:
            self._known[name] = self.of(self._fragments[name].selection_set)
        return self._known[name]


def parts(node: SelectionNode) -> int:
    """Return the marks of @defer and @stream on a node, active or not."""
    return sum(item.name.value in INCREMENTAL for item in node.directives or ())

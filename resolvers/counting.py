"""Sums over what a document spells out, whatever it is executed on."""

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

_INCREMENTAL = frozenset({GraphQLDeferDirective.name, GraphQLStreamDirective.name})
_ALIASED = 32
"""Bytes of a value that has an alias, about, with what is around it."""


class Sums:
    """Of what each field and spread counts for, those of a fragment as often as it is spread.

    Each fragment is walked once, so that fragments of fragments cost no more than they are long.
    """

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode], count: Callable[[SelectionNode], int]) -> None:
        self._fragments = fragments
        self._count = count
        self._known: dict[str, int] = {}

    def of(self, selections: SelectionSetNode | None) -> int:
        """The sum over a selection set and all below it."""
        found = 0
        for node in selections.selections if selections is not None else ():
            found += self._count(node)
            if isinstance(node, FragmentSpreadNode):
                found += self._of_fragment(node.name.value)
            elif isinstance(node, FieldNode | InlineFragmentNode):
                found += self.of(node.selection_set)
        return found

    def _of_fragment(self, name: str) -> int:
        if name not in self._known:
            self._known[name] = self.of(self._fragments[name].selection_set)
        return self._known[name]


def alias_bytes(node: SelectionNode) -> int:
    """Bytes that a field's alias adds to the answer."""
    return len(node.alias.value) + _ALIASED if isinstance(node, FieldNode) and node.alias is not None else 0


def parts(node: SelectionNode) -> int:
    """The marks of @defer and @stream on a node, active or not."""
    return sum(one.name.value in _INCREMENTAL for one in node.directives or ())

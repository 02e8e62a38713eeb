"""The limits of a request, and those that can be checked by the document alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from graphql import FieldNode, FragmentSpreadNode, InlineFragmentNode

from gateway.http.errors import RequestError, request_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import FragmentDefinitionNode, OperationDefinitionNode, SelectionSetNode

_INTROSPECTION = frozenset({"__schema", "__type"})


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one operation, except for those below. The settings give the reasons.

    `tokens`, `characters` and `comparisons` are for all documents of a request, each text once; `comparisons` are only
    made for documents that are not cached. `cost`, `statements`, `operations`, `body_bytes` and `response_bytes` are
    for a whole request. `alias_characters` is for the longest alias, which the response repeats with each object.
    """

    tokens: int = 2_000
    characters: int = 100_000
    comparisons: int = 20_000
    depth: int = 8
    aliases: int = 30
    alias_characters: int = 200
    directives: int = 50
    root_fields: int = 20
    ids: int = 500
    statements: int = 32
    cost: int = 100_000
    operations: int = 10
    body_bytes: int = 1 << 20
    response_bytes: int = 64 << 20


class Measures(NamedTuple):
    """The measures of an operation with its fragments in place."""

    depth: int
    aliases: int
    alias_characters: int
    directives: int
    root_fields: int


def exceeded(name: str, maximum: int, value: int, *, unit: str = "") -> RequestError:
    """Return the error for an operation that exceeds a limit."""
    what = unit or name.replace("_", " ")
    message = f"At most {maximum:,} {what} can be asked for, and this operation asks for {value:,}."
    return request_error(message, "LIMIT_EXCEEDED", limit=name, max=maximum, value=value)


def check(measures: Measures, limits: Limits) -> None:
    """Raise RequestError if one of the measures exceeds its limit."""
    units = {"depth": "levels of fields", "alias_characters": "characters in an alias"}
    for name, value in measures._asdict().items():
        maximum: int = getattr(limits, name)
        if value > maximum:
            raise exceeded(name, maximum, value, unit=units.get(name, ""))


def measure(operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> Measures:
    """Return the measures of an operation. A fragment counts as often as it is spread, since it is executed each time.

    The depth of introspection is left out, since a separate rule bounds it. The document must have no fragment cycles.
    """
    measured = _Measuring(fragments).of(operation.selection_set)
    definitions = operation.variable_definitions or ()
    directives = len(operation.directives or ()) + sum(len(item.directives or ()) for item in definitions)
    return measured._replace(directives=measured.directives + directives)


class _Measuring:
    """Measures of selection sets; `root_fields` counts the set's own fields."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._known: dict[str, Measures] = {}

    def of(self, selections: SelectionSetNode) -> Measures:
        depth = aliases = longest = directives = fields = 0
        for node in selections.selections:
            directives += len(node.directives or ())
            below = self._below(node)
            longest = max(longest, below.alias_characters)
            if isinstance(node, FieldNode):
                fields += 1
                longest = max(longest, len(node.alias.value) if node.alias is not None else 0)
                aliases += (node.alias is not None) + below.aliases
                depth = max(depth, 0 if node.name.value in _INTROSPECTION else 1 + below.depth)
            else:
                fields += below.root_fields
                aliases += below.aliases
                depth = max(depth, below.depth)
            directives += below.directives
        return Measures(depth, aliases, longest, directives, fields)

    def _below(self, node: object) -> Measures:
        if isinstance(node, FieldNode | InlineFragmentNode) and node.selection_set is not None:
            return self.of(node.selection_set)
        if isinstance(node, FragmentSpreadNode) and node.name.value in self._fragments:
            return self._of_fragment(node.name.value)
        return Measures(0, 0, 0, 0, 0)

    def _of_fragment(self, name: str) -> Measures:
        """Measure a fragment. Each is walked once, so that nested fragments cost no more than their length."""
        if name not in self._known:
            fragment = self._fragments[name]
            measures = self.of(fragment.selection_set)
            self._known[name] = measures._replace(directives=measures.directives + len(fragment.directives or ()))
        return self._known[name]

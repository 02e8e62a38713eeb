"""Documents: parsed, validated and measured once, kept by their text."""

from __future__ import annotations

from collections import OrderedDict
from copy import copy
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from graphql import (
    REMOVE,
    FragmentDefinitionNode,
    GraphQLDeferDirective,
    GraphQLError,
    GraphQLStreamDirective,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    Visitor,
    parse,
    specified_rules,
    validate,
    visit,
)

from gateway.http.faults import refused
from gateway.limits import Limits, Measures, exceeded, measure

if TYPE_CHECKING:
    from graphql import DirectiveNode, DocumentNode, GraphQLSchema

PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"

_MOST = 256
"""Documents that are kept; a frontend has some dozens. Without a bound, a client could fill the memory."""
_LONGEST_KEPT = 64 << 10
"""Characters of a document that is kept."""
_INCREMENTAL = frozenset({GraphQLDeferDirective.name, GraphQLStreamDirective.name})
_MOST_COMMENTS = 1_000
_MOST_ERRORS = 5
"""Validation errors after which it is given up: nobody reads more, and each takes time to find."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document, and why it cannot be executed where it cannot. `node` is None where it is not GraphQL at all."""

    text: str
    node: DocumentNode | None
    errors: list[GraphQLError] = field(default_factory=list)
    fragments: dict[str, FragmentDefinitionNode] = field(default_factory=dict)
    operations: dict[str, tuple[OperationDefinitionNode, Measures]] = field(default_factory=dict)
    """By name, "" for one without."""
    whole: Document | None = None
    """The same without @defer and @stream, for an answer in one part; None where it has none of them."""

    @property
    def tokens(self) -> int:
        """Of the text."""
        return self.node.token_count if self.node is not None else 0

    @property
    def incremental(self) -> bool:
        """Whether its answer may come in parts."""
        return self.whole is not None

    def executed(self, *, in_parts: bool) -> Document:
        """What to execute for an answer that may come in parts, or must not."""
        return self if in_parts or self.whole is None else self.whole

    def kind(self, name: str | None) -> str:
        """`query`, `mutation` or `subscription`: of the operation of this name, or the only one, valid or not.

        "" where there is none, or no telling which.
        """
        definitions = self.node.definitions if self.node is not None else ()
        operations = [one for one in definitions if isinstance(one, OperationDefinitionNode)]
        if name:
            operations = [one for one in operations if one.name is not None and one.name.value == name]
        return operations[0].operation.value if len(operations) == 1 else ""

    def operation(self, name: str | None) -> tuple[OperationDefinitionNode, Measures]:
        """The operation of this name, or the only one. Raises Refused where there is none, or no telling which."""
        if name:
            found = self.operations.get(name)
            if found is None:
                raise refused(f"There is no operation {name[:100]!r} in the document.", "BAD_USER_INPUT")
            return found
        if len(self.operations) != 1:
            raise refused("operationName must say which of the document's operations to execute.", "BAD_USER_INPUT")
        return next(iter(self.operations.values()))


class Documents:
    """Documents of one schema, those used least lately gone first."""

    def __init__(self, schema: GraphQLSchema, *, introspection: bool = True, suggestions: bool = True) -> None:
        self._schema = schema
        self._rules = [*specified_rules, *([] if introspection else [NoSchemaIntrospectionCustomRule])]
        self._suggestions = suggestions
        self._kept: OrderedDict[str, Document] = OrderedDict()

    def get(self, text: str, *, limits: Limits | None = None) -> Document:
        """The document of a text, valid or not. Raises Refused for one of more tokens or characters."""
        if limits is not None and len(text) > limits.characters:
            raise exceeded("characters", limits.characters, len(text), unit="characters in a document")
        most_tokens = limits.tokens if limits is not None else None
        document = self._kept.get(text)
        if document is None:
            document = self._read(text, most_tokens)
            if len(text) <= _LONGEST_KEPT:
                self._kept[text] = document
                if len(self._kept) > _MOST:
                    self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(text)
        if most_tokens is not None and document.tokens > most_tokens:
            raise exceeded("tokens", most_tokens, document.tokens)
        return document

    def _read(self, text: str, most_tokens: int | None) -> Document:
        try:
            node = parse(text, max_lexical_tokens=most_tokens, max_comments=_MOST_COMMENTS)
            return self._validated(text, node)
        except GraphQLError as error:
            if most_tokens is not None and "more than" in error.message and "tokens" in error.message:
                raise exceeded("tokens", most_tokens, most_tokens + 1) from None
            return Document(text, None, [_coded(error, PARSE_FAILED)])
        except RecursionError:
            return Document(text, None, [_coded(GraphQLError("The document is nested too deeply."), PARSE_FAILED)])

    def _validated(self, text: str, node: DocumentNode) -> Document:
        errors = validate(self._schema, node, self._rules, _MOST_ERRORS, hide_suggestions=not self._suggestions)
        if errors:
            return Document(text, node, [_coded(error, VALIDATION_FAILED) for error in errors])
        document = _valid(text, node)
        without = _Whole()
        stripped = visit(node, without)
        return replace(document, whole=_valid(text, stripped)) if without.found else document


class _Whole(Visitor):
    """Takes @defer and @stream out of a document; what is left is valid but for variables that nothing uses now."""

    def __init__(self) -> None:
        super().__init__()
        self.found = False

    def enter_directive(self, node: DirectiveNode, *_: Any) -> Any:
        if node.name.value not in _INCREMENTAL:
            return None
        self.found = True
        return REMOVE

    def leave_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> OperationDefinitionNode:
        """What is remembered of an operation goes by its identity, and its fragments may be what changes."""
        return copy(node)


def _valid(text: str, node: DocumentNode) -> Document:
    fragments = {one.name.value: one for one in node.definitions if isinstance(one, FragmentDefinitionNode)}
    operations = [one for one in node.definitions if isinstance(one, OperationDefinitionNode)]
    measured = {one.name.value if one.name else "": (one, measure(one, fragments)) for one in operations}
    return Document(text, node, [], fragments, measured)


def _coded(error: GraphQLError, code: str) -> GraphQLError:
    error.extensions = {**(error.extensions or {}), "code": code}
    return error

"""Documents: parsed, validated and measured once, kept by their text."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field, replace
from sys import getsizeof
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from graphql import (
    REMOVE,
    FragmentDefinitionNode,
    GraphQLError,
    OperationDefinitionNode,
    Visitor,
    parse,
    visit,
)

from gateway.document_scan import MAX_COMMENTS, scan
from gateway.http.errors import request_error
from gateway.limits import Limits, Measures, exceeded, measure
from gateway.validation import Validator
from loaders.lru_cache import LRUCache
from resolvers.counting import INCREMENTAL

if TYPE_CHECKING:
    from graphql import DirectiveNode, DocumentNode, GraphQLSchema

    from gateway.validation import ComparisonMeter

PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"

_MAX_DOCUMENTS = 256
"""Maximum cached documents; a frontend has some dozens. Without a bound, a client could fill the memory."""
_MAX_LENGTH = 64 << 10
"""Maximum characters of a cached document."""
_MAX_BYTES = 64 << 20
"""Estimated maximum size of all cached documents."""
_BYTES_A_DOCUMENT = 32 << 10
_BYTES_A_TOKEN = 640
"""Estimated size of a token's share of the syntax tree, with measures and errors. Measured: 400 to 630."""


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Document:
    """A parsed document, with the errors that prevent its execution. `node` is None if it is not GraphQL."""

    text: str
    node: DocumentNode | None
    errors: list[GraphQLError] = field(default_factory=list)
    fragments: dict[str, FragmentDefinitionNode] = field(default_factory=dict)
    operations: dict[str, tuple[OperationDefinitionNode, Measures]] = field(default_factory=dict)
    """Operations by name. The key of an operation without a name is ""."""
    unread_tokens: int = 0
    """Number of tokens of a text that is not GraphQL. They count for the limits of a request like others."""
    whole: Document | None = None
    """The same document without @defer and @stream, for a response in one part; None if it has neither."""

    @property
    def tokens(self) -> int:
        """Number of lexical tokens in the document, including comments."""
        return self.node.token_count if self.node is not None else self.unread_tokens

    @property
    def bytes(self) -> int:
        """Memory that it takes, by an estimate that errs on the larger side."""
        trees = (self.node is not None) + (self.whole is not None)
        return _BYTES_A_DOCUMENT + 2 * getsizeof(self.text) + _BYTES_A_TOKEN * trees * self.tokens

    @property
    def incremental(self) -> bool:
        """Whether the document has @defer or @stream."""
        return self.whole is not None

    def executed(self, *, in_parts: bool) -> Document:
        """Return the document to execute for a response that may, or must not, come in parts."""
        return self if in_parts or self.whole is None else self.whole

    def kind(self, name: str | None) -> str:
        """Return the kind of the named or only operation: `query`, `mutation` or `subscription`.

        Returns "" if there is no such operation, or more than one. The document need not be valid.
        """
        definitions = self.node.definitions if self.node is not None else ()
        operations = [item for item in definitions if isinstance(item, OperationDefinitionNode)]
        if name:
            operations = [item for item in operations if item.name is not None and item.name.value == name]
        return operations[0].operation.value if len(operations) == 1 else ""

    def operation(self, name: str | None) -> tuple[OperationDefinitionNode, Measures]:
        """Return the named or only operation. Raises RequestError if there is no such operation, or more than one."""
        if name:
            named = self.operations.get(name)
            if named is None:
                raise request_error(f"There is no operation {name[:100]!r} in the document.", "BAD_USER_INPUT")
            return named
        if len(self.operations) != 1:
            raise request_error(
                "operationName must say which of the document's operations to execute.", "BAD_USER_INPUT"
            )
        return next(iter(self.operations.values()))


class Documents:
    """An LRU cache of the documents of one schema, bounded in number and in estimated bytes.

    A document that is still in use is found even if it was evicted.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        *,
        introspection: bool = True,
        suggestions: bool = True,
        max_bytes: int = _MAX_BYTES,
    ) -> None:
        self._validator = Validator(schema, introspection=introspection, suggestions=suggestions)
        self._max_bytes = max_bytes
        self._kept = LRUCache[str, Document](
            max_entries=_MAX_DOCUMENTS, max_bytes=max_bytes, size_of=lambda _, document: document.bytes
        )
        self._in_use: WeakValueDictionary[str, Document] = WeakValueDictionary()

    @property
    def bytes(self) -> int:
        """Estimated memory of the cached documents."""
        return self._kept.bytes

    @property
    def evictions(self) -> int:
        """How many cached documents were evicted to make room for others."""
        return self._kept.evictions

    def __len__(self) -> int:
        return len(self._kept)

    def known(self, text: str) -> Document | None:
        """Return the document of a text that need not be read again."""
        return self._kept.get(text) or self._in_use.get(text)

    def get(self, text: str) -> Document:
        """Return the document of a text, valid or not, without limits of reading it."""
        document = self.known(text)
        return self.keep(self.read(text)) if document is None else document

    def read(self, text: str, *, limits: Limits | None = None, meter: ComparisonMeter | None = None) -> Document:
        """Parse and validate a text, in any thread. Raises RequestError if that exceeds a limit."""
        max_tokens = limits.tokens if limits is not None else None
        try:
            node = parse(text, max_lexical_tokens=max_tokens, max_comments=MAX_COMMENTS)
            return self._validated(text, node, meter)
        except GraphQLError as error:
            if max_tokens is not None and "more than" in error.message and "tokens" in error.message:
                raise exceeded("tokens", max_tokens, max_tokens + 1) from None
            # Its traceback would keep the parser's frames, with all that was read so far.
            error.__context__ = None
            tokens = scan(text, max_tokens or len(text)).tokens
            return Document(text, None, [_coded(error.with_traceback(None), PARSE_FAILED)], unread_tokens=tokens)
        except RecursionError:
            return Document(text, None, [_coded(GraphQLError("The document is nested too deeply."), PARSE_FAILED)])

    def keep(self, document: Document) -> Document:
        """Remember a document, and forget what is too much. Returns the one to use: another may have been faster."""
        text = document.text
        document = self._in_use.setdefault(text, document)
        if text not in self._kept and len(text) <= _MAX_LENGTH and document.bytes <= self._max_bytes:
            self._kept.put(text, document)
        return document

    def _validated(self, text: str, node: DocumentNode, meter: ComparisonMeter | None) -> Document:
        errors = self._validator.errors(node, meter)
        if errors:
            return Document(text, node, [_coded(error, VALIDATION_FAILED) for error in errors])
        document = _valid(text, node)
        without = _Whole()
        stripped = visit(node, without)
        return replace(document, whole=_valid(text, stripped)) if without.is_changed else document


class _Whole(Visitor):
    """Removes @defer and @stream from a document. The result is valid, except for variables that are now unused."""

    def __init__(self) -> None:
        super().__init__()
        self.is_changed = False

    def enter_directive(self, node: DirectiveNode, *_: Any) -> Any:
        if node.name.value not in INCREMENTAL:
            return None
        self.is_changed = True
        return REMOVE

    def leave_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> OperationDefinitionNode:
        """Copy the operation, even if unchanged: caches go by its identity, and its fragments may have changed."""
        return copy(node)


def _valid(text: str, node: DocumentNode) -> Document:
    fragments = {item.name.value: item for item in node.definitions if isinstance(item, FragmentDefinitionNode)}
    operations = [item for item in node.definitions if isinstance(item, OperationDefinitionNode)]
    measured = {item.name.value if item.name else "": (item, measure(item, fragments)) for item in operations}
    return Document(text, node, [], fragments, measured)


def _coded(error: GraphQLError, code: str) -> GraphQLError:
    error.extensions = {**(error.extensions or {}), "code": code}
    return error

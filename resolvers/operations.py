"""Cache what is derived from an operation, for the next time that it is executed."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any

from graphql import FieldNode, FragmentDefinitionNode, Node, OperationDefinitionNode, VariableNode, Visitor, visit

from loaders.lru_cache import LRUCache

_MAX_OPERATIONS = 256
"""Maximum cached operations with their variables: as many as there are cached documents."""

_MAX_BYTES = 32 << 20
"""Estimated maximum of the known operations, and of their caches."""
_BYTES_AN_OPERATION, _BYTES_A_NODE = 4_096, 500
"""Bytes of an operation's syntax tree, which its cache keeps alive: about 470 a node, tokens included."""
_BYTES_A_CACHE, _BYTES_A_PLANNED_NODE = 4_096, 200
"""Bytes of its cache for one set of variable values and scopes: selections and completers, about 160 a node."""

_KINDS = frozenset({str, int, bool, date, type(None)})
_MAX_TEXT_LENGTH = 100
"""Maximum characters of a text in a key. Without a bound, callers could fill the memory."""

OperationCache = dict[Hashable, Any]
_Key = tuple[int, frozenset[str], Hashable]


@dataclass(frozen=True, slots=True, eq=False)
class _Operation:
    """An operation, the variables that are part of its key, and how many nodes it has with its fragments."""

    node: OperationDefinitionNode
    variables: tuple[str, ...]
    nodes: int


def _drop_caches(key: int, _operation: _Operation) -> None:
    """Remove the caches of an operation, which hold references to it."""
    for other in [other for other in _caches if other[0] == key]:
        _caches.pop(other)


_operations = LRUCache[int, _Operation](
    max_entries=_MAX_OPERATIONS,
    max_bytes=_MAX_BYTES,
    size_of=lambda _, operation: _BYTES_AN_OPERATION + _BYTES_A_NODE * operation.nodes,
    on_evict=_drop_caches,
)
"""Operations by the id of their node, which is not reused as long as the node is here."""
_caches = LRUCache[_Key, tuple[_Operation, OperationCache]](
    max_entries=_MAX_OPERATIONS,
    max_bytes=_MAX_BYTES,
    size_of=lambda _, value: _BYTES_A_CACHE + _BYTES_A_PLANNED_NODE * value[0].nodes,
)


def caches() -> tuple[LRUCache[Any, Any], LRUCache[Any, Any]]:
    """Return the known operations and their caches, for metrics."""
    return _operations, _caches


def operation_cache(
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    variables: Mapping[str, Any],
    scopes: frozenset[str],
) -> OperationCache | None:
    """Return the cache of an operation, its variables and a viewer's scopes: the same dictionary the next time.

    Its keys are names of the operation, so that it has no more entries than the operation has root fields and types.
    Operations are identified by object identity, which works because parsed documents are cached. Variables that are
    used below the root fields are part of the key. Those that only root fields take, such as thousands of ids, are not.
    Returns None if a value cannot be part of a key, such as a list or a long text, or if the operation is too large.
    """
    known = _operations.get(id(operation)) or _add(operation, fragments)
    try:
        values = tuple((name, _frozen(variables[name])) for name in known.variables if name in variables)
    except _NotAKeyError:
        return None
    return _cache_of((id(operation), scopes, values), known)


class _NotAKeyError(Exception):
    """A value that cannot be part of a key."""


def _frozen(value: Any) -> Hashable:
    """Return a hashable form of the value with its type, since equal values may differ, such as true and 1."""
    if type(value) is dict:
        return tuple((name, _frozen(item)) for name, item in value.items())
    if isinstance(value, Enum):
        return type(value), value.name
    if type(value) is datetime and value.tzinfo is UTC:  # equal ones of other zones are written in two ways
        return value
    if type(value) not in _KINDS or (type(value) is str and len(value) > _MAX_TEXT_LENGTH):
        raise _NotAKeyError
    return type(value), value


def _add(operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> _Operation:
    result = _Variables()
    for node in (*_below(operation), *fragments.values()):
        visit(node, result)
    added = _Operation(operation, tuple(result.names), result.nodes)
    _operations.put(id(operation), added)
    return added


def _cache_of(key: _Key, operation: _Operation) -> OperationCache | None:
    known = _caches.get(key)
    if known is not None:
        return known[1]
    if key[0] not in _operations:  # it is larger than all of them may be together
        return None
    cache: OperationCache = {}
    _caches.put(key, (operation, cache))
    return cache


class _Variables(Visitor):
    """Finds the variables that are used other than as arguments of root fields, and counts nodes."""

    def __init__(self) -> None:
        super().__init__()
        self.names: dict[str, None] = {}
        self.nodes = 0

    def enter(self, node: Node, *_: Any) -> None:
        self.nodes += 1
        if isinstance(node, VariableNode):
            self.names[node.name.value] = None


def _below(operation: OperationDefinitionNode) -> Iterator[Node]:
    for selection in operation.selection_set.selections:
        if isinstance(selection, FieldNode):
            yield from selection.directives or ()
            if selection.selection_set is not None:
                yield selection.selection_set
        else:
            yield selection

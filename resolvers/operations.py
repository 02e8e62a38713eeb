"""Cache what is derived from an operation, for the next time that it is executed."""

from collections import Counter, OrderedDict
from collections.abc import Hashable, Iterator, Mapping
from datetime import date
from typing import Any

from graphql import FieldNode, FragmentDefinitionNode, Node, OperationDefinitionNode, VariableNode, Visitor, visit

_MAX_OPERATIONS = 256
"""Maximum cached operations with their variables: as many as there are cached documents."""

_MAX_BYTES = 32 << 20
"""Estimated maximum of the known operations, and of their caches."""
_BYTES_AN_OPERATION, _BYTES_A_NODE = 4_096, 500
"""Of an operation's syntax tree, which its cache keeps alive: about 470 bytes a node, tokens included."""
_BYTES_A_CACHE, _BYTES_A_PLANNED_NODE = 4_096, 200
"""Of its cache for one set of variable values: selections and completers, about 160 bytes a node."""

_KINDS = frozenset({str, int, bool, date, type(None)})
_MAX_TEXT_LENGTH = 100
"""Maximum characters of a text in a key. Without a bound, callers could fill the memory."""

OperationCache = dict[Hashable, Any]
_Key = tuple[int, Hashable]
_caches: OrderedDict[_Key, tuple[OperationDefinitionNode, OperationCache]] = OrderedDict()
_names: OrderedDict[int, tuple[OperationDefinitionNode, tuple[str, ...]]] = OrderedDict()
_nodes: dict[int, int] = {}
"""Number of nodes of each operation in `_names`, including its fragments."""
_bytes: Counter[str] = Counter()
"""Estimated memory of the operations and of their caches."""


def operation_cache(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, Any]
) -> OperationCache | None:
    """Return the cache of an operation and its variables: a dictionary that is the same one the next time.

    Operations are identified by object identity, which works because parsed documents are cached. Variables that are
    used below the root fields are part of the key. Those that only root fields take, such as thousands of ids, are not.
    Returns None if a value cannot be part of a key, such as a list or a long text.
    """
    used = _names.get(id(operation), (operation, None))[1]
    if used is None:
        used = _know(operation, fragments)
    else:
        _names.move_to_end(id(operation))
    try:
        values = tuple((name, _frozen(variables[name])) for name in used if name in variables)
    except _NotAKeyError:
        return None
    return _cache_of((id(operation), values), operation)


class _NotAKeyError(Exception):
    """A value that cannot be part of a key."""


def _frozen(value: Any) -> Hashable:
    """Return a hashable form of the value with its type, since equal values may differ, such as true and 1."""
    if type(value) is dict:
        return tuple((name, _frozen(one)) for name, one in value.items())
    if type(value) not in _KINDS or (type(value) is str and len(value) > _MAX_TEXT_LENGTH):
        raise _NotAKeyError
    return type(value), value


def _know(operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> tuple[str, ...]:
    """Return the variables of a new operation, and keep the operation, so that its id is not reused."""
    found = _Variables()
    for node in (*_below(operation), *fragments.values()):
        visit(node, found)
    names = tuple(found.names)
    _names[id(operation)] = operation, names
    _nodes[id(operation)] = found.nodes
    _bytes["operations"] += _size(operation)
    while len(_names) > _MAX_OPERATIONS or (_bytes["operations"] > _MAX_BYTES and len(_names) > 1):
        _forget(next(iter(_names)))
    return names


def _size(operation: OperationDefinitionNode) -> int:
    return _BYTES_AN_OPERATION + _BYTES_A_NODE * _nodes[id(operation)]


def _forget(key: int) -> None:
    """Remove an operation together with its caches, which hold references to it."""
    operation, _ = _names.pop(key)
    _bytes["operations"] -= _size(operation)
    for one in [one for one in _caches if one[0] == key]:
        _drop(one)
    del _nodes[key]


def _cache_of(key: _Key, operation: OperationDefinitionNode) -> OperationCache:
    known = _caches.get(key)
    if known is not None:
        _caches.move_to_end(key)
        return known[1]
    cache: OperationCache = {}
    _caches[key] = operation, cache
    _bytes["caches"] += _cache_size(key)
    while len(_caches) > _MAX_OPERATIONS or (_bytes["caches"] > _MAX_BYTES and len(_caches) > 1):
        _drop(next(iter(_caches)))
    return cache


def _cache_size(key: _Key) -> int:
    return _BYTES_A_CACHE + _BYTES_A_PLANNED_NODE * _nodes[key[0]]


def _drop(key: _Key) -> None:
    del _caches[key]
    _bytes["caches"] -= _cache_size(key)


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

"""What has been worked out of an operation, kept for the next time that it is executed."""

from collections import Counter, OrderedDict
from collections.abc import Hashable, Iterator, Mapping
from datetime import date
from typing import Any

from graphql import FieldNode, FragmentDefinitionNode, Node, OperationDefinitionNode, VariableNode, Visitor, visit

_MOST = 256
"""Operations that are remembered, with their variables: as many as documents are kept parsed."""

_MAX_BYTES = 32 << 20
"""Of the operations that are known, and of what is remembered of them, each by estimate."""
_BYTES_AN_OPERATION, _BYTES_A_NODE = 4_096, 500
"""Of an operation's syntax tree, which is kept with it: some 470 bytes a node, with the tokens that it holds on to."""
_BYTES_A_MEMORY, _BYTES_A_PLANNED_NODE = 4_096, 200
"""Of what is remembered of it for some values of its variables: selections and plans, some 160 bytes a node."""

_KINDS = frozenset({str, int, bool, date, type(None)})
_LONGEST_TEXT = 100
"""Characters of a text in a key; without a bound, callers could fill the memory with what they send."""

Memory = dict[Hashable, Any]
_Key = tuple[int, Hashable]
_remembered: OrderedDict[_Key, tuple[OperationDefinitionNode, Memory]] = OrderedDict()
_names: OrderedDict[int, tuple[OperationDefinitionNode, tuple[str, ...]]] = OrderedDict()
_nodes: dict[int, int] = {}
"""How many nodes each operation of `_names` has, its fragments among them."""
_bytes: Counter[str] = Counter()
"""What the operations and what is remembered of them take, by estimate."""


def memory(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, Any]
) -> Memory | None:
    """A dictionary for what follows from the operation below its root fields, the same one the next time.

    Operations are told apart by identity: it helps where documents are kept parsed. The variables that are used below
    the root fields are part of what follows, and not those that only root fields take, such as thousands of ids.
    None where one of them has a value that cannot be part of a key, such as a list or a long text.
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
    return _memory((id(operation), values), operation)


class _NotAKeyError(Exception):
    """A value that cannot be part of a key."""


def _frozen(value: Any) -> Hashable:
    """The value with its type: values that are equal need not be the same, such as true and 1."""
    if type(value) is dict:
        return tuple((name, _frozen(one)) for name, one in value.items())
    if type(value) not in _KINDS or (type(value) is str and len(value) > _LONGEST_TEXT):
        raise _NotAKeyError
    return type(value), value


def _know(operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> tuple[str, ...]:
    """The variables of an operation that is not known yet. It is kept, so that its id stays its own."""
    found = _Variables()
    for node in (*_below(operation), *fragments.values()):
        visit(node, found)
    names = tuple(found.names)
    _names[id(operation)] = operation, names
    _nodes[id(operation)] = found.nodes
    _bytes["operations"] += _size(operation)
    while len(_names) > _MOST or (_bytes["operations"] > _MAX_BYTES and len(_names) > 1):
        _forget(next(iter(_names)))
    return names


def _size(operation: OperationDefinitionNode) -> int:
    return _BYTES_AN_OPERATION + _BYTES_A_NODE * _nodes[id(operation)]


def _forget(key: int) -> None:
    """Let go of an operation and of all that is remembered of it, which would keep it."""
    operation, _ = _names.pop(key)
    _bytes["operations"] -= _size(operation)
    for one in [one for one in _remembered if one[0] == key]:
        _drop(one)
    del _nodes[key]


def _memory(key: _Key, operation: OperationDefinitionNode) -> Memory:
    known = _remembered.get(key)
    if known is not None:
        _remembered.move_to_end(key)
        return known[1]
    memory: Memory = {}
    _remembered[key] = operation, memory
    _bytes["memories"] += _memory_size(key)
    while len(_remembered) > _MOST or (_bytes["memories"] > _MAX_BYTES and len(_remembered) > 1):
        _drop(next(iter(_remembered)))
    return memory


def _memory_size(key: _Key) -> int:
    return _BYTES_A_MEMORY + _BYTES_A_PLANNED_NODE * _nodes[key[0]]


def _drop(key: _Key) -> None:
    del _remembered[key]
    _bytes["memories"] -= _memory_size(key)


class _Variables(Visitor):
    """Finds the variables that are used anywhere but as arguments of the operation's own fields, and counts nodes."""

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

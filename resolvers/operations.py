"""What has been worked out of an operation, kept for the next time that it is executed."""

from collections import OrderedDict
from collections.abc import Hashable, Iterator, Mapping
from datetime import date
from typing import Any

from graphql import FieldNode, FragmentDefinitionNode, Node, OperationDefinitionNode, VariableNode, Visitor, visit

_MOST = 256
"""Operations that are remembered, with their variables: as many as documents are kept parsed."""

_KINDS = frozenset({str, int, bool, date, type(None)})
_LONGEST_TEXT = 100
"""Characters of a text in a key; without a bound, callers could fill the memory with what they send."""

Memory = dict[Hashable, Any]
_remembered: OrderedDict[Hashable, tuple[OperationDefinitionNode, Memory]] = OrderedDict()
_names: OrderedDict[int, tuple[OperationDefinitionNode, tuple[str, ...]]] = OrderedDict()


def memory(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, Any]
) -> Memory | None:
    """A dictionary for what follows from the operation below its root fields, the same one the next time.

    Operations are told apart by identity: it helps where documents are kept parsed. The variables that are used below
    the root fields are part of what follows, and not those that only root fields take, such as thousands of ids.
    None where one of them has a value that cannot be part of a key, such as a list or a long text.
    """
    used = _kept(_names, id(operation), operation, lambda: tuple(_variables(operation, fragments)))
    try:
        values = tuple((name, _frozen(variables[name])) for name in used if name in variables)
    except _NotAKeyError:
        return None
    found: Memory = _kept(_remembered, (id(operation), values), operation, dict)
    return found


class _NotAKeyError(Exception):
    """A value that cannot be part of a key."""


def _frozen(value: Any) -> Hashable:
    """The value with its type: values that are equal need not be the same, such as true and 1."""
    if type(value) is dict:
        return tuple((name, _frozen(one)) for name, one in value.items())
    if type(value) not in _KINDS or (type(value) is str and len(value) > _LONGEST_TEXT):
        raise _NotAKeyError
    return type(value), value


def _kept(kept: Any, key: Hashable, operation: OperationDefinitionNode, make: Any) -> Any:
    """What is kept by the key, or made now. The operation is kept with it, so that its id stays its own."""
    found = kept.get(key)
    if found is None:
        found = kept[key] = (operation, make())
        if len(kept) > _MOST:
            kept.popitem(last=False)
    else:
        kept.move_to_end(key)
    return found[1]


class _Variables(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: dict[str, None] = {}

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        self.names[node.name.value] = None


def _variables(operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> Iterator[str]:
    """The variables that are used anywhere but as arguments of the operation's own fields."""
    found = _Variables()
    for node in (*_below(operation), *fragments.values()):
        visit(node, found)
    yield from found.names


def _below(operation: OperationDefinitionNode) -> Iterator[Node]:
    for selection in operation.selection_set.selections:
        if isinstance(selection, FieldNode):
            yield from selection.directives or ()
            if selection.selection_set is not None:
                yield selection.selection_set
        else:
            yield selection

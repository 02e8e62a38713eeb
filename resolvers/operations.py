"""What has been worked out of an operation, kept for the next time that it is executed."""

from collections import OrderedDict
from collections.abc import Hashable, Iterator, Mapping
from typing import Any

from graphql import FieldNode, FragmentDefinitionNode, Node, OperationDefinitionNode, VariableNode, Visitor, visit

_MOST = 256
"""Operations that are remembered, with their variables: as many as documents are kept parsed."""

Memory = dict[Hashable, Any]
_remembered: OrderedDict[Hashable, tuple[OperationDefinitionNode, Memory]] = OrderedDict()
_names: OrderedDict[int, tuple[OperationDefinitionNode, tuple[str, ...]]] = OrderedDict()


def memory(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, Any]
) -> Memory:
    """A dictionary for what follows from the operation below its root fields, the same one the next time.

    Operations are told apart by identity: it helps where documents are kept parsed. The variables that are used below
    the root fields are part of what follows, and not those that only root fields take, such as thousands of ids.
    Without a key that can be told apart, such as an input object, it is a new one each time.
    """
    used = _kept(_names, id(operation), operation, lambda: tuple(_variables(operation, fragments)))
    try:
        key = (id(operation), tuple((name, variables[name]) for name in used if name in variables))
        found: Memory = _kept(_remembered, key, operation, dict)
    except TypeError:
        return {}
    return found


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

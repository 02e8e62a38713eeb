"""Functions of a model: how they are called, and what their answers become."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from loaders.errors import GatewayError
from loaders.model.keys import Key
from loaders.model.model import Model
from loaders.model.names import camel
from loaders.model.object_references import ObjectReference
from loaders.model.resolver_functions import REQUIRED, Viewer
from loaders.model.shapes import Shape
from loaders.request_tracker import forbid_caching
from resolvers.section_arguments import canonical
from resolvers.selection_tree import FunctionCall
from resolvers.time_limits import stopped_at_deadline

if TYPE_CHECKING:
    from resolvers.request_context import RequestContext


class FunctionAnswerError(GatewayError):
    """A function of the model answered something else than its field says."""


def function_call(model: Model, name: str, shape: Shape, arguments: Mapping[str, Any]) -> FunctionCall:
    """Return the call of a field's function with these coerced arguments; those that are absent have their defaults."""
    function = model.functions[name]
    received: list[tuple[str, Any]] = []
    for each in function.arguments:
        value = arguments.get(camel(each.name))
        if value is not None or each.default in (REQUIRED, None):
            received.append((each.name, canonical(value, camel(each.name))))
    return FunctionCall(name, function, shape, tuple(received))


async def answers_of(call: FunctionCall, columns: Mapping[str, Sequence[Any]], context: RequestContext) -> Any:
    """Return what the function answers, given columns as Python's own values."""
    function = call.function
    taken: dict[str, Any] = dict(columns)
    shapes = {each.name: each.shape for each in function.arguments}
    for name, value in call.arguments:
        (taken[name],) = shapes[name].to_python([list(value) if isinstance(value, tuple) else value])
    if function.viewer:
        taken[function.viewer] = _viewer(context)
    forbid_caching()  # nothing tells how long its answer is good, or when it changes
    answer = function.function(**taken)
    if not inspect.isawaitable(answer):
        return answer
    async with stopped_at_deadline(call.name):
        return await answer


def _viewer(context: RequestContext) -> Viewer:
    tenant = context.loaders.tenant
    value = None if tenant is None else tenant.scalar.to_python(tenant.value)
    return Viewer(value, context.scopes)


def checked_answers(call: FunctionCall, answer: Any, count: int) -> list[Any]:
    """Return an answer for each object in canonical form. Raises FunctionAnswerError where it is no list of so many."""
    if not isinstance(answer, Sequence) or isinstance(answer, str) or len(answer) != count:
        what = f"{len(answer)} values" if isinstance(answer, Sequence) else type(answer).__name__
        raise FunctionAnswerError(f"{call.name}: the function answered {what} for {count} objects: answer a list.")
    return call.shape.from_python(answer)


def reference_key(call_name: str, target: str, key: Key, reference: Any) -> Any:
    """Return the canonical key of a reference; None where the key cannot be one, which makes it an unknown object.

    Raises FunctionAnswerError for what is no reference to an object of the type.
    """
    if not isinstance(reference, ObjectReference) or reference.type.__name__ != target:
        raise FunctionAnswerError(f"{call_name}: the function answered no m.ref({target}, …).")
    parts = reference.key if len(key.scalars) > 1 else (reference.key,)
    if not isinstance(parts, tuple) or len(parts) != len(key.scalars):
        raise FunctionAnswerError(f"{call_name}: the key of {target} has {len(key.scalars)} parts.")
    values = [scalar.from_python([part])[0] for scalar, part in zip(key.scalars, parts, strict=True)]
    if any(value is None or isinstance(value, Exception) for value in values):
        return None
    return values[0] if len(values) == 1 else tuple(values)

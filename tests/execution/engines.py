"""Both engines over one schema: graphql-core's as Strawberry has it, and the one that is tested, counted."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types import ExecutionContext

from gateway.execution.executor import ColumnExecutor
from gateway.execution.json_chunks import encode
from resolvers.scalars import SCALAR_MAP

Group = tuple[tuple[str | int, ...], frozenset[str]]
Failures = dict[tuple[str, ...], tuple[list[str | int], int]]
"""By the names of a field's path, the path of the first object that a store failed it for, and how many there are."""

STORE_ERROR = "The store did not answer in time."
"""The message of errors of stores in these tests, where they are not masked."""
_STORE_CODES = {"COLUMN_UNAVAILABLE", "STORE_TIMEOUT", "STORE_UNAVAILABLE"}


class Reference(StrawberryGraphQLCoreExecutionContext):
    """graphql-core's own executor."""


class Counting(ColumnExecutor):
    """The tested engine; counts the lists and objects that were completed by columns, and those that were not."""

    tried: ClassVar[Counter[str]] = Counter()

    def _by_columns(self, *args: Any) -> Any:
        completed = super()._by_columns(*args)
        self.tried["by columns" if isinstance(completed, dict | list | bytes) else "left"] += 1
        return completed


class QuietSchema(strawberry.Schema):
    """Has the model's scalars, and does not log errors: here they are the answer."""

    def __init__(self, query: type, config: StrawberryConfig | None = None, **kwargs: Any) -> None:
        super().__init__(query, config=config or StrawberryConfig(scalar_map=dict(SCALAR_MAP)), **kwargs)

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Context:
    """What resolvers get: a seed, and how large lists are answered (whole, False: in chunks, True: encoded chunks)."""

    seed: object = 0
    encode_in_chunks: bool | None = None


@dataclass(frozen=True, slots=True)
class ExecutionOutcome:
    """An answer, in a form that is equal only where data are exactly the same and errors null the same positions."""

    data: object
    errors: tuple[Group, ...]
    failures: str = "{}"
    """Errors of stores, merged: of each field the first path, and the number of objects."""

    def agrees(self, reference: "ExecutionOutcome", *, in_turn: bool) -> bool:
        """Whether both are the same answer.

        Where lists are completed in turn with others (`in_turn`), the specification leaves open which of several errors
        under one nulled position is reported.
        """
        if not in_turn or self == reference:
            return self == reference
        errors, others = dict(self.errors), dict(reference.errors)
        if self.data != reference.data or errors.keys() != others.keys():
            return False
        return self.data == exact(None) or self.failures == reference.failures


async def run(
    schema: strawberry.Schema,
    engine: type[StrawberryGraphQLCoreExecutionContext],
    query: str,
    variables: Mapping[str, Any] | None = None,
    context: Any = None,
    operation: str | None = None,
) -> ExecutionOutcome:
    """Execute the query with this engine. The schema is the same object for both, since types must not be shared.

    Where the context lets the engine encode, the data are those that the client reads.
    """
    before, schema.execution_context_class = schema.execution_context_class, engine
    try:
        result = await schema.execute(
            query, variable_values=dict(variables or {}), context_value=context, operation_name=operation
        )
    finally:
        schema.execution_context_class = before
    encodes = getattr(context, "encode_in_chunks", False)
    return outcome(json.loads(b"".join(encode(result.data))) if encodes else result.data, result.errors)


async def both(
    schema: strawberry.Schema,
    query: str,
    variables: Mapping[str, Any] | None = None,
    context: Callable[[], object] = Context,
    operation: str | None = None,
) -> tuple[ExecutionOutcome, ExecutionOutcome]:
    """The tested engine's outcome, then graphql-core's, each with a context of its own."""
    tested = await run(schema, Counting, query, variables, context(), operation)
    return tested, await run(schema, Reference, query, variables, context(), operation)


def outcome(data: Any, errors: list[Any] | None) -> ExecutionOutcome:
    """What there is to compare of an answer."""
    groups: dict[tuple[str | int, ...], set[str]] = {}
    rest, failures = store_failures([error.formatted for error in errors or []])
    for error in rest:
        groups.setdefault(_nulled(data, error.get("path") or []), set()).add(error["message"])
    ordered = sorted(groups.items(), key=lambda item: repr(item[0]))
    texts = tuple((index, frozenset(texts)) for index, texts in ordered)
    return ExecutionOutcome(exact(data), texts, repr(sorted(failures.items())))


def store_failures(errors: Iterable[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], Failures]:
    """Return the other errors, and those of stores merged, as either engine reports them."""
    rest: list[Mapping[str, Any]] = []
    failures: Failures = {}
    for error in errors:
        extensions = error.get("extensions") or {}
        if error["message"] != STORE_ERROR and extensions.get("code") not in _STORE_CODES:
            rest.append(error)
            continue
        path = list(error["path"])
        names = tuple(step for step in path if isinstance(step, str))
        first, affected = failures.get(names, (path, 0))
        failures[names] = min(path, first, key=_indexes), affected + extensions.get("affected", 1)
    return rest, failures


def _indexes(path: list[str | int]) -> list[int]:
    return [step for step in path if isinstance(step, int)]


def difference(tested: ExecutionOutcome, reference: ExecutionOutcome) -> str:
    """Where two outcomes differ first, in a line that can be read."""
    if tested.data != reference.data:
        return _different(tested.data, reference.data, "data")
    mine, theirs = dict(tested.errors), dict(reference.errors)
    for index in [*mine, *theirs]:
        if mine.get(index) != theirs.get(index):
            return (
                f"errors at {index}: {sorted(mine.get(index, []))}, and graphql-core's: {sorted(theirs.get(index, []))}"
            )
    if tested.failures != reference.failures:
        return f"stores: {tested.failures}, and graphql-core's: {reference.failures}"
    return "none"


def _different(tested: Any, reference: Any, path: str) -> str:
    if not (isinstance(tested, tuple) and isinstance(reference, tuple) and len(tested) == len(reference)):
        return f"{path}: {tested!r:.300}, and graphql-core's: {reference!r:.300}"
    for index, (mine, theirs) in enumerate(zip(tested, reference, strict=True)):
        if mine != theirs:
            return _different(mine, theirs, f"{path}.{index}")
    return "none"


def exact(value: Any) -> object:
    """The value with the type of everything in it, and the order of keys: 1, 1.0 and True differ, as do 0.0 and -0.0."""
    if isinstance(value, dict):
        return ("dict", *((key, exact(item)) for key, item in value.items()))
    if isinstance(value, list):
        return ("list", *map(exact, value))
    return (type(value).__name__, repr(value))


def _nulled(data: Any, path: list[str | int]) -> tuple[str | int, ...]:
    """The position that is null for this error: the path as far as there are data."""
    index: list[str | int] = []
    for step in path:
        if data is None:
            break
        data = data[step]
        index.append(step)
    return tuple(index)

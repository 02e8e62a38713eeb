"""Fill the cache before requests come: execute documents for objects, some at a time, at a bounded rate."""

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from itertools import islice
from pathlib import Path

from graphql import FieldNode, GraphQLError, OperationDefinitionNode, VariableNode, parse

from gateway.auth.model_access import ModelAccess
from gateway.export import ObjectExport, Turn
from gateway.http.errors import HTTPError
from gateway.request_context import open_context
from gateway.schema import GatewaySchema
from gateway.settings import Settings
from gateway.stores import Stores
from loaders.concurrency import cancel_and_wait
from loaders.errors import CallerError, GatewayError

AT_ONCE = 200
"""Objects of one execution: large enough to fuse, small enough to hold up no request."""

_log = logging.getLogger("gateway")

Progress = Callable[[int, int], None]
"""(objects done, of how many)."""


def documents(paths: Sequence[Path]) -> list[str]:
    """Return the documents of these files, and of the .graphql files in these folders, in order of their names.

    Raises CallerError where one cannot be read, or is not one query with the variable `$ids` alone required.
    """
    files = [file for path in paths for file in (sorted(path.glob("*.graphql")) if path.is_dir() else [path])]
    if not files:
        raise CallerError("There is no document to warm: name files, or folders with .graphql files.")
    return [_document(file) for file in files]


def _document(file: Path) -> str:
    try:
        text = file.read_text()
        operations = _operations(text)
    except (OSError, GraphQLError) as error:
        raise CallerError(f"{file} cannot be read: {error}") from error
    names = [variable.variable.name.value for item in operations for variable in item.variable_definitions or ()]
    if len(operations) != 1 or names != ["ids"]:
        raise CallerError(f"{file} must hold one query whose variable is $ids.")
    return text


def _operations(text: str) -> list[OperationDefinitionNode]:
    return [item for item in parse(text).definitions if isinstance(item, OperationDefinitionNode)]


Target = tuple[Sequence[str], Sequence[str]]
"""Documents, and the ids that they are executed for."""


async def targets(
    stores: Stores, schema: GatewaySchema, texts: Sequence[str], ids: Sequence[str] | None, tenant: str | None
) -> list[Target]:
    """Return what to execute for which objects: for `ids`, or else for all objects that a document's `$ids` names.

    Raises CallerError where these cannot be listed: the model has no page of them, or `$ids` is no root field's keys.
    Raises GraphQLError where a page of them fails.
    """
    if ids is not None:
        return [(texts, ids)]
    by_type: dict[str, list[str]] = {}
    for text in texts:
        by_type.setdefault(_type_of(schema, text), []).append(text)
    scopes = ModelAccess.of(stores.model).scopes
    result: list[Target] = []
    for type_name, own in by_type.items():
        try:
            pages = ObjectExport.of(schema, type_name).pages(None, tenant)
        except HTTPError as error:
            raise CallerError(f"Name the objects with --ids: the model has no page of {type_name}.") from error
        result.append((own, [key async for key in pages.ids(stores, scopes, tenant)]))
    return result


def _type_of(schema: GatewaySchema, text: str) -> str:
    """Return the object type whose keys `$ids` are in a document."""
    (operation,) = _operations(text)
    roots = schema.types.roots
    for field in operation.selection_set.selections:
        root = roots.get(field.name.value) if isinstance(field, FieldNode) else None
        if isinstance(field, FieldNode) and root is not None and root.object_type and _takes_ids(field):
            return root.object_type
    raise CallerError("Name the objects with --ids: no root field of the document takes $ids as the keys of a type.")


def _takes_ids(field: FieldNode) -> bool:
    values = [argument.value for argument in field.arguments or ()]
    return any(isinstance(value, VariableNode) and value.name.value == "ids" for value in values)


async def warm(
    stores: Stores,
    schema: GatewaySchema,
    target: Target,
    *,
    per_s: float,
    progress: Progress,
    tenant: str | None = None,
    turn: Turn = nullcontext,
) -> list[str]:
    """Execute each document for all ids, at most `per_s` objects a second, and return the errors, each once, in order.

    What is cached already costs a look-up. It returns when what was loaded has been written.
    """
    (texts, ids), errors = target, dict[str, None]()
    scopes = ModelAccess.of(stores.model).scopes
    rest, done, began = iter(ids), 0, time.monotonic()
    while some := list(islice(rest, AT_ONCE)):
        for text in texts:
            context = open_context(stores, scopes, tenant)
            async with turn():
                result = await schema.execute(text, variable_values={"ids": some}, context_value=context)
            await context.release()
            errors.update((error.message, None) for error in result.errors or ())
        done += len(some)
        progress(done, len(ids))
        await asyncio.sleep(max(0.0, done / per_s - (time.monotonic() - began)))
    if stores.cache is not None:
        await stores.cache.settle()
    return list(errors)


@asynccontextmanager
async def kept_warm(stores: Stores, schema: GatewaySchema, settings: Settings, turn: Turn) -> AsyncIterator[None]:
    """Fill the cache to the end of the block: once, and again on a schedule where the settings say so.

    Raises CallerError for documents that cannot be read.
    """
    texts = documents([Path(settings.warm_documents)]) if settings.warm_documents else []
    task = asyncio.create_task(_keep_warm(stores, schema, texts, settings, turn)) if texts else None
    try:
        yield
    finally:
        if task is not None:
            await cancel_and_wait([task])


async def _keep_warm(
    stores: Stores, schema: GatewaySchema, texts: Sequence[str], settings: Settings, turn: Turn
) -> None:
    while True:
        try:
            errors = []
            for target in await targets(stores, schema, texts, None, None):
                errors += await warm(
                    stores, schema, target, per_s=settings.warm_rate, progress=lambda *_: None, turn=turn
                )
        except GatewayError as error:
            errors = [str(error)]
        except GraphQLError as error:
            errors = [error.message]
        for message in errors:
            _log.warning("Not all could be warmed: %s", message)
        if not settings.warm_every_s:
            return
        await asyncio.sleep(settings.warm_every_s)


def bar(done: int, of: int) -> None:
    """Draw progress on standard error; a line at the end where it is no terminal."""
    if sys.stderr.isatty():
        filled = 40 * done // max(of, 1)
        print(f"\r[{'#' * filled}{'.' * (40 - filled)}] {done:,} of {of:,}", end="", file=sys.stderr, flush=True)
        if done == of:
            print(file=sys.stderr)
    elif done == of:
        print(f"{done:,} of {of:,} objects", file=sys.stderr)

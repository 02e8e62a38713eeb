"""Filling the cache before anybody asks: documents are executed for aircraft, some at a time, at a bounded rate."""

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path

from graphql import GraphQLError, OperationDefinitionNode, parse

from gateway.schema import build_schema
from gateway.settings import Settings
from gateway.stores import Stores
from loaders.concurrency import cancel_and_wait
from loaders.errors import CallerError, GatewayError
from loaders.fleet import FleetEntry, FleetQuery
from resolvers.context import RequestContext

AT_ONCE = 200
"""Aircraft of one execution: large enough to fuse, small enough to hold up nobody."""
_PAGE = 1_000

_log = logging.getLogger("gateway")

Progress = Callable[[int, int], None]
"""(aircraft done, of how many)."""


def documents(paths: Sequence[Path]) -> list[str]:
    """The documents of these files, and of the .graphql files in these folders, in order of their names.

    Raises CallerError where one cannot be read, or is not one query with the variable `$ids` alone required.
    """
    files = [file for path in paths for file in (sorted(path.glob("*.graphql")) if path.is_dir() else [path])]
    if not files:
        raise CallerError("There is no document to warm: name files, or folders with .graphql files.")
    return [_document(file) for file in files]


def _document(file: Path) -> str:
    try:
        text = file.read_text()
        operations = [one for one in parse(text).definitions if isinstance(one, OperationDefinitionNode)]
    except (OSError, GraphQLError) as error:
        raise CallerError(f"{file} cannot be read: {error}") from error
    names = [variable.variable.name.value for one in operations for variable in one.variable_definitions or ()]
    if len(operations) != 1 or names != ["ids"]:
        raise CallerError(f"{file} must hold one query whose variable is $ids.")
    return text


async def all_ids(stores: Stores) -> list[str]:
    """Every tracked aircraft's tail number."""
    return [key async for key in _fleet(stores)]


async def _fleet(stores: Stores) -> AsyncIterator[str]:
    fleet, place = stores.loaders().fleet, None
    while page := await fleet.page(FleetQuery(), _PAGE, place):
        for entry in page:
            yield entry.tail_number
        place = FleetEntry(page[-1].tail_number, page[-1].tail_number)


async def warm(
    stores: Stores, texts: Sequence[str], ids: Sequence[str], *, per_s: float, progress: Progress
) -> list[str]:
    """Execute each document for all ids, at most `per_s` aircraft a second; the errors, each once, in order.

    What is cached already costs a look-up. Returns when what was loaded has been written.
    """
    schema, errors = build_schema(), dict[str, None]()
    rest, done, began = iter(ids), 0, time.monotonic()
    while some := list(islice(rest, AT_ONCE)):
        for text in texts:
            context = RequestContext.of(stores.loaders())
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
async def kept_warm(stores: Stores, settings: Settings) -> AsyncIterator[None]:
    """Beside the requests, for the length of the block: on start, and on a schedule where the settings say so.

    Raises CallerError for documents that cannot be read.
    """
    texts = documents([Path(settings.warm_documents)]) if settings.warm_documents else []
    task = asyncio.create_task(_keep_warm(stores, texts, settings)) if texts else None
    try:
        yield
    finally:
        if task is not None:
            await cancel_and_wait([task])


async def _keep_warm(stores: Stores, texts: Sequence[str], settings: Settings) -> None:
    while True:
        try:
            ids = await all_ids(stores)
            errors = await warm(stores, texts, ids, per_s=settings.warm_rate, progress=lambda *_: None)
        except GatewayError as fault:
            errors = [str(fault)]
        for error in errors:
            _log.warning("Not all could be warmed: %s", error)
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
        print(f"{done:,} of {of:,} aircraft", file=sys.stderr)

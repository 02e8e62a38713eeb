"""`gateway export`: write the objects of one type of a model to standard output."""

from __future__ import annotations

import asyncio
import io
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from gateway.auth.model_access import ModelAccess
from gateway.commands.command import (
    add_ids_option,
    add_model_option,
    add_tenant_option,
    ids_of,
    settings_of,
)
from gateway.databases import require_urls
from gateway.export import ObjectExport, export_types
from gateway.http.errors import HTTPError
from gateway.schema import build_schema
from gateway.served_model import load_served_model
from gateway.stores import open_cached_stores
from loaders.errors import CallerError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from gateway.settings import Settings
    from loaders.model.model import Model


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.set_defaults(command=_export)
    parser.add_argument("object", help="name of the type as in /export/{object}, such as customer")
    add_ids_option(parser)
    add_tenant_option(parser)
    add_model_option(parser)


def _export(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments)
    model = load_served_model(settings)
    require_urls(settings, model)
    tenant = ModelAccess.of(model).tenant_option(arguments.tenant, "--tenant")
    if arguments.object not in export_types(model):
        raise CallerError(f"{arguments.object} is no object type: there are {', '.join(export_types(model))}.")
    asyncio.run(_exported(settings, model, arguments.object, ids_of(arguments), tenant))
    return 0


async def _exported(settings: Settings, model: Model, name: str, ids: Sequence[str] | None, tenant: str | None) -> None:
    """Write the lines; what has been written when a batch fails is good. Raises CallerError if the type cannot
    be exported so."""
    export = ObjectExport.of(build_schema(model), export_types(model)[name])
    try:
        batches = export.pages(None, tenant) if ids is None else export.listed(ids)
    except HTTPError as error:
        raise CallerError(str(error)) from error
    scopes = ModelAccess.of(model).scopes
    async with open_cached_stores(settings, model, listens=False) as stores:
        with _buffered_output() as output:
            async for line in batches.lines(stores, scopes, tenant, _free):
                output.write(line)


@contextmanager
def _buffered_output() -> Iterator[BinaryIO]:
    """Yield standard output with a buffer, which PYTHONUNBUFFERED takes away.

    Without one, a signal that comes while the pipe is full cuts a line short, and nothing is raised.
    """
    output = sys.stdout.buffer
    if not isinstance(output, io.RawIOBase):
        yield output
        return
    buffered = io.BufferedWriter(output)
    try:
        yield buffered
    finally:
        buffered.detach()  # writes what is left, and leaves standard output open


async def _free(_points: int) -> None:
    """Charge nothing: whoever runs the command has the databases."""

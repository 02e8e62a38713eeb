"""`gateway warm`: fill the cache before requests come."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.auth.model_access import ModelAccess
from gateway.commands.command import (
    add_ids_option,
    add_model_option,
    add_tenant_option,
    ids_of,
    settings_of,
)
from gateway.databases import require_urls
from gateway.schema import build_schema
from gateway.served_model import load_served_model
from gateway.stores import open_cached_stores
from gateway.warm import bar, documents, targets, warm
from loaders.errors import CallerError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from gateway.settings import Settings
    from loaders.model.model import Model


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.set_defaults(command=_warm)
    parser.add_argument(
        "documents", nargs="+", type=Path, metavar="DOCUMENT", help="files, or folders of .graphql files"
    )
    add_ids_option(parser)
    parser.add_argument("--rate", type=float, default=1_000, metavar="N", help="objects a second at most (%(default)s)")
    add_tenant_option(parser)
    add_model_option(parser)


def _warm(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments)
    model = load_served_model(settings)
    require_urls(settings, model)
    tenant = ModelAccess.of(model).tenant_option(arguments.tenant, "--tenant")
    if not arguments.rate > 0:
        raise CallerError("--rate must be more than nothing.")
    ids = ids_of(arguments)
    texts = documents(arguments.documents)
    errors = asyncio.run(_warmed(settings, model, texts, ids, tenant, arguments.rate))
    for error in errors:
        print(f"gateway: {error}", file=sys.stderr)
    return 1 if errors else 0


async def _warmed(
    settings: Settings,
    model: Model,
    texts: Sequence[str],
    ids: Sequence[str] | None,
    tenant: str | None,
    rate: float,
) -> list[str]:
    schema, errors = build_schema(model), list[str]()
    async with open_cached_stores(settings, model, listens=False) as stores:
        for target in await targets(stores, schema, texts, ids, tenant):
            errors += await warm(stores, schema, target, per_s=rate, progress=bar, tenant=tenant)
    return errors

"""`gateway keys`: make, list and revoke API keys."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from gateway.auth.api_keys import hash_of, new_key, text_of
from gateway.auth.model_access import ModelAccess
from gateway.commands.command import add_model_option, settings_of
from gateway.served_model import load_served_model
from gateway.setting import SettingsError
from gateway.settings import Settings
from gateway.stores import open_own, open_redis
from loaders.api_keys import ApiKey, ApiKeys, change_of
from loaders.cache.invalidation import Invalidator
from loaders.errors import CallerError
from loaders.stores.errors import StoreError

if TYPE_CHECKING:
    import argparse
    from collections.abc import AsyncIterator

_MAX_NAME_LENGTH = 100
_MAX_IDS = 10_000
"""The maximum of GATEWAY_MAX_IDS."""
_MAX_COST = 2**31 - 1
_MAX_DAYS = 36_500


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the commands below `keys`."""
    parser.description = "API keys."
    below = parser.add_subparsers(required=True, metavar="command")
    add = below.add_parser("add", help="make a key, and print it once", description="Make a key, and print it once.")
    add.add_argument("name", help="who or what asks with it")
    add.add_argument(
        "--scope",
        action="append",
        metavar="SCOPE",
        help="what it may do: a scope of the model, export, explain or status; may be repeated (without it: all of the"
        " model)",
    )
    add.add_argument(
        "--tenant",
        metavar="KEY",
        help="the tenant whose rows it sees, which a model with tenants needs (without it: none)",
    )
    add.add_argument(
        "--ids-per-field", type=int, metavar="N", help="ids that one field may ask for (without it: GATEWAY_MAX_IDS)"
    )
    add.add_argument(
        "--cost-per-minute",
        type=int,
        metavar="N",
        help="points that it may spend a minute (without it: GATEWAY_RATE_COST_PER_MINUTE)",
    )
    add.add_argument(
        "--expires-in-days", type=float, metavar="N", help="days from now until it is refused (without it: never)"
    )
    add_model_option(add)
    add.set_defaults(command=_add)
    listed = below.add_parser("list", help="list all keys", description="List all keys, without their secrets.")
    listed.set_defaults(command=_list)
    revoke = below.add_parser("revoke", help="refuse a key from now on", description="Refuse a key from now on.")
    revoke.add_argument("id", help="the part between the underscores")
    revoke.set_defaults(command=_revoke)


def _add(arguments: argparse.Namespace) -> int:
    _require(arguments)
    settings = settings_of(arguments)
    access = ModelAccess.of(load_served_model(settings))
    scopes = frozenset(arguments.scope or access.read_scopes)
    if unknown := sorted(scopes - access.scopes):
        choice = ", ".join(sorted(access.scopes))
        raise CallerError(f"--scope {unknown[0]} is no scope of the model {access.model}, which has {choice}.")
    days = arguments.expires_in_days
    key_id, secret = new_key()
    adding = _added(
        settings,
        key_id,
        arguments.name,
        hash_of(secret),
        sorted(scopes),
        ids_per_field=arguments.ids_per_field,
        cost_per_minute=arguments.cost_per_minute,
        expires_at=None if days is None else datetime.now(UTC) + timedelta(days=days),
        model=access.model,
        tenant=access.tenant_option(arguments.tenant, "--tenant"),
    )
    key = asyncio.run(adding)
    print(f"Key {key.id}: {_described(key)}. It is shown this once:", file=sys.stderr)
    print(text_of(key_id, secret))
    return 0


def _require(arguments: argparse.Namespace) -> None:
    if not 0 < len(arguments.name) <= _MAX_NAME_LENGTH or not arguments.name.isprintable():
        raise CallerError(f"A key's name has 1 to {_MAX_NAME_LENGTH} printable characters.")
    for option, maximum in (
        ("ids_per_field", _MAX_IDS),
        ("cost_per_minute", _MAX_COST),
        ("expires_in_days", _MAX_DAYS),
    ):
        value = getattr(arguments, option)
        if value is not None and not 0 < value <= maximum:
            raise CallerError(f"--{option.replace('_', '-')} must be more than 0 and at most {maximum:,}.")


async def _added(settings: Settings, *values: Any, **options: Any) -> ApiKey:
    async with _keys(settings) as keys:
        return await keys.add(*values, **options)


def _list(_arguments: argparse.Namespace) -> int:
    rows: list[tuple[str, ...]] = [("id", "name", "model", "tenant", "scopes", "created", "expires", "state")]
    rows += [_row(key) for key in asyncio.run(_listed())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0


async def _listed() -> list[ApiKey]:
    async with _keys(Settings.from_environment()) as keys:
        return await keys.all()


def _revoke(arguments: argparse.Namespace) -> int:
    heard = asyncio.run(_revoked(arguments.id))
    print(f"revoked {arguments.id}")
    if not heard:
        print("Redis did not answer: gateways refuse it within GATEWAY_KEYS_CACHE_S seconds.", file=sys.stderr)
    return 0


async def _revoked(key_id: str) -> bool:
    """Revoke a key, and return whether the gateways were notified. Raises CallerError for an unknown id."""
    settings = Settings.from_environment()
    async with _keys(settings) as keys, open_redis(settings) as redis:
        if not await keys.revoke(key_id):
            raise CallerError("There is no key of this id: `gateway keys list` has all of them.")
        try:
            await Invalidator(redis).invalidate(change_of(key_id))
        except StoreError:
            return False
    return True


@asynccontextmanager
async def _keys(settings: Settings) -> AsyncIterator[ApiKeys]:
    async with open_own(settings) as own:
        if own is None:
            raise SettingsError("GATEWAY_DATABASE_URL is missing: API keys lie in the gateway's own tables.")
        yield ApiKeys(own)


def _row(key: ApiKey) -> tuple[str, ...]:
    expires = "never" if key.expires_at is None else f"{key.expires_at:%Y-%m-%d %H:%M}"
    return (
        key.id,
        key.name,
        key.model,
        key.tenant or "",
        " ".join(key.scopes),
        f"{key.created_at:%Y-%m-%d %H:%M}",
        expires,
        _state(key),
    )


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= datetime.now(UTC) else "good"


def _described(key: ApiKey) -> str:
    until = "for good" if key.expires_at is None else f"until {key.expires_at:%Y-%m-%d %H:%M} UTC"
    whose = "" if key.tenant is None else f", tenant {key.tenant}"
    return f"{key.name}, {', '.join(key.scopes)}{whose}, {until}"

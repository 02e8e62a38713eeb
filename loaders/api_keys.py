"""API keys, in the gateway's own table. Changes are announced to other processes as `change_of` returns them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from loaders.cache.invalidation import Change
from loaders.stores.protocols import RelationalStore, Row

_INSERT = """
insert into gateway_internal.api_keys
    (id, name, hash, scopes, ids_per_field, cost_per_minute, expires_at, model, tenant)
values ($1, $2, $3, $4::text[], $5, $6, $7, $8, $9)
returning id, name, hash, scopes, ids_per_field, cost_per_minute, created_at, expires_at, revoked_at, model, tenant
"""
_ALL = """
select id, name, hash, scopes, ids_per_field, cost_per_minute, created_at, expires_at, revoked_at, model, tenant
from gateway_internal.api_keys
order by created_at, id
"""
_BY_ID = """
select id, name, hash, scopes, ids_per_field, cost_per_minute, created_at, expires_at, revoked_at, model, tenant
from gateway_internal.api_keys
where id = any($1::text[])
"""
_REVOKE = """
update gateway_internal.api_keys set revoked_at = coalesce(revoked_at, now())
where id = $1
returning id
"""

_OBJECT = "api-key:"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A stored key. `hash` is the SHA-256 of its secret; limits and times are None where there are none.

    `model` is the name of the model that the key is for, and `tenant` the text of its tenant's key.
    """

    id: str
    name: str
    hash: bytes
    scopes: tuple[str, ...]
    ids_per_field: int | None
    cost_per_minute: int | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    model: str
    tenant: str | None


class ApiKeys:
    """The table of keys. Each method runs one statement, and raises StoreError where the store fails."""

    def __init__(self, postgres: RelationalStore) -> None:
        self._postgres = postgres

    async def add(
        self,
        key_id: str,
        name: str,
        secret_hash: bytes,
        scopes: Sequence[str],
        *,
        ids_per_field: int | None = None,
        cost_per_minute: int | None = None,
        expires_at: datetime | None = None,
        model: str,
        tenant: str | None = None,
    ) -> ApiKey:
        """Store a new key."""
        limits = (ids_per_field, cost_per_minute)
        values = (key_id, name, secret_hash, list(scopes), *limits, expires_at, model, tenant)
        (row,) = await self._postgres.rows(_INSERT, *values)
        return _key(row)

    async def all(self) -> list[ApiKey]:
        """Return all keys, the oldest first."""
        return [_key(row) for row in await self._postgres.rows(_ALL)]

    async def by_id(self, ids: Iterable[str]) -> dict[str, ApiKey]:
        """Return the keys with these ids by id, without those that do not exist."""
        return {row["id"]: _key(row) for row in await self._postgres.rows(_BY_ID, list(ids))}

    async def revoke(self, key_id: str) -> bool:
        """Revoke a key, unless it is revoked already. Return whether a key with this id exists."""
        return bool(await self._postgres.rows(_REVOKE, key_id))


def change_of(key_id: str) -> Change:
    """Return the change to announce when a key has changed."""
    return Change(keys=(f"{_OBJECT}{key_id}",))


def changed_ids(change: Change) -> list[str]:
    """Return the ids of the keys that a change names."""
    return [key.removeprefix(_OBJECT) for key in change.keys if key.startswith(_OBJECT)]


def _key(row: Row) -> ApiKey:
    key_id, name, secret_hash, scopes, *rest = row
    return ApiKey(key_id, name, secret_hash, tuple(scopes), *rest)

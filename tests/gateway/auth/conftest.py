"""A migrated database of the tests' own, and clients of its keys."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from deploy.fleet.set_up import create_tables
from gateway.auth.api_keys import hash_of, new_key, text_of
from loaders.api_keys import ApiKeys
from loaders.migrations import migrate_own
from loaders.stores.errors import StoreUnavailable
from loaders.stores.protocols import RelationalStore, Row
from tests.conftest import NewDatabase, NewStores
from tests.fleet.served import ANALYSIS, REGISTER


@pytest.fixture(scope="session")
async def key_stores(new_database: NewDatabase) -> AsyncIterator[NewStores]:
    """Both stores, migrated and without aircraft."""
    async with new_database() as new:
        await create_tables(*new.stores)
        await migrate_own(new.stores.postgres)
        yield new


@pytest.fixture
def keys(key_stores: NewStores) -> ApiKeys:
    return ApiKeys(key_stores.stores.postgres)


@dataclass
class Watched:
    """PostgreSQL, with the ids of each look-up noted; it can be taken away."""

    store: RelationalStore
    looked_up: list[list[str]] = field(default_factory=list)
    is_away: bool = False

    async def rows(self, sql: str, *arguments: object) -> Sequence[Row]:
        (ids,) = arguments
        assert isinstance(ids, list)
        self.looked_up.append(ids)
        if self.is_away:
            raise StoreUnavailable("postgresql", "PostgreSQL at db.internal:5432 cannot be reached")
        return await self.store.rows(sql, *arguments)


@pytest.fixture
def watched(key_stores: NewStores) -> Watched:
    return Watched(key_stores.stores.postgres)


async def added(
    keys: ApiKeys,
    scopes: Sequence[str] = (REGISTER, ANALYSIS),
    expires_at: datetime | None = None,
    model: str = "fleet",
    tenant: str | None = None,
    **limits: int,
) -> str:
    """A new key's text."""
    key_id, secret = new_key()
    await keys.add(key_id, "test", hash_of(secret), scopes, expires_at=expires_at, model=model, tenant=tenant, **limits)
    return text_of(key_id, secret)


def id_of(text: str) -> str:
    """The part of a key that is no secret."""
    return text[4:16]

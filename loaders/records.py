"""Load records by code from PostgreSQL, or from the cache where there is one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from functools import cache
from typing import Any, ClassVar, Generic, TypeVar

from aiodataloader import DataLoader

from loaders.alignment import align
from loaders.cache.cache import Cache
from loaders.cache.fields import CacheField
from loaders.cache.in_flight_load import KeysByField, LoadedValues
from loaders.keys import valid_keys
from loaders.model.databases import Freshness
from loaders.stores.errors import StoreError
from loaders.stores.protocols import RelationalStore

R = TypeVar("R")

FRESHNESS = Freshness(fresh_s=3_600, stale_while_revalidate_s=86_400, stale_if_error_s=604_800)
"""Airlines and airports change a few times a year."""


@dataclass(frozen=True, slots=True)
class RecordKind(Generic[R]):
    """A kind of record. Its name identifies it in the cache and in invalidations; `make` converts a row.

    The statement takes the codes as $1, and its first column is the code.
    """

    name: str
    sql: str
    make: Callable[..., R]

    def fields(self) -> tuple[str, ...]:
        """Return the names of the record's fields, in the order of the row."""
        return tuple(one.name for one in dataclass_fields(self.make))  # type: ignore[arg-type]


class RecordLoader(DataLoader[str, R | None]):
    """Loads records by code, in the order of the keys, with one statement per batch; None where there is no record."""

    kind: ClassVar[RecordKind[Any]]

    def __init__(self, postgres: RelationalStore, shared: Cache | None = None) -> None:
        super().__init__()
        self._postgres = postgres
        self._shared = shared

    async def batch_load_fn(self, keys: list[str]) -> list[R | None]:
        """Return the record of each key, in order."""
        asked, rows = valid_keys(keys), _Rows(self._postgres, self.kind)
        if self._shared is None:
            found = await rows.of(asked)
        else:
            field, prefix = _field_of(self.kind), rows.prefix
            fetched = await self._shared.fetch([prefix + key for key in asked], (field,), rows)
            if field in fetched.errors:
                raise fetched.errors[field]
            found = fetched.values.get(field, [])
        records = (self.kind.make(*row) for row in found if row is not None)
        return align(keys, records, lambda record: record.code)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Loads the rows of a kind from the store."""

    postgres: RelationalStore
    kind: RecordKind[Any]

    @property
    def prefix(self) -> str:
        return f"{self.kind.name}:"

    async def of(self, codes: Sequence[str]) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await self.postgres.rows(self.kind.sql, codes)]

    async def __call__(self, keys_by_field: KeysByField) -> LoadedValues:
        ((field, keys),) = keys_by_field.items()
        try:
            rows = await self.of([key.removeprefix(self.prefix) for key in keys])
        except StoreError as error:
            return {field: error}
        return {field: {self.prefix + row[0]: row for row in rows}}


@cache
def _field_of(kind: RecordKind[Any]) -> CacheField:
    width = len(kind.fields())

    def read(values: Any) -> tuple[Any, ...] | None:
        if values is None:
            return None
        if type(values) is not list or len(values) != width:
            raise ValueError("not a record")
        return tuple(values)

    return CacheField(kind.name, (kind.name,), FRESHNESS, read, kind)

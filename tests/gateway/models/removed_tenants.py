"""The parts that keep tenants apart, with the tenant taken out of each in turn, so that checks can be seen to fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.http import response_cache
from loaders.cache import shared
from loaders.cache.cache import Cache
from loaders.cache.local import LocalCache
from loaders.objects import cache_names, cached_sections
from loaders.objects.cache_names import CacheNames
from loaders.objects.request_loaders import RequestLoaders


def without_tenant(name: str) -> str:
    """A name in the cache as it would be without its tenant."""
    model, space, _, key = name.split(":", 3)
    return f"{model}:{space}::{key}"


class _WithoutTenants(dict[str, Any]):
    """Loads in flight by names without their tenant."""

    def get(self, key: str, default: Any = None) -> Any:
        return super().get(without_tenant(key), default)

    def update(self, other: Any) -> None:  # type: ignore[override]
        super().update({without_tenant(key): value for key, value in other.items()})

    def __contains__(self, key: object) -> bool:
        return super().__contains__(without_tenant(str(key)))

    def __getitem__(self, key: str) -> Any:
        return super().__getitem__(without_tenant(key))

    def __delitem__(self, key: str) -> None:
        super().__delitem__(without_tenant(key))


def _of_memory(patch: pytest.MonkeyPatch) -> None:
    get, put = LocalCache.get, LocalCache.put
    patch.setattr(LocalCache, "get", lambda self, keys, *rest: get(self, [*map(without_tenant, keys)], *rest))
    patch.setattr(LocalCache, "put", lambda self, key, *rest: put(self, without_tenant(key), *rest))


def _of_fields(patch: pytest.MonkeyPatch) -> None:
    """Give what is cached of an object the same field and sources for all tenants."""
    field_of = cache_names.field_of

    def field_without(request: Any, names: CacheNames, zones: tuple[str, ...]) -> Any:
        return field_of(request, CacheNames(names.model), zones)

    patch.setattr(cached_sections, "field_of", field_without)


def _of_redis(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(shared, "_object", lambda key: f"o:{without_tenant(key)}")
    _of_fields(patch)


def _of_loads_in_flight(patch: pytest.MonkeyPatch) -> None:
    make = Cache.__init__

    def make_without(self: Cache, *arguments: Any) -> None:
        make(self, *arguments)
        self._joinable = _WithoutTenants()

    patch.setattr(Cache, "__init__", make_without)
    _of_fields(patch)


def _of_loaders(patch: pytest.MonkeyPatch) -> None:
    over, first = RequestLoaders.over, dict[str, Any]()

    def of_first(model: Any, databases: Any, cache: Any, tenant: Any, *rest: Any) -> RequestLoaders:
        return over(model, databases, cache, first.setdefault(model.name, tenant), *rest)

    patch.setattr(RequestLoaders, "over", of_first)


def _of_what_fills_the_cache(patch: pytest.MonkeyPatch) -> None:
    make, first = cached_sections._StoresOf, list[Any]()

    def make_for_first(statements: Any, tenant: Any, *rest: Any) -> Any:
        first.append(tenant)
        return make(statements, first[0], *rest)

    patch.setattr(cached_sections, "_StoresOf", make_for_first)


def _of_responses(patch: pytest.MonkeyPatch) -> None:
    key = response_cache._key

    def key_without(*arguments: Any) -> Any:
        parts = key(*arguments)
        return None if parts is None else (bytes(parts[0] or b"").partition(b"\0")[0], *parts[1:])  # type: ignore[arg-type]

    patch.setattr(response_cache, "_key", key_without)


REMOVED: dict[str, tuple[str, Callable[[pytest.MonkeyPatch], None]]] = {
    "names in memory": ("memory", _of_memory),
    "names in Redis": ("redis", _of_redis),
    "names of loads in flight": ("loads in flight", _of_loads_in_flight),
    "loaders of a request": ("databases", _of_loaders),
    "what fills the cache": ("memory", _of_what_fills_the_cache),
    "audience of responses": ("whole responses", _of_responses),
}
"""By what it is taken from: the layer that tells, and how."""

"""What a partial answer must be: equal to the whole one, but for fields that failed, each with one error."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from loaders.stores.errors import StoreError, StoreUnavailable

Names = tuple[str, ...]


class Failing:
    """A store whose statements fail."""

    def __init__(self, kind: type[StoreError] = StoreUnavailable) -> None:
        self._kind = kind

    async def rows(self, _sql: str, *_arguments: object) -> Any:
        raise self._kind("postgresql", "PostgreSQL at db.internal:5432 cannot be reached")

    async def columns(self, _sql: str, _parameters: Mapping[str, Any]) -> Any:
        raise self._kind("clickhouse", "ClickHouse at ch.internal:8123 cannot be reached")

    async def typed_columns(self, _sql: str, arguments: Any = None, *_rest: Any) -> Any:
        store = "clickhouse" if isinstance(arguments, dict) else "postgresql"
        raise self._kind(store, f"{store} at db.internal cannot be reached")


@dataclass(slots=True)
class _Comparison:
    """Counts the places where a failed field is null, and those of them where the whole answer has a value."""

    failed: frozenset[Names]
    nulls: Counter[Names] = field(default_factory=Counter)
    lost: Counter[Names] = field(default_factory=Counter)
    first: dict[Names, list[str | int]] = field(default_factory=dict)

    def compare(self, partial: Any, whole: Any, path: Sequence[str | int] = ()) -> None:
        names = names_of(path)
        if partial is None and names in self.failed:
            self.nulls[names] += 1
            if whole is not None:
                self.lost[names] += 1
                self.first.setdefault(names, list(path))
        elif isinstance(whole, dict):
            assert isinstance(partial, dict), path
            assert list(partial) == list(whole), path
            for key, value in whole.items():
                self.compare(partial[key], value, [*path, key])
        elif isinstance(whole, list):
            assert isinstance(partial, list), path
            assert len(partial) == len(whole), path
            for index, value in enumerate(whole):
                self.compare(partial[index], value, [*path, index])
        else:
            assert partial == whole, path


def names_of(path: Sequence[str | int]) -> Names:
    """Return a path without its indexes."""
    return tuple(step for step in path if isinstance(step, str))


def check_partial(
    partial: Any, errors: Sequence[Mapping[str, Any]], whole: Any, *, code: str = "STORE_UNAVAILABLE"
) -> dict[Names, Mapping[str, Any]]:
    """Check a partial answer against the whole one, and return the extensions of its errors by field."""
    by_field = {names_of(error["path"]): error["extensions"] for error in errors}
    assert len(by_field) == len(errors), "a field has more than one error"
    comparison = _Comparison(frozenset(by_field))
    comparison.compare(partial, whole)
    for error in errors:
        names, extensions = names_of(error["path"]), error["extensions"]
        assert set(extensions) == {"code", "id", "section", "store", "affected"}
        assert extensions["code"] == code
        assert comparison.lost[names] <= extensions["affected"] <= comparison.nulls[names], names
        if comparison.lost[names]:
            assert _indexes(error["path"]) <= _indexes(comparison.first[names])
    return by_field


def _indexes(path: Sequence[str | int]) -> list[int]:
    return [step for step in path if isinstance(step, int)]

"""Changes between two revisions of a model, and what they mean for its API."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from graphql import (
    BreakingChange,
    DangerousChange,
    GraphQLSchema,
    build_schema,
    find_schema_changes,
)

from gateway.model_tools.changes import Change, Level
from gateway.model_tools.snapshot import EVERYONE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gateway.model_tools.snapshot import Snapshot

Value = TypeVar("Value")


def model_changes(old: Snapshot, new: Snapshot) -> list[Change]:
    """Return the changes from one revision to another, the worst first."""
    changes = {*_of_schema(build_schema(old.schema), build_schema(new.schema)), *_of_tenants(old, new)}
    changes |= {*_of_scopes(old, new), *_of_freshness(old, new), *_of_prices(old, new), *_of_readings(old, new)}
    return sorted(changes)


def _of_schema(old: GraphQLSchema, new: GraphQLSchema) -> Iterator[Change]:
    levels = {BreakingChange: Level.BREAKING, DangerousChange: Level.DANGEROUS}
    for change in find_schema_changes(old, new):
        level = levels.get(type(change), Level.SAFE)
        yield Change(level, "", change.description)


def _of_tenants(old: Snapshot, new: Snapshot) -> Iterator[Change]:
    if old.tenant != new.tenant:
        message = f"was of {old.tenant or 'nobody'}, and is of {new.tenant or 'nobody'}: tokens and API keys name it."
        yield Change(Level.BREAKING, "Model.tenant", message)
    for table, now, before in _both(old.tenants, new.tenants):
        level = Level.BREAKING if now == EVERYONE else Level.DANGEROUS
        yield Change(level, table, f"its rows were those of {before}, and are those of {now}.")


def _of_scopes(old: Snapshot, new: Snapshot) -> Iterator[Change]:
    for name, now, before in _both(old.scopes, new.scopes):
        added, removed = sorted(set(now) - set(before)), sorted(set(before) - set(now))
        if added:
            instead = f", in the place of {_any(removed)}" if removed else ""
            yield Change(Level.BREAKING, name, f"needs the scope {_any(added)}{instead}.")
        else:
            yield Change(Level.DANGEROUS, name, f"no longer needs the scope {_any(removed)}.")


def _any(scopes: list[str]) -> str:
    return " and ".join(scope.replace(" ", " or ") for scope in scopes)


def _of_freshness(old: Snapshot, new: Snapshot) -> Iterator[Change]:
    for name, now, before in _both(old.freshness, new.freshness):
        if now is None:
            yield Change(Level.SAFE, name, "what is read of it was cached, and no longer is.")
        elif before is None:
            yield Change(
                Level.DANGEROUS, name, f"what is read of it was not cached, and now is, fresh for {now[0]:,} s."
            )
        else:
            is_older = any(after > then for after, then in zip(now, before, strict=True))
            message = (
                "what is read of it is fresh, may be stale, and may be stale after errors for"
                f" {_seconds(now)} s; it was {_seconds(before)} s."
            )
            yield Change(Level.DANGEROUS if is_older else Level.SAFE, name, message)


def _seconds(freshness: list[int]) -> str:
    return " / ".join(f"{each:,}" for each in freshness)


def _of_prices(old: Snapshot, new: Snapshot) -> Iterator[Change]:
    for name, now, before in _both(old.prices, new.prices):
        level = Level.DANGEROUS if now > before else Level.SAFE
        dearer = "more" if now > before else "less"
        yield Change(level, name, f"costs {dearer}: it is priced for {now:g}, and was for {before:g}.")


def _of_readings(old: Snapshot, new: Snapshot) -> Iterator[Change]:
    for table, now, before in _both(old.readings, new.readings):
        for option, value, other in _both(before, now):
            message = f"its {option} was {other or 'not said'}, and is {value or 'not said'}: answers may differ."
            yield Change(Level.DANGEROUS, table, message)


def _both(old: Mapping[str, Value], new: Mapping[str, Value]) -> Iterator[tuple[str, Value, Value]]:
    """Yield what is in both and differs: its name, the new value, the old one."""
    for name in new:
        if name in old and old[name] != new[name]:
            yield name, new[name], old[name]

"""A planned statement's answer, column by column, fetched with no more than the stores' clients."""

from collections.abc import Sequence
from typing import Any

from benchmarks.endpoints.serving import CountedStores
from loaders.catalogue.declaration import Store
from loaders.planning import Statement

Columns = Sequence[Sequence[Any]]


async def fetched(stores: CountedStores, statement: Statement, ids: list[str]) -> tuple[Columns, Sequence[str]]:
    """The columns, the key first (none at all without a row), and the key that each id goes by in them."""
    if statement.source.store is Store.POSTGRES:
        rows = await stores.postgres.rows(statement.sql, ids, *statement.arguments.values())
        return list(zip(*rows, strict=True)), ids
    if statement.source.cohort is None:
        answer = await stores.clickhouse.columns(statement.sql, {"ids": ids, **statement.arguments})
        return answer.columns, ids
    rows = await stores.postgres.rows(statement.source.cohort.members, ids)
    cohorts = {row["cohort"]: row["members"] for row in rows}
    cohort_of = {member: name for name, members in cohorts.items() for member in members}
    keys = [cohort_of.get(key, "") for key in ids]
    if not cohorts:
        return [], keys
    arguments = {"ids": list(cohorts), "members": list(cohort_of), "cohorts": list(cohort_of.values())}
    answer = await stores.clickhouse.columns(statement.sql, arguments | statement.arguments)
    return answer.columns, keys

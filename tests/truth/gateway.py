"""Asks the gateway's schema over real stores what the truth is compared with."""

from collections.abc import Sequence
from typing import Any

from loaders.stores.protocols import TypedAnalyticalStore, TypedRelationalStore
from tests.fleet.served import SCHEMA, context_over
from tests.truth.case import Row
from tests.truth.records import Period
from tests.truth.sections import SELECTION, SELECTION_OF_AIRCRAFT, analysis_fields, arguments

SHOWN_ERRORS = 5


class AnswerError(AssertionError):
    """An answer with errors, each with its path."""


class Gateway:
    """The schema, with new loaders for each question."""

    def __init__(self, postgres: TypedRelationalStore, clickhouse: TypedAnalyticalStore) -> None:
        self._schema = SCHEMA
        self._stores = (postgres, clickhouse)

    async def ask(self, query: str, **variables: object) -> dict[str, Any]:
        """The answer's data. Raises AnswerError where it has errors."""
        context = context_over(*self._stores)
        result = await self._schema.execute(query, variable_values=variables, context_value=context)
        if result.errors:
            raise AnswerError("\n".join(f"{error.path}: {error.message}" for error in result.errors[:SHOWN_ERRORS]))
        assert result.data is not None
        return result.data

    async def aircraft(
        self,
        ids: Sequence[str],
        period: Period,
        sections: Sequence[str],
        first: int | None = None,
        fields: Sequence[str] = (),
    ) -> list[Any]:
        """Aircraft with all leaves of these sections and of these fields beside the analysis."""
        answer = await self.ask(query_for(sections, first, fields), ids=list(ids), period=period_variable(period))
        aircraft: list[Any] = answer["aircraftByIds"]
        return aircraft


def query_for(sections: Sequence[str], first: int | None = None, fields: Sequence[str] = ()) -> str:
    """A query for aircraft by ids in a period."""
    analysis = " ".join(_section(name, first) for name in sections)
    beside = " ".join(f"{name} {{ {SELECTION_OF_AIRCRAFT[name]} }}" for name in fields)
    return (
        "query Truth($ids: [ID!]!, $period: Period) { aircraftByIds(ids: $ids) "
        f"{{ id tailNumber {beside} analysis(period: $period) {{ {analysis} }} }} }}"
    )


def _section(name: str, first: int | None) -> str:
    bounded = first is not None and "first" in arguments(analysis_fields()[name])
    return f"{name}{f'(first: {first})' if bounded else ''} {{ {SELECTION[name]} }}"


def period_variable(period: Period) -> Row | None:
    """A period as a client gives it; None for all time."""
    ends = {"from": period.first, "to": period.last}
    value: Row = {name: end.isoformat() for name, end in ends.items() if end is not None}
    return value or None

"""Statistics of one request: what its statements returned, and what came from the cache."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from loaders.statement_record import StatementRecord

_MAX_RECORDS = 100
"""Statements whose record is kept; most requests take less than ten."""


@dataclass(slots=True)
class RequestStats:
    """Counts of one request, filled in while it is answered."""

    statements: Counter[str] = field(default_factory=Counter)
    """Number of statements by store."""
    rows: Counter[str] = field(default_factory=Counter)
    """Number of rows that the stores returned, by store."""
    measures_bytes: bool = False
    """Whether `bytes` is counted, which takes time."""
    bytes: Counter[str] = field(default_factory=Counter)
    """Size of what the stores returned when written as JSON, by store: their own encodings cannot be compared."""
    fields: dict[str, Counter[str]] = field(default_factory=dict)
    """By name of the cached field, the number of objects whose value was fresh, stale or missed (and so loaded)."""
    waited_s: float = 0.0
    """The longest time that one of its statements waited for a connection."""
    fused: list[Sequence[str]] = field(default_factory=list)
    """The sections of each statement that was sent for this request."""
    records: list[StatementRecord] = field(default_factory=list)
    """Its first statements, in the order in which they were begun."""

    def begin_statement(self, record: StatementRecord) -> None:
        """Keep the record of a statement, unless there are very many."""
        if len(self.records) < _MAX_RECORDS:
            self.records.append(record)

    def count(self, name: str, state: str, objects: int) -> None:
        """Add the objects whose value of a cached field was in a state: "fresh", "stale" or "missed"."""
        if objects:
            self.fields.setdefault(name, Counter())[state] += objects

    def report(self) -> dict[str, object]:
        """Return the statistics as `extensions.accounting` shows them."""
        return {
            "statements": dict(self.statements),
            "rows": dict(self.rows),
            "bytes": dict(self.bytes),
            "fused": [list(sections) for sections in self.fused],
            "cached": [{"section": name, **counts} for name, counts in self.fields.items()],
        }

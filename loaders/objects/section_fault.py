"""Parts of one section that cannot be read, since its database no longer has what the SQL names."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from loaders.model.bound_sections import BoundSection
from loaders.statements.parameters import StatementScope
from loaders.statements.partial_sections import WHOLE, Part, columns_needed, parts_of, with_dependents
from loaders.statements.section_request import SectionRequest
from loaders.stores.errors import ColumnUnavailable, SchemaMismatch


@dataclass(frozen=True, slots=True)
class Sample:
    """A request that has a part, to check it with; why it could not be read, and since when in Unix time."""

    request: SectionRequest
    scope: StatementScope
    reason: SchemaMismatch
    since: float


@dataclass(frozen=True, slots=True)
class UnreadableSection:
    """A section of which something cannot be read, for people: `parts` has names by kind, none where it is all."""

    section: str
    store: str
    since: float
    reason: str
    """The store's own words, which are for the log."""
    parts: dict[str, list[str]]

    @property
    def subject(self) -> str:
        """The section and its parts."""
        some = "; ".join(f"{kind} {', '.join(names)}" for kind, names in self.parts.items())
        return f"{self.section} ({some})" if some else self.section

    def __str__(self) -> str:
        return f"{self.subject} cannot be read: {self.reason}"


@dataclass(slots=True)
class SectionFault:
    """The parts of a section that cannot be read, and what follows: columns without a value, and the error of each."""

    section: BoundSection
    parts: dict[Part, Sample] = field(default_factory=dict)
    columns: frozenset[str] = frozenset()
    error: ColumnUnavailable = field(default_factory=lambda: ColumnUnavailable("", ""))

    def settle(self) -> None:
        """Derive the columns and the error from the parts, of which there is one at least."""
        named = [part.name for part in self.parts if part.kind == "column" and isinstance(part.name, str)]
        self.columns = with_dependents(self.section, named)
        shown = self.shown()
        self.error = ColumnUnavailable(shown.store, str(shown))

    def blocks(self, request: SectionRequest) -> bool:
        """Return whether a request cannot be answered at all: its rows, order or conditions need what is missing."""
        further = [part for part in parts_of(request) if part.kind != "column"]
        if WHOLE in self.parts or any(part in self.parts for part in further):
            return True
        if self.columns & columns_needed(request, further):
            return True
        return not self.section.is_row and self.columns.issuperset(each.name for each in self.section.columns)

    def shown(self, parts: Collection[Part] | None = None) -> UnreadableSection:
        """Return what people are told of it, or of some of its parts."""
        some = {part: sample for part, sample in self.parts.items() if parts is None or part in parts}
        first = min(some.values(), key=lambda sample: sample.since)
        names: dict[str, list[str]] = {}
        for part in some if WHOLE not in some else ():
            names.setdefault(part.kind, []).append(self._name(part))
        sorted_names = {kind: sorted(each) for kind, each in sorted(names.items())}
        reason = first.reason
        return UnreadableSection(self.section.name, reason.store, first.since, str(reason), sorted_names)

    def _name(self, part: Part) -> str:
        if isinstance(part.name, str):
            return part.name or "bounds"
        members = (name for name, each in self.section.orders.items() if each.expression == part.name)
        return next(members, "default")

"""Terms of an order: `issued_at desc nulls last, id`, read once and written for either store."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from loaders.model.references import Fragment
from loaders.model.scalars import Scalar
from loaders.model.sql_words import words

_TERM = re.compile(
    r"(?P<expression>.+?)(?:\s+(?P<direction>asc|desc))?(?:\s+nulls\s+(?P<nulls>first|last))?",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class WrittenTerm:
    """A term as its author wrote it. `nulls` is "first", "last", or empty where the text does not say."""

    expression: str
    is_descending: bool
    nulls: str


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """One expression of an order, its direction, and where nulls come: last in either direction by default.

    `scalar` is what the expression's values are. Terms of pages have one, since cursors hold these values.
    """

    expression: Fragment
    is_descending: bool = False
    nulls_first: bool = False
    scalar: Scalar | None = field(default=None, compare=False)
    is_never_null: bool = field(default=False, compare=False)
    """Whether its author says so, of an expression whose columns may be null."""

    @property
    def suffix(self) -> str:
        """The direction and the place of nulls, as both stores write them behind the expression."""
        direction = "desc" if self.is_descending else "asc"
        return f" {direction} nulls {'first' if self.nulls_first else 'last'}"


@dataclass(frozen=True, slots=True, eq=False)
class OrderMember:
    """A member of an order that clients choose from.

    `is_descending` and `nulls_first` are its defaults, and `scopes` those of the columns that its expression touches.
    """

    name: str
    expression: Fragment
    scalar: Scalar | None
    is_descending: bool
    nulls_first: bool
    scopes: frozenset[str]
    is_never_null: bool = False

    def term(self, *, is_descending: bool | None = None, nulls_first: bool | None = None) -> OrderTerm:
        """Return the member as a term; None is the member's own default."""
        return OrderTerm(
            self.expression,
            self.is_descending if is_descending is None else is_descending,
            self.nulls_first if nulls_first is None else nulls_first,
            self.scalar,
            self.is_never_null,
        )


def with_tie_break(terms: tuple[OrderTerm, ...], tie_break: tuple[OrderTerm, ...]) -> tuple[OrderTerm, ...]:
    """Return an order behind which a tie-break stands, without what it says already.

    The tie-break runs in the direction of the last term, so that one index serves both directions.
    """
    said = {term.expression for term in terms}
    is_descending = bool(terms) and terms[-1].is_descending
    rest = (replace(term, is_descending=is_descending) for term in tie_break if term.expression not in said)
    return (*terms, *rest)


def written_terms(text: str) -> tuple[WrittenTerm, ...]:
    """Return the terms of an order in SQL; commas inside brackets and quotes separate nothing."""
    matches = (_TERM.fullmatch(part.strip()) for part in order_parts(text))
    return tuple(
        WrittenTerm(
            match["expression"].strip(), (match["direction"] or "").lower() == "desc", (match["nulls"] or "").lower()
        )
        for match in matches
        if match is not None
    )


def order_parts(text: str) -> Iterator[str]:
    """Yield the texts between the commas of an order that separate its terms; empty ones too."""
    depth, start = 0, 0
    for word in words(text):
        depth += (word.text in ("(", "[")) - (word.text in (")", "]"))
        if word.text == "," and depth == 0:
            yield text[start : word.offset]
            start = word.offset + 1
    yield text[start:]

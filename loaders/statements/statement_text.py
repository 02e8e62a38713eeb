"""The text of a statement, written once for all requests of the same shapes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from loaders.model.databases import Database
from loaders.model.keys import Key
from loaders.statements.parameters import Parameter
from loaders.statements.row_sources import NeededRelation, StatementRules


class Alignment(Enum):
    """How a row of an answer says which key it belongs to."""

    KEY = auto()
    """By the columns of the key, which come first."""
    PLACE = auto()
    """By the place of the key among those that were asked, from 0, which comes first."""
    NONE = auto()
    """No column: the key is empty, and all rows belong to it."""


@dataclass(frozen=True, slots=True)
class AnswerColumns:
    """The place of one request's values in an answer: `width` columns from `start` on.

    The column `marker`, where there is one, says whether the key has a row. A list that `is_gathered` is one column of
    arrays of rows; otherwise each row of the answer is one of its rows.
    """

    start: int
    width: int
    marker: int | None = None
    is_gathered: bool = False


@dataclass(frozen=True, slots=True)
class StatementText:
    """SQL of one statement, and how its answer is read. Requests are known by their places among the shapes."""

    database: Database
    key: Key
    sql: str
    parameters: tuple[Parameter, ...]
    needed: tuple[NeededRelation, ...]
    rules: StatementRules
    order: tuple[int, ...]
    """The places of the requests in the order of their columns in the answer."""
    passes: tuple[tuple[int, ...], ...]
    """The places of the requests that are answered from one pass over rows each."""
    columns: tuple[AnswerColumns, ...]
    """The columns of each request, in the order of `order`."""
    alignment: Alignment
    names: tuple[str, ...]
    """The names of the answer's columns."""


def alignment_of(rules: StatementRules) -> Alignment:
    """Return how rows that begin with the key say whose they are."""
    return Alignment.KEY if rules.key.columns else Alignment.NONE

"""The findings of the proofs of both databases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loaders.model.databases import Table


@dataclass(frozen=True, slots=True)
class Unproven:
    """A table that no condition narrows to the tenant, or something that the model does not declare.

    `table` is the declared table, None where there is none. `advice` says why nothing is known of what is read, and
    what to do; empty where it is a table that is to be declared.
    """

    relation: str
    table: Table | None
    advice: str = ""

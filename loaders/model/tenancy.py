"""How the tables of a model say whose rows they hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from loaders.model.databases import Table
from loaders.model.scalars import TEXT, Scalar


@dataclass(frozen=True, slots=True)
class Tenancy:
    """The column and scalar that tables have the tenant in unless they say otherwise; no column without tenants.

    `keys` are the key columns of the tables of object types: children say their tenant by them.
    """

    column: str = ""
    scalar: Scalar = TEXT
    keys: Mapping[Table, tuple[str, ...]] = field(default_factory=dict)

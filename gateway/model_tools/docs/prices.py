"""Prices of fields in points, each alone, with nothing cached."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.model_tools.docs.blocks import Text
from gateway.model_tools.docs.sources import CACHED_HEAD, freshness_text
from loaders.statements.cost import Points, load_cost
from resolvers.input_types import FIRST

if TYPE_CHECKING:
    from loaders.model.bound_sections import BoundSection
    from resolvers.schema_parts import SchemaParts

LOAD_HEAD = ("field", "statements", "points", CACHED_HEAD)


def load_row(parts: SchemaParts, name: Text, section: BoundSection) -> tuple[Text, ...]:
    """Return a row of a table with LOAD_HEAD: what a field with default arguments takes alone."""
    cost = load_cost([parts.arguments.request(section, {FIRST: section.first} if section.first else {})])
    points = _points(cost.points) if section.key_columns else f"{cost.points.total(1):,g}"
    return (name, (f"{cost.statements}",), (points,), (freshness_text(section.freshness),))


def _points(points: Points) -> str:
    fixed, each = round(points.fixed, 1), round(points.each, 2)
    parts = [f"{fixed:,g}" if fixed else "", f"{each:,g} an object" if each else ""]
    return " + ".join(filter(None, parts)) or "0"

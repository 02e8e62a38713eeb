"""Where the values of a model come from, as texts: databases, tables, columns and SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gateway.model_tools.docs.blocks import Code, Text, joined
from gateway.model_tools.docs.uses import uses
from loaders.model.arguments import Argument, Pick
from loaders.model.databases import STORE_NAMES, Everyones, Relation, Rows, Table, Value, Via
from loaders.model.references import FilterValue, Fragment, OwnField, Reference

if TYPE_CHECKING:
    from loaders.model.bound_sections import BoundSection
    from loaders.model.databases import Database, Freshness
    from loaders.model.model import Model

CACHED_HEAD = "cached: fresh / reloading / failing"
_UNITS = (("day", 86_400), ("hour", 3_600), ("min", 60))


@dataclass(frozen=True, slots=True)
class Sources:
    """Names what sections read. Relations have no names, and are numbered in the order met."""

    numbers: Mapping[Relation, int] = field(default_factory=dict)

    @classmethod
    def of(cls, model: Model) -> Sources:
        """Return the sources of a model."""
        relations: dict[Relation, int] = {}
        for use in uses(model):
            for relation in _relations(use.field.option("relation") or use.section.over):
                relations.setdefault(relation, len(relations) + 1)
        return cls(relations)

    def name(self, source: Table | Relation) -> str:
        """Return the name of a table or a relation."""
        return source.name if isinstance(source, Table) else f"relation {self.numbers.get(source, '')}".rstrip()

    def sql(self, fragment: Fragment) -> str:
        """Return SQL with references in braces, as a reader of the page finds them explained."""
        return "".join(part if isinstance(part, str) else f"{{{self._reference(part)}}}" for part in fragment.parts)

    def _reference(self, reference: Reference) -> str:
        if isinstance(reference, Rows):
            name = reference.table.name
            return name if reference.column is None else f"{name} by {reference.column}"
        if isinstance(reference, Relation):
            return self.name(reference)
        if isinstance(reference, Value):
            return f"{reference.table.name}.{reference.column} of the tenant"
        if isinstance(reference, Argument | OwnField):
            return reference.name
        if isinstance(reference, Pick):
            choices = (f"{name}: {self.sql(sql)}" for name, sql in reference.fragments.items())
            return f"{reference.argument.name} = {', '.join(choices)}"
        return "value" if isinstance(reference, FilterValue) else ""

    def rows(self, section: BoundSection) -> Text:
        """Return which rows a section reads."""
        keys = joined(Code(column) for column in section.key_columns)
        text: Text = (Code(self.name(section.over)), *((" by ", *keys) if keys else ()))
        condition = self.sql(section.where)
        return (*text, " where ", Code(condition)) if condition else text


def database_name(database: Database) -> str:
    """Return a database's kind and name, as `/readyz` shows them."""
    return f"{STORE_NAMES[database.kind]} {database.name}".rstrip()


def tenant_text(table: Table, model: Model) -> Text:
    """Return where a row's tenant stands; empty for a model without tenants."""
    if model.tenant is None:
        return ()
    tenant = table.options.tenant
    if isinstance(tenant, Everyones):
        return ("the same rows for every tenant",)
    if isinstance(tenant, Via):
        return (Code(tenant.column), " of ", Code(tenant.parent.name))
    return (Code(tenant or model.tenant.column),)


def freshness_text(freshness: Freshness | None) -> str:
    """Return how long an answer is served from the cache."""
    if freshness is None:
        return "not cached"
    seconds = (freshness.fresh_s, freshness.stale_while_revalidate_s, freshness.stale_if_error_s)
    return " / ".join(map(_duration, seconds))


def _duration(seconds: int) -> str:
    for name, size in _UNITS:
        if seconds >= size and seconds % size == 0:
            count = seconds // size
            return f"{count:,} {name}{'s' if count > 1 and name != 'min' else ''}"
    return f"{seconds:,} s"


def zone_text(table: Table) -> Text:
    """Return the time zone of a table's periods; empty where its time column holds calendar dates."""
    zone: Any = table.options.zone
    if isinstance(zone, Value):
        return (Code(f"{zone.table.name}.{zone.column}"), " of the tenant")
    return (zone,) if zone else ()


def _relations(source: Table | Relation) -> Iterator[Relation]:
    """Yield a relation and those in its SQL, each before those that it names."""
    waiting, seen = [source], set[Relation]()
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, Relation) and each not in seen:
            seen.add(each)
            yield each
            waiting += [below for below in each.fragment.references() if isinstance(below, Relation)]

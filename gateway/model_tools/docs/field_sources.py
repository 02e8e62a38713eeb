"""Where each field of a model comes from, as a text: by the word that declares it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from gateway.model_tools.docs.blocks import Code, Text, joined
from loaders.model.names import column_names
from loaders.model.references import Fragment

if TYPE_CHECKING:
    from gateway.model_tools.docs.sources import Sources
    from gateway.model_tools.docs.uses import Use
    from loaders.model.class_reader import DeclaredField
    from loaders.model.model import Model
    from loaders.model.order_terms import OrderTerm
    from loaders.model.resolver_functions import ResolverFunction

_QUOTED = re.compile(r"""^["`{]([a-z_][a-z0-9_]*)["`}]$""")
_COMPARISONS = {
    "equals": "equals",
    "one_of": "is one of these",
    "between": "lies between these",
    "at_least": "is at least this",
    "at_most": "is at most this",
    "less_than": "is less than this",
    "prefix": "begins with this",
    "present": "is not null (true) or is null (false)",
    "contains": "has this among its values",
}


def function_name(function: ResolverFunction) -> str:
    """Return the name of a function of the model, with its module."""
    name = getattr(function.function, "__qualname__", type(function.function).__qualname__)
    return f"{function.function.__module__}.{name}"


class FieldSources:
    """Says where fields come from."""

    def __init__(self, model: Model, sources: Sources, uses: Mapping[str, Use]) -> None:
        self._model = model
        self._sources = sources
        self._uses = uses

    def of_object_field(self, path: str, field: DeclaredField) -> Text:
        """Return where a field of an object or a group comes from, by its path, such as `Customer.usage.byMonth`."""
        if (use := self._uses.get(path)) is not None:
            return self._of_use(use)
        if field.subject in self._model.functions:
            return self._function(field)
        if field.is_computed:
            return _computed(field)
        columns = joined(Code(name) for name in column_names(field.column_text))
        return ("key in ", *columns) if field.word_name == "one" else columns if field.is_own_column else ()

    def _of_use(self, use: Use) -> Text:
        field, section = use.field, use.section
        if field.word_name == "through":
            name = self._sources.name(field.option("relation"))
            rows: Text = (Code(name), " by ", Code(field.option("mine")), " to ", Code(field.option("theirs")))
        else:
            rows = self._sources.rows(section)
        if field.word_name == "one":
            return ("key in ", self._sql(field.option("column")), " over ", *rows)
        if section.picked_order is not None:
            return (*rows, ", order by ", Code(section.picked_order.argument.name))
        order = ", ".join(map(self._term, section.default_order))
        return (*rows, ", order ", Code(order)) if order else rows

    def _term(self, term: OrderTerm) -> str:
        direction = " desc" if term.is_descending else ""
        expression = _QUOTED.sub(r"\1", self._sources.sql(term.expression))
        return f"{expression}{direction}{' nulls first' if term.nulls_first else ''}"

    def _function(self, field: DeclaredField) -> Text:
        function = self._model.functions[field.subject]
        points = f", {function.points:,g} points an object"
        taken = joined(Code(column) for column in function.columns)
        return (Code(function_name(function)), *((" of ", *taken) if taken else ()), points)

    def of_section_field(self, field: DeclaredField) -> Text:
        """Return where a field of a section comes from: SQL over its rows."""
        option = field.option
        if field.is_computed:
            return _computed(field)
        if field.word_name == "ratio":
            return (self._sql(option("part")), " over ", self._sql(option("whole")))
        if field.word_name == "percentile":
            return (f"percentile {option('level'):g} of ", self._sql(option("expression")))
        if field.word_name == "group_by":
            return ("each ", self._sql(option("expression")))
        if field.word_name == "one":
            return ("key in ", self._sql(option("column")))
        return (self._sql(option("expression")),) if field.word_name == "sql" else ()

    def of_condition(self, field: DeclaredField) -> Text:
        """Return the condition that a field of a filter is."""
        if field.word_name == "where":
            return (self._sql(field.option("sql")),)
        columns = joined(Code(name) for name in column_names(field.column_text))
        return (*columns, f" {_COMPARISONS[field.word_name]}")

    def of_order_member(self, field: DeclaredField) -> Text:
        """Return what a member of an order orders by, and where nulls stand."""
        direction = ", descending by default" if field.option("descending") else ""
        nulls = {"first": ", nulls first", "last": "", "never": ", never null"}[field.option("nulls")]
        text: Text = (self._sql(field.option("expression")),)
        return (*text, f"{direction}{nulls}") if direction or nulls else text

    def _sql(self, sql: str) -> Code:
        return Code(self._sources.sql(Fragment.of(sql)))


def _computed(field: DeclaredField) -> Text:
    function = field.option("function")
    columns = joined(Code(name) for name in inspect.signature(function).parameters)
    return (Code(getattr(function, "__qualname__", "")), " of ", *columns)

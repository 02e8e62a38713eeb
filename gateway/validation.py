"""Validation of documents, within a bound on what compares their fields with each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphql import (
    NoSchemaIntrospectionCustomRule,
    OverlappingFieldsCanBeMergedRule,
    specified_rules,
    validate,
)

from gateway.limits import exceeded

if TYPE_CHECKING:
    from graphql import DocumentNode, GraphQLError, GraphQLSchema, ValidationContext

MAX_ERRORS = 5
"""Maximum validation errors, after which validation stops: more are of little use, and each takes time to find."""
_UNITS_A_COMPARISON = 2
"""Units that graphql-core counts for one comparison of two fields; it counts smaller steps too."""
_COMPARISONS_A_POINT = 10


@dataclass(slots=True)
class ComparisonMeter:
    """Comparisons of fields that the documents of one request may still take, and how many they took.

    Whether fields of the same response name can be merged takes a comparison of every two of them, and of all below
    them: the only rule of validation that is not about linear in the document.
    """

    max_comparisons: int
    comparisons: int = 0

    @property
    def points(self) -> int:
        """The price of what was compared: three microseconds where fields have fields, a tenth of that for leaves."""
        return self.comparisons // _COMPARISONS_A_POINT


class Validator:
    """Validates documents of one schema."""

    def __init__(self, schema: GraphQLSchema, *, introspection: bool, suggestions: bool) -> None:
        self._schema = schema
        self._rules = [*specified_rules, *([] if introspection else [NoSchemaIntrospectionCustomRule])]
        self._place = self._rules.index(OverlappingFieldsCanBeMergedRule)
        self._hide_suggestions = not suggestions

    def errors(self, node: DocumentNode, meter: ComparisonMeter | None = None) -> list[GraphQLError]:
        """Return the errors of the document. Raises RequestError if that takes more comparisons than are left."""
        if meter is None:
            return validate(self._schema, node, self._rules, MAX_ERRORS, self._hide_suggestions)
        budget = _UNITS_A_COMPARISON * (meter.max_comparisons - meter.comparisons)
        metered: list[OverlappingFieldsCanBeMergedRule] = []

        def overlapping_fields(context: ValidationContext) -> OverlappingFieldsCanBeMergedRule:
            rule = OverlappingFieldsCanBeMergedRule(context)
            rule.rule_context.remaining_complexity_budget = budget
            metered.append(rule)
            return rule

        rules: list[Any] = [*self._rules]
        rules[self._place] = overlapping_fields
        errors = validate(self._schema, node, rules, MAX_ERRORS, self._hide_suggestions)
        left = metered[0].rule_context.remaining_complexity_budget
        meter.comparisons += (budget - max(left, 0)) // _UNITS_A_COMPARISON
        if left < 0:
            maximum = meter.max_comparisons
            raise exceeded("comparisons", maximum, maximum + 1, unit="comparisons of fields with the same name")
        return errors

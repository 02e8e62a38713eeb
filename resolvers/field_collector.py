"""Collects the fields of an operation's selection sets that a request may read.

Fragments, merged fields, aliases, @skip and @include are graphql-core's work: this module only asks it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from graphql import GraphQLNonNull, GraphQLObjectType, OperationType, get_named_type
from graphql.execution.collect_fields import (
    FieldDetailsList,
    FragmentDetails,
    GroupedFieldSet,
    collect_fields,
    collect_subfields,
)
from graphql.execution.values import get_argument_values

from resolvers.scopes import missing_scope

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from graphql import FragmentDefinitionNode, GraphQLField, GraphQLSchema, OperationDefinitionNode
    from graphql.execution.values import VariableValues


class FieldCollector:
    """Collects the fields of one operation for one set of scopes; `may_read_all` says that these are all there are."""

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: VariableValues,
        scopes: frozenset[str],
        *,
        may_read_all: bool,
    ) -> None:
        self._schema = schema
        self._operation = operation
        self._fragments = {name: FragmentDetails(fragment) for name, fragment in fragments.items()}
        self._variables = variables
        self.scopes = scopes
        self._may_read_all = may_read_all
        self._known: dict[tuple[str, int], tuple[FieldDetailsList, GroupedFieldSet, int]] = {}
        self._is_refused = False
        """Whether a non-null field was met that may not be read."""
        self.fields_read = 0
        """Fields that were collected: what is cached of an operation is not read again."""

    def root_fields(self) -> GroupedFieldSet:
        """Return the operation's own fields, by their names in the answer."""
        declared = cast("GraphQLObjectType", self._schema.get_root_type(self._operation.operation))
        fields = collect_fields(
            self._schema, self._fragments, self._variables, declared, self._operation
        ).grouped_field_set
        self.fields_read += len(fields)
        return fields

    @property
    def is_mutation(self) -> bool:
        """Whether the operation is a mutation."""
        return self._operation.operation is OperationType.MUTATION

    def arguments(self, parent: GraphQLObjectType, group: FieldDetailsList) -> dict[str, Any]:
        """Return the coerced arguments of a field. Raises GraphQLError for an invalid one."""
        return self.arguments_of(parent.fields[group[0].node.name.value], group)

    def arguments_of(self, field: GraphQLField, group: FieldDetailsList) -> dict[str, Any]:
        """Return the coerced arguments of a field with this declaration. Raises GraphQLError for an invalid one."""
        return get_argument_values(field, group[0].node, self._variables)

    def names(self, declared: Any, group: FieldDetailsList) -> list[str]:
        """Return the names of the fields that are selected of an object, each as often as the answer has it."""
        return [fields[0].node.name.value for fields in self._fields(get_named_type(declared), group).values()]

    def descend(self, fields: FieldDetailsList, declared: Any, path: tuple[str, ...]) -> Iterator[FieldDetailsList]:
        """Yield the fields at a path of field names; aliases apart, since each has its own arguments below."""
        if not path:
            yield fields
            return
        name, *rest = path
        for group in self._fields(declared, fields).values():
            if group[0].node.name.value == name:
                yield from self.descend(group, get_named_type(declared.fields[name].type), tuple(rest))

    def subfields(self, parent: GraphQLObjectType, group: FieldDetailsList) -> tuple[GroupedFieldSet, int]:
        """Return the fields of an object that may be read, the same ones each time, and how many may not."""
        key = (parent.name, id(group))
        if key not in self._known:
            collected = collect_subfields(
                self._schema, self._fragments, self._variables, self._operation, parent, group
            ).grouped_field_set
            allowed = collected
            if not self._may_read_all:
                allowed = {name: below for name, below in collected.items() if self._may_read(parent, below)}
                denied = (parent.fields[collected[name][0].node.name.value] for name in collected.keys() - allowed)
                self._is_refused |= any(isinstance(field.type, GraphQLNonNull) for field in denied)
            self.fields_read += len(collected)
            # The group is kept with what it has, so that its id stays its own.
            self._known[key] = (group, allowed, len(collected) - len(allowed))
        return self._known[key][1:]

    def _fields(self, parent: GraphQLObjectType, group: FieldDetailsList) -> GroupedFieldSet:
        return self.subfields(parent, group)[0]

    def _may_read(self, parent: GraphQLObjectType, group: FieldDetailsList) -> bool:
        field = parent.fields.get(group[0].node.name.value)
        return field is None or not missing_scope(field, self.scopes)

    def _type(self, name: str) -> GraphQLObjectType:
        return cast("GraphQLObjectType", self._schema.type_map[name])

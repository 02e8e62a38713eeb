"""Operations that are refused before anything is executed: those with a non-null field that lacks its scope."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_named_type,
    get_operation_ast,
    is_abstract_type,
    print_ast,
)
from graphql.execution.collect_fields import FragmentDetails, GroupedFieldSet, collect_fields, collect_subfields
from graphql.execution.values import VariableValues, get_variable_values
from strawberry.extensions import SchemaExtension

from resolvers.scopes import ForbiddenError, missing_scope


class RefuseForbidden(SchemaExtension):
    """Refuses operations as validation does, after it, for the scopes of the request's context."""

    def on_validate(self) -> Iterator[None]:
        """Check a valid document, unless the request has all scopes."""
        asked = self.execution_context
        scopes: frozenset[str] = getattr(asked.context, "scopes", frozenset())
        needed: frozenset[str] | None = getattr(asked.schema, "field_scopes", None)
        has_all = needed is not None and scopes >= needed
        if not has_all and asked.pre_execution_errors == [] and asked.graphql_document is not None:
            core: GraphQLSchema = asked.schema._schema
            variables = asked.variables or {}
            asked.pre_execution_errors = forbidden(
                core, asked.graphql_document, asked.operation_name, variables, scopes
            )
        yield


def forbidden(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation_name: str | None,
    variables: Mapping[str, Any],
    scopes: frozenset[str],
) -> list[GraphQLError]:
    """Return an error for each non-null field that is selected without its scope, in order; `[]` if there is none.

    Such a field could only be null together with its parent. Skipped fields are not selected. Operations that cannot be
    executed for other reasons have no errors here.
    """
    operation = get_operation_ast(document, operation_name)
    values = None if operation is None else _of_directives(schema, operation, variables)
    if operation is None or values is None:
        return []
    fragments = [item for item in document.definitions if isinstance(item, FragmentDefinitionNode)]
    details = {item.name.value: FragmentDetails(item) for item in fragments}
    return list(_Walk(schema, operation, details, values, scopes).errors().values())


def _of_directives(
    schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> VariableValues | None:
    """Return the variables that `@skip` and `@include` can take, and no others, which may be thousands of ids."""
    defined = operation.variable_definitions or ()
    booleans = [item for item in defined if print_ast(item.type) in ("Boolean", "Boolean!")]
    values = get_variable_values(schema, booleans, dict(variables))
    return values if isinstance(values, VariableValues) else None


class _Walk:
    """Goes over all that an operation selects, of each type that it may turn out to be."""

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: dict[str, FragmentDetails],
        values: VariableValues,
        scopes: frozenset[str],
    ) -> None:
        self._schema = schema
        self._operation = operation
        self._fragments = fragments
        self._values = values
        self._scopes = scopes
        self._found: dict[tuple[str, str], GraphQLError] = {}

    def errors(self) -> dict[tuple[str, str], GraphQLError]:
        """Return the errors by type and field."""
        root = self._schema.get_root_type(self._operation.operation)
        if root is not None:
            collected = collect_fields(self._schema, self._fragments, self._values, root, self._operation)
            self._look(root, collected.grouped_field_set)
        return self._found

    def _look(self, parent: GraphQLObjectType, groups: GroupedFieldSet) -> None:
        for group in groups.values():
            name = group[0].node.name.value
            field = parent.fields.get(name)
            if field is None:
                continue  # __typename and introspection
            scopes = missing_scope(field, self._scopes)
            if not scopes:
                for kind in self._kinds(get_named_type(field.type)):
                    below = collect_subfields(self._schema, self._fragments, self._values, self._operation, kind, group)
                    self._look(kind, below.grouped_field_set)
            elif isinstance(field.type, GraphQLNonNull):
                error = ForbiddenError(name, *scopes)
                nodes = [item.node for item in group]
                self._found.setdefault((parent.name, name), GraphQLError(str(error), nodes, original_error=error))

    def _kinds(self, declared: GraphQLNamedType) -> Sequence[GraphQLObjectType]:
        if is_abstract_type(declared):
            return self._schema.get_possible_types(declared)
        return [declared] if isinstance(declared, GraphQLObjectType) else []

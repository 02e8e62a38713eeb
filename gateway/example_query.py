"""The query that people begin with: the model's own example, or one that is made from its schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import GraphQLField, GraphQLNonNull, GraphQLObjectType, get_named_type, is_leaf_type

from resolvers.roots import RootKind

if TYPE_CHECKING:
    from gateway.schema import GatewaySchema
    from loaders.model.model import Model

_MAX_LEAVES = 5


def example_query(model: Model, schema: GatewaySchema) -> str:
    """Return the first of the model's example documents; else a query of a few objects and their own columns.

    It is empty where no object can be asked for without naming its key.
    """
    if model.examples:
        return model.examples[0].read_text()
    query = schema._schema.query_type
    roots = schema.types.roots.values() if schema.types is not None else ()
    for kind in (RootKind.PAGE, RootKind.CURRENT):
        for root in roots:
            field = query.fields[root.name] if query is not None and root.kind is kind else None
            if field is not None and not _requires_arguments(field):
                return _text(schema, root.name, root.object_type, is_page=kind is RootKind.PAGE)
    return ""


def _text(schema: GatewaySchema, root: str, type_name: str, *, is_page: bool) -> str:
    declared = schema._schema.type_map[type_name]
    fields = declared.fields.items() if isinstance(declared, GraphQLObjectType) else ()
    leaves = [name for name, field in fields if _is_plain(field)][:_MAX_LEAVES]
    own = f"{{ {' '.join(leaves)} }}"
    return f"{{\n  {root}(first: 3) {{\n    nodes {own}\n  }}\n}}\n" if is_page else f"{{\n  {root} {own}\n}}\n"


def _is_plain(field: GraphQLField) -> bool:
    is_leaf = is_leaf_type(get_named_type(field.type))
    return is_leaf and not _requires_arguments(field) and field.deprecation_reason is None


def _requires_arguments(field: GraphQLField) -> bool:
    return any(isinstance(each.type, GraphQLNonNull) for each in field.args.values())

"""Checks of a model that need no database. Each notes what is wrong and goes on."""

from __future__ import annotations

from loaders.model.checks.arguments import check_arguments
from loaders.model.checks.calls import check_calls
from loaders.model.checks.columns import check_columns
from loaders.model.checks.declarations import check_declaration
from loaders.model.checks.duplicates import check_duplicates
from loaders.model.checks.fields import check_fields
from loaders.model.checks.fragments import check_fragments
from loaders.model.checks.function_calls import check_functions
from loaders.model.checks.list_types import check_list_types
from loaders.model.checks.lists import check_lists
from loaders.model.checks.names import check_names
from loaders.model.checks.objects import check_objects
from loaders.model.checks.orders import check_orders
from loaders.model.checks.roots import check_roots
from loaders.model.checks.sources import check_sources
from loaders.model.checks.tables import check_tables
from loaders.model.checks.tenant_types import check_tenant_types

CHECKS = (
    check_calls,
    check_declaration,
    check_sources,
    check_duplicates,
    check_names,
    check_tables,
    check_fields,
    check_objects,
    check_columns,
    check_lists,
    check_orders,
    check_list_types,
    check_arguments,
    check_fragments,
    check_functions,
    check_roots,
    check_tenant_types,
)
"""All checks, in the order that they run; the order of messages is that of files and lines."""

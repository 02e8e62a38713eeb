"""Generated tests of a model: `from fuseway.testing.checks import *` in a file of tests runs them all."""

from fuseway.testing.checks.pages import test_filters_agree_with_python, test_pages_join_into_the_list
from fuseway.testing.checks.scopes import (
    test_every_field_needs_a_scope,
    test_scope_alone_opens_nothing_else,
    test_scope_closes_what_needs_it,
)
from fuseway.testing.checks.sections import test_sections_agree_with_themselves
from fuseway.testing.checks.tenants import test_cursors_belong_to_a_tenant, test_tenants_do_not_see_each_other

__all__ = [
    "test_cursors_belong_to_a_tenant",
    "test_every_field_needs_a_scope",
    "test_filters_agree_with_python",
    "test_pages_join_into_the_list",
    "test_scope_alone_opens_nothing_else",
    "test_scope_closes_what_needs_it",
    "test_sections_agree_with_themselves",
    "test_tenants_do_not_see_each_other",
]

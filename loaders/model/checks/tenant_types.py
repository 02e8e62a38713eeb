"""Types of tenants: columns that hold the tenant have the type that the model's tenant has."""

from __future__ import annotations

from loaders.model.class_reader import DeclaredField
from loaders.model.classes import Object, Query, options_of
from loaders.model.databases import Table, Tenant
from loaders.model.declaration import ModelDeclaration, ModelParts
from loaders.model.names import columns_in
from loaders.model.problems import Problems
from loaders.model.scalars import Scalar
from loaders.model.shapes import scalar_of


def check_tenant_types(model: ModelDeclaration, parts: ModelParts, problems: Problems) -> None:
    """Check declared columns of tenants, and that the tenant's own object is known by the tenant."""
    tenant = model.tenant
    scalar = scalar_of(tenant.type) if isinstance(tenant, Tenant) and isinstance(tenant.type, type) else None
    if not isinstance(tenant, Tenant) or scalar is None:
        return
    for cls in parts.classes(Object):
        table = options_of(cls).get("table")
        for declared in parts.fields[cls]:
            if isinstance(table, Table) and _is_tenant(declared, table, tenant):
                _check_type(declared, scalar, problems)
    for root in (field for cls in parts.classes(Query) for field in parts.fields[cls]):
        if root.word_name == "current" and root.shape is not None:
            _check_current(root, root.shape.type, tenant, parts, problems)


def _is_tenant(declared: DeclaredField, table: Table, tenant: Tenant) -> bool:
    said = table.options.tenant
    column = said if isinstance(said, str) else tenant.column if said is None else None
    return declared.is_own_column and column is not None and columns_in(declared.column_text) == columns_in(column)


def _check_type(declared: DeclaredField, scalar: Scalar, problems: Problems) -> None:
    own = declared.shape.scalar if declared.shape is not None else None
    if own is not None and own.name != scalar.name:
        message = f"holds the tenant, whose type is {scalar.name}, and is {own.name}: say m.Tenant(…, type=…)."
        problems.add(declared.place, declared.subject, message)


def _check_current(root: DeclaredField, cls: type, tenant: Tenant, parts: ModelParts, problems: Problems) -> None:
    table = options_of(cls).get("table") if issubclass(cls, Object) else None
    keys = [field for field in parts.fields.get(cls, ()) if field.is_key]
    if isinstance(table, Table) and keys and not (len(keys) == 1 and _is_tenant(keys[0], table, tenant)):
        column = keys[0].column_text.strip('"')
        message = (
            f"m.current() is the tenant's own object, and {cls.__name__} is not known by its tenant: say"
            f' tenant="{column}" on its table, the column of its only m.key(), or use m.by_key().'
        )
        problems.add(root.place, root.subject, message)

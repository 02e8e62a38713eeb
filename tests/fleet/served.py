"""The sample fleet as it is served: its model, its schema, its scopes, and contexts over stores of the test's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from deploy import SAMPLE_MODEL
from gateway.auth.model_access import ModelAccess
from gateway.auth.viewer import anonymous
from gateway.schema import build_schema
from loaders.model.databases import Kind
from loaders.objects.object_statements import ObjectStatements
from loaders.objects.request_loaders import RequestLoaders
from loaders.objects.schema_faults import SchemaFaults
from loaders.statements.parameters import StatementScope
from loaders.statements.section_request import SectionRequest, section_request
from resolvers.request_context import RequestContext
from resolvers.scopes import Scope
from tests.models import loaded_model

if TYPE_CHECKING:
    from gateway.auth.viewer import Viewer

MODEL = loaded_model(SAMPLE_MODEL)
SCHEMA = build_schema(MODEL)
REGISTER, ANALYSIS = "register:read", "analysis:read"
READ_SCOPES = (REGISTER, ANALYSIS)
ALL_SCOPES: frozenset[str] = frozenset({*READ_SCOPES, *(scope.value for scope in Scope)})


def loaders_over(postgres: Any, clickhouse: Any, cache: Any = None) -> RequestLoaders:
    """Return new loaders over these stores."""
    stores = {Kind.POSTGRES: postgres, Kind.CLICKHOUSE: clickhouse}
    return RequestLoaders.over(MODEL, {database: stores[database.kind] for database in MODEL.databases}, cache)


def context_over(
    postgres: Any, clickhouse: Any, cache: Any = None, scopes: frozenset[str] = ALL_SCOPES, **options: Any
) -> RequestContext:
    """Return a new request's context over these stores."""
    return RequestContext(loaders_over(postgres, clickhouse, cache), scopes, **options)


FLEET_ACCESS = ModelAccess.of(MODEL)
ANONYMOUS = cast("Viewer", anonymous("all", FLEET_ACCESS))
"""The viewer without a credential where all scopes are open."""


def request(name: str, **options: Any) -> SectionRequest:
    """Return a request of a section of aircraft by its name, such as `analysis.punctuality`."""
    return section_request(MODEL.bound_sections[f"Aircraft.{name}"], **options)


async def load_sections(
    postgres: Any, clickhouse: Any, ids: Sequence[str], requests: Sequence[SectionRequest]
) -> dict[SectionRequest, Any]:
    """Return the values of sections of aircraft, or the errors that kept them from being loaded."""
    stores = {Kind.POSTGRES: postgres, Kind.CLICKHOUSE: clickhouse}
    databases = {database: stores[database.kind] for database in MODEL.databases}
    statements = ObjectStatements(databases, SchemaFaults(databases))
    loaded = await statements.load(dict.fromkeys(requests, ids), StatementScope((), None))
    return {each: values for each, (_, values) in loaded.items()}

"""The application: what answers on which path."""

import gc
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from gateway import export_endpoint, graphiql, health
from gateway.admission.admission import Admission
from gateway.auth.authentication import Authenticator, Policy, viewer_of
from gateway.graphiql.examples import examples_of
from gateway.http.admission import AdmissionMiddleware
from gateway.http.application import Application
from gateway.http.cors_settings import ALL, parse_headers, parse_origins
from gateway.http.endpoint import GraphQLEndpoint
from gateway.http.hang_up import HangUpMiddleware
from gateway.http.hosts import AllowedHostsMiddleware, parse_allowed_hosts
from gateway.http.origins import origin_middleware
from gateway.http.paths import CanonicalPathsMiddleware, parse_root_path
from gateway.http.request_deadline import RequestDeadlineMiddleware
from gateway.http.request_parser import BodyTimeoutMiddleware
from gateway.http.response_cache import ResponseCache, ResponseCacheMiddleware
from gateway.http.security_headers import NoSniffMiddleware
from gateway.limits import Limits
from gateway.observability import status_page
from gateway.observability.line_limit import limit_lines
from gateway.observability.log_setup import configure_logging
from gateway.observability.observation_middleware import ObservationMiddleware
from gateway.observability.operation_names import OperationNames, SharedNames
from gateway.observability.recent_scrapes import all_workers
from gateway.observability.request_log import RequestLog
from gateway.observability.sampling import Sampler, sampled, set_build_info
from gateway.observability.slot_files import current_slot, open_slot_files
from gateway.observability.trace_settings import open_tracing, traces_endpoint
from gateway.observability.tracing_middleware import TracingMiddleware
from gateway.persisted import Persisted
from gateway.rate_limit import RateLimit
from gateway.schema import GatewaySchema, build_schema
from gateway.served_model import load_served_model
from gateway.server import stop_with_parent
from gateway.settings import Settings
from gateway.stores import Stores, open_cached_stores
from gateway.trusted_proxies import TrustedProxies, TrustedProxiesMiddleware
from gateway.warm import kept_warm
from loaders.model.model import Model
from loaders.stores.slow_statements import SLOW_STATEMENTS
from resolvers import operations

if TYPE_CHECKING:
    from gateway.observability.tracing import Tracing

GRAPHQL_PATH = "/graphql"

_REQUESTS_PER_CONNECTION = 4
"""Requests that may be under way for each connection to a store: most of them wait for the other store, or for the
event loop, and more would only wait for a connection."""

_THREAD_SWITCH_S = 0.0005
"""Maximum time for which a thread that decodes a store's answer may keep the interpreter from the event loop. At
Python's default of 5 ms, each step of a small request waits that long while a large answer is decoded."""

_COLLECT_EVERY = 20_000
"""Allocations between two runs of the garbage collector. A large answer is millions of rows without a cycle: at
Python's 700, the collector walks all of them again and again, and holds up everything for seconds. At ten times as
many as these, one run over the new rows holds it up for 50 ms."""


def create_app() -> Starlette:
    """Return the application of a worker process, with the settings of its environment."""
    settings = Settings.from_environment()
    configure_logging(settings.log_level, settings.log_format)
    stop_with_parent()
    sys.setswitchinterval(_THREAD_SWITCH_S)
    app = build_app(settings, load_served_model(settings))
    gc.collect()
    gc.freeze()  # the schema and all else that lives as long as the process need not be looked at again
    gc.set_threshold(_COLLECT_EVERY, 100, 20)
    return app


def schema_of(settings: Settings, model: Model) -> GatewaySchema:
    """Build the schema of a model as these settings have it."""
    return build_schema(
        model,
        introspection=settings.introspection,
        suggestions=settings.suggestions,
        cursor_secret=settings.cursor_secret,
    )


def build_app(settings: Settings, model: Model, schema: GatewaySchema | None = None) -> Starlette:
    """The application with these settings for a model, over its schema, which is built where it is left out.

    Its stores are opened when it starts and closed when it stops.
    """
    persisted = Persisted.of(settings)
    rate_limit = RateLimit(settings.rate_cost_per_minute)
    admission = _admission(settings)
    policy = Policy.of(settings, model)
    schema = schema or schema_of(settings, model)
    limit_lines(SLOW_STATEMENTS, settings.log_lines_per_s)
    tracing = open_tracing(settings)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        timeout_s = settings.cache_timeout_s
        async with (
            _closing(tracing),
            open_cached_stores(settings, model, must_answer=False) as stores,
            persisted.over(stores.redis, timeout_s=timeout_s),
            rate_limit.over(stores.redis, timeout_s=timeout_s),
        ):
            app.state.stores = stores
            app.authenticator = Authenticator(policy, stores)
            if stores.cache is not None:
                app.response_cache = ResponseCache(stores.cache, settings.response_cache_mib << 20)
            async with (
                kept_warm(stores, schema, settings, admission.background),
                _sampled(settings, app, schema, stores),
            ):
                yield

    middleware = [*_observing(settings, persisted), *_middleware(settings, model, admission, tracing)]
    app = Application(_routes(settings, schema, persisted, rate_limit), middleware, lifespan)
    app.admission = admission
    app.router.redirect_slashes = False  # it redirects to absolute URLs, of the host and scheme behind the proxy
    return app


@asynccontextmanager
async def _closing(tracing: "Tracing | None") -> AsyncIterator[None]:
    """Export the last spans at the end of the block, however it ends."""
    try:
        yield
    finally:
        if tracing is not None:
            await tracing.close()


def _admission(settings: Settings) -> Admission:
    return Admission(
        max_wait_s=settings.queue_timeout_s,
        max_under_way=_REQUESTS_PER_CONNECTION * (settings.postgres_connections + settings.clickhouse_connections),
        max_response_bytes=settings.max_response_mib << 20,
    )


def _sampled(
    settings: Settings, app: Application, schema: GatewaySchema, stores: Stores
) -> AbstractAsyncContextManager[None]:
    """Read the state of the process into metrics in the block."""
    set_build_info(settings.model)
    files = open_slot_files()
    sampler = Sampler(
        worker="0" if files is None else str(files.number),
        stores=[store for store in (*stores.databases.values(), stores.own) if store is not None],
        cache=stores.cache,
        caches={
            "values": [stores.cache.local] if stores.cache is not None else [],
            "responses": [app.response_cache] if app.response_cache is not None else [],
            "documents": [schema.documents],
            "operations": operations.caches(),
            "credentials": app.authenticator.caches,
        },
        admission=app.admission,
    )
    return sampled(sampler, files)


def _observing(settings: Settings, persisted: Persisted) -> list[Middleware]:
    """Return the middleware that is outside of all other, where requests are observed."""
    log = RequestLog.of(settings)
    if not settings.metrics_port and log is None and not traces_endpoint(settings):
        return []
    prefix = parse_root_path(settings.root_path)
    paths = (*health.PATHS, status_page.PATH)
    unobserved = frozenset({*paths, *(prefix + path for path in paths)})
    slot = current_slot()
    shared = SharedNames(Path(slot.directory) / "operations") if slot is not None else None
    names = OperationNames(persisted.operation_names, shared)
    return [Middleware(ObservationMiddleware, names=names, unobserved=unobserved, log=log)]


def _middleware(settings: Settings, model: Model, admission: Admission, tracing: "Tracing | None") -> list[Middleware]:
    """Return the middleware that each request passes, outermost first. Cached responses pass all of it."""
    hosts = parse_allowed_hosts(settings.allowed_hosts)
    exports = export_endpoint.paths(model)
    origins, headers = parse_origins(settings.cors_origins), parse_headers(settings.cors_headers)
    return [
        Middleware(TrustedProxiesMiddleware, trusted=TrustedProxies.parse(settings.trusted_proxies)),
        Middleware(
            CanonicalPathsMiddleware,
            served=(GRAPHQL_PATH, *exports, *health.PATHS, status_page.PATH),
            pages=(graphiql.PATH,) if settings.graphiql else (),
            root_path=parse_root_path(settings.root_path),
        ),
        *([] if tracing is None else [Middleware(TracingMiddleware, tracing=tracing, paths=(GRAPHQL_PATH, *exports))]),
        *([] if ALL in hosts else [Middleware(AllowedHostsMiddleware, hosts=hosts, probes=health.PATHS)]),
        Middleware(NoSniffMiddleware, exempt_path=GRAPHQL_PATH),
        Middleware(BodyTimeoutMiddleware, timeout_s=settings.body_timeout_s),
        *origin_middleware((GRAPHQL_PATH, *exports), origins, headers),
        Middleware(ResponseCacheMiddleware, path=GRAPHQL_PATH, timeout_s=settings.request_timeout_s),
        Middleware(HangUpMiddleware),
        Middleware(RequestDeadlineMiddleware, path=GRAPHQL_PATH, timeout_s=settings.request_timeout_s),
        Middleware(
            AdmissionMiddleware, path=GRAPHQL_PATH, admission=admission, max_body_bytes=settings.max_body_kib << 10
        ),
    ]


def limits(settings: Settings) -> Limits:
    """Return the limits of requests that the settings define."""
    return Limits(
        tokens=settings.max_tokens,
        characters=settings.max_document_characters,
        comparisons=settings.max_comparisons,
        alias_characters=settings.max_alias_characters,
        depth=settings.max_depth,
        aliases=settings.max_aliases,
        directives=settings.max_directives,
        root_fields=settings.max_root_fields,
        ids=settings.max_ids,
        statements=settings.max_statements,
        cost=settings.max_cost,
        operations=settings.max_batch,
        body_bytes=settings.max_body_kib << 10,
        response_bytes=settings.max_response_mib << 20,
    )


def _routes(settings: Settings, schema: GatewaySchema, persisted: Persisted, rate_limit: RateLimit) -> list[BaseRoute]:
    endpoint = GraphQLEndpoint(
        schema,
        limits(settings),
        persisted=persisted,
        rate_limit=rate_limit,
        draft_statuses=settings.draft_statuses,
    )
    pages = [Route("/", _home), *graphiql.routes(examples_of(schema))] if settings.graphiql else []
    status = status_page.routes(all_workers().collect, viewer_of) if settings.metrics_port else []
    return [
        Route(GRAPHQL_PATH, endpoint),
        *export_endpoint.routes(schema, settings.max_ids, rate_limit, viewer_of, settings.request_timeout_s),
        *health.routes(),
        *status,
        *pages,
    ]


async def _home(_request: object) -> Response:
    return RedirectResponse("graphiql")  # relative, since a proxy may have taken off a prefix

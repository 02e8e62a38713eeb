"""Spans on their way to a collector, which is a real one that the test runs; no store is asked."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import socket
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.semconv._incubating.attributes import graphql_attributes
from opentelemetry.semconv.attributes import (
    db_attributes,
    error_attributes,
    http_attributes,
    server_attributes,
    url_attributes,
)
from starlette.types import Message, Receive, Scope, Send

from gateway.observability.observation_middleware import ObservationMiddleware
from gateway.observability.operation_names import OperationNames
from gateway.observability.request_observation import observation_of
from gateway.observability.spans import _MAX_SPANS
from gateway.observability.trace_metrics import DROPPED, EXPORTED, FAILED, SPANS
from gateway.observability.trace_settings import open_tracing, traces_endpoint
from gateway.observability.tracing import Tracing
from gateway.observability.tracing_middleware import TracingMiddleware
from gateway.setting import SettingsError
from gateway.settings import Settings
from loaders.statement_record import StatementRecord, recorded
from loaders.tracing import SharedSpans, child_span, current_span, describe_database, entered, sharing
from tests.gateway.observability.collector import Collector, collecting
from tests.lag import takes_less_than

TRACE, PARENT = "1234567890abcdef1234567890abcdef", "fedcba0987654321"
SAMPLED = [(b"traceparent", f"00-{TRACE}-{PARENT}-01".encode()), (b"tracestate", b"vendor=1")]
BASE = "OTEL_EXPORTER_OTLP_ENDPOINT"
UNSAMPLED = [(b"traceparent", f"00-{TRACE}-{PARENT}-00".encode())]


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as running:
        yield running


def _tracing(collector: Collector, **settings: Any) -> Tracing:
    return Tracing(f"{collector.url}/v1/traces", Settings(**settings))


async def test_a_request_continues_the_trace_of_its_client(collector: Collector) -> None:
    tracing = _tracing(collector)
    span = tracing.begin(SAMPLED, "POST /graphql")
    spans = SPANS.value
    span.finish()
    await tracing.close()
    assert SPANS.value == spans + 1

    (received,) = collector.spans
    assert (received.trace_id, received.parent_id, received.kind) == (TRACE, PARENT, "server")
    assert span.traceparent == f"00-{TRACE}-{received.span_id}-01"
    assert collector.paths == ["/v1/traces"]
    (resource,) = collector.resources
    assert resource["service.name"] == "fuseway"
    assert resource["service.version"]


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"traceparent", b"00-x-y-01")],
        [(b"traceparent", f"00-{'0' * 32}-{PARENT}-01".encode())],
        [(b"traceparent", b"\xff" * 55)],
        [(b"traceparent", f"00-{TRACE}-{PARENT}-01{'-a' * 10_000}".encode())],
        SAMPLED[:1] * 2,
    ],
)
async def test_a_header_that_is_no_trace_begins_a_new_one(
    collector: Collector, headers: list[tuple[bytes, bytes]]
) -> None:
    tracing = _tracing(collector)
    tracing.begin(headers, "GET /graphql").finish()
    await tracing.close()
    (received,) = collector.spans
    assert received.parent_id == ""
    assert received.trace_id != TRACE


async def test_what_the_client_does_not_sample_is_not_traced(collector: Collector) -> None:
    tracing = _tracing(collector)
    span = tracing.begin(UNSAMPLED, "POST /graphql")
    assert not span.is_recorded
    assert span.traceparent.startswith(f"00-{TRACE}-")
    assert span.traceparent.endswith("-00")
    span.finish()
    await tracing.close()
    assert collector.spans == []


async def test_the_standard_setting_samples(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0")
    tracing = _tracing(collector)
    assert not tracing.begin(SAMPLED, "POST /graphql").is_recorded, "whatever the client says"
    await tracing.close()


async def test_a_statement_has_the_attributes_of_the_conventions(collector: Collector) -> None:
    tracing = _tracing(collector)
    span = tracing.begin([], "POST /graphql")
    with entered(span), child_span("load Aircraft"):
        record = StatementRecord(("Aircraft.record",), "postgresql", 3)
        with recorded(record, ["aircraft", "airlines"]):
            statement = current_span()
            assert statement is not None
            describe_database(statement, "postgresql", "fleet", ("db.example", 5432))
            record.rows = 2
    span.finish()
    await tracing.close()

    (load,) = collector.named("load Aircraft")
    (received,) = collector.statements()
    assert received.name == "SELECT aircraft airlines"
    assert received.parent_id == load.span_id
    assert not received.is_error
    assert received.attributes.pop("fuseway.waited_s") == 0
    assert received.attributes == {
        db_attributes.DB_SYSTEM_NAME: "postgresql",
        db_attributes.DB_NAMESPACE: "fleet",
        db_attributes.DB_OPERATION_NAME: "SELECT",
        db_attributes.DB_QUERY_SUMMARY: "SELECT aircraft airlines",
        "db.response.returned_rows": 2,
        server_attributes.SERVER_ADDRESS: "db.example",
        server_attributes.SERVER_PORT: 5432,
        "fuseway.sections": ["Aircraft.record"],
        "fuseway.keys": 3,
    }


async def test_a_failure_is_told_without_its_message(collector: Collector) -> None:
    tracing = _tracing(collector)
    span = tracing.begin([], "POST /graphql")
    record = StatementRecord(("Aircraft.record",), "postgresql", 1)
    with entered(span), pytest.raises(ValueError, match="a secret"), recorded(record, ["aircraft"]):
        raise ValueError("a secret")
    assert record.error == "ValueError"
    span.finish()
    await tracing.close()
    (received,) = collector.statements()
    assert received.is_error
    assert received.error_message == ""
    assert received.attributes[error_attributes.ERROR_TYPE] == "ValueError"
    assert not any(b"a secret" in body for body in collector.bodies)


async def test_a_request_has_a_bounded_number_of_spans(collector: Collector) -> None:
    tracing = _tracing(collector, max_waiting_spans=2 * _MAX_SPANS)
    span = tracing.begin([], "GET /export/aircraft")
    with entered(span):
        for _ in range(_MAX_SPANS + 20):
            with child_span("load Aircraft"), child_span("SELECT aircraft", is_client=True):
                pass
    span.finish()
    await tracing.close()
    (root,) = collector.roots()
    assert len(collector.spans) == 1 + _MAX_SPANS
    assert root.attributes["fuseway.spans_left_out"] == _MAX_SPANS + 40


async def test_a_collector_that_is_away_costs_spans_alone_and_is_told_of_once(
    collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    exported, failed = EXPORTED.value, FAILED.value
    collector.status = 400  # which the exporter does not send again
    tracing = _tracing(collector, span_delay_ms=10, max_waiting_spans=10_000, max_batch_spans=16)

    async def spans_until(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not condition():
                tracing.begin([], "POST /graphql").finish()
                await asyncio.sleep(0.002)

    with caplog.at_level(logging.WARNING):
        await spans_until(lambda: FAILED.value - failed > 40)
        collector.status = 200
        await spans_until(lambda: bool(collector.spans))
        await tracing.close()
    assert EXPORTED.value - exported == len(collector.spans)
    own = [record.message for record in caplog.records if record.name == "gateway"]
    assert len(own) == 2, own
    assert own[0].startswith("Traces cannot be exported")
    assert own[1].startswith("Traces are exported again")


async def test_a_collector_that_is_slow_has_spans_dropped_and_counted(
    collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    spans, exported, dropped = SPANS.value, EXPORTED.value, DROPPED.value
    collector.may_answer.clear()
    tracing = _tracing(collector, span_delay_ms=10, max_waiting_spans=8)
    with caplog.at_level(logging.WARNING):
        for _ in range(100):
            tracing.begin([], "POST /graphql").finish()
        assert DROPPED.value - dropped >= 100 - 2 * 8, "those that wait, and those of the export under way"
        collector.may_answer.set()
        await tracing.close()
    assert SPANS.value - spans == 100
    assert EXPORTED.value - exported == len(collector.spans) == 100 - (DROPPED.value - dropped)
    assert len(collector.spans) >= 8
    (message,) = [record.message for record in caplog.records if record.name == "gateway"]
    assert message.startswith("Spans are dropped: 8 wait for the collector")


async def test_a_collector_that_does_not_answer_holds_up_no_stop() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        tracing = Tracing(f"http://127.0.0.1:{silent.getsockname()[1]}/v1/traces", Settings(span_delay_ms=10))
        tracing.begin([], "POST /graphql").finish()
        async with takes_less_than(5):  # ten seconds are the exporter's own limit
            await tracing.close()


async def test_the_span_of_a_request_says_what_it_was_and_its_answer_which_trace(collector: Collector) -> None:
    tracing = _tracing(collector)

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        observation = observation_of(scope)
        assert observation is not None
        observation.operation, observation.operation_type, observation.points = "Dashboard", "query", 12
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})

    headers = [(b"age", b"1")]
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    traced = TracingMiddleware(app, tracing, ("/graphql",))
    outer = ObservationMiddleware(traced, OperationNames(), ())
    scope = {"type": "http", "path": "/graphql", "method": "POST", "scheme": "https", "headers": SAMPLED,
             "query_string": b"query={secret}"}  # fmt: skip
    await outer(scope, receive, send)
    await outer({**scope, "path": "/other"}, receive, send)
    await tracing.close()

    (received,) = collector.spans
    assert received.name == "query Dashboard"
    assert received.attributes == {
        http_attributes.HTTP_REQUEST_METHOD: "POST",
        http_attributes.HTTP_ROUTE: "/graphql",
        http_attributes.HTTP_RESPONSE_STATUS_CODE: 200,
        url_attributes.URL_PATH: "/graphql",
        url_attributes.URL_SCHEME: "https",
        graphql_attributes.GRAPHQL_OPERATION_NAME: "Dashboard",
        graphql_attributes.GRAPHQL_OPERATION_TYPE: "query",
        "fuseway.outcome": "ok",
        "fuseway.cost": 12,
    }
    assert sent[0]["headers"] == [
        (b"age", b"1"), (b"traceresponse", f"00-{TRACE}-{received.span_id}-01".encode()),
    ]  # fmt: skip
    assert headers == [(b"age", b"1")], "those of a cached response stay as they are"
    assert sent[2]["headers"] == headers, "what is not served by GraphQL is not traced"


@pytest.mark.parametrize(
    ("settings", "endpoint"),
    [
        ({}, ""),
        ({BASE: "http://collector:4318"}, "http://collector:4318/v1/traces"),
        ({BASE: "https://collector/otlp/"}, "https://collector/otlp/v1/traces"),
        ({BASE: "http://a", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://b/t"}, "http://b/t"),
    ],
)
def test_traces_are_sent_where_the_standard_settings_say(settings: dict[str, str], endpoint: str) -> None:
    read = Settings.from_environment(settings)
    assert traces_endpoint(read) == endpoint
    if not endpoint:
        assert open_tracing(read) is None


@pytest.mark.parametrize("text", ["collector:4318", "grpc://x", "http://", "http://a:99999999", "http://[x"])
def test_an_endpoint_that_is_no_url_is_named_and_not_repeated(text: str) -> None:
    with pytest.raises(SettingsError) as refused:
        traces_endpoint(Settings(otlp_endpoint=text))
    assert str(refused.value) == "OTEL_EXPORTER_OTLP_ENDPOINT must look like http://collector:4318."


CHECK = """
import json, os, sys
from gateway.observability.trace_settings import check_tracing
from gateway.setting import SettingsError
from gateway.settings import Settings

def told(variables):
    os.environ.update(variables)
    try:
        check_tracing(Settings.from_environment())
    except SettingsError as error:
        return str(error)
    finally:
        for name in variables:
            del os.environ[name]
    return ""

print(json.dumps([told(variables) for variables in json.loads(sys.argv[1])]))
"""
BEGINNING = "A variable of OpenTelemetry's (OTEL_…) is invalid, of which its SDK says: "
UNREADABLE = [
    ({}, ""),
    ({"OTEL_EXPORTER_OTLP_HEADERS": "api-key=s3cret,Authorization=Bearer s3cret"}, ""),
    (
        {"OTEL_EXPORTER_OTLP_HEADERS": "Bearer s3cret"},
        f"{BEGINNING}OTEL_EXPORTER_OTLP_HEADERS must look like name=value,name=value.",
    ),
    ({"OTEL_TRACES_SAMPLER": "ratio"}, f"{BEGINNING}Couldn't recognize sampler ratio."),
    ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "1%"}, f"{BEGINNING}Could not convert"),
    ({"OTEL_EXPORTER_OTLP_TIMEOUT": "10s"}, f"{BEGINNING}Invalid timeout value '10s'"),
    ({"OTEL_EXPORTER_OTLP_COMPRESSION": "lz4"}, f"{BEGINNING}Unsupported compression type: lz4"),
    ({"OTEL_SPAN_LINK_COUNT_LIMIT": "x"}, f"{BEGINNING}OTEL_SPAN_LINK_COUNT_LIMIT must be a non-negative integer"),
    ({"OTEL_BSP_MAX_QUEUE_SIZE": "0"}, "OTEL_BSP_MAX_QUEUE_SIZE must be a whole number from 1 to 1,000,000"),
]
"""Variables, and how the sentence about them begins."""


@pytest.mark.slow
def test_variables_that_the_sdk_cannot_read_end_the_start() -> None:
    asked = json.dumps([{BASE: "http://127.0.0.1:1", **variables} for variables, _ in UNREADABLE])
    done = subprocess.run([sys.executable, "-c", CHECK, asked], capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert done.stderr == "", "nothing is logged, the headers least of all"
    assert [text[: len(beginning)] for text, (_, beginning) in zip(told, UNREADABLE, strict=True)] == [
        beginning for _, beginning in UNREADABLE
    ]
    assert "s3cret" not in done.stdout


def test_a_short_queue_shortens_what_is_exported_at_once(collector: Collector) -> None:
    _tracing(collector, max_waiting_spans=1)  # the SDK refuses an export of more than may wait


BUILD = """
from gateway.app import build_app
from gateway.settings import Settings
from loaders.model.loading import load_model
model = load_model("deploy.fleet.model")
build_app(Settings(log_requests="all", slow_operation_s=1, slow_statement_s=1, metrics_port=1), model)
"""
SEES_NO_SDK = """
import sys
assert not {"opentelemetry.sdk.trace", "opentelemetry.exporter"} & set(sys.modules)
build_app(Settings(otlp_endpoint="http://127.0.0.1:1"), model)
assert {"opentelemetry.sdk.trace", "opentelemetry.exporter"} <= set(sys.modules)
"""


@pytest.mark.slow
def test_opentelemetry_is_not_imported_where_nothing_is_traced() -> None:
    """Redis' client imports what there is of it for metrics of its own, but neither spans nor exporters."""
    absent = "import sys\nsys.modules['opentelemetry'] = None\n"
    for code in (absent + BUILD, BUILD + SEES_NO_SDK):
        subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_without_the_packages_the_setting_is_refused_with_what_to_install() -> None:
    code = """
import sys
sys.modules["opentelemetry"] = None
from gateway.observability.trace_metrics import EXPORTED, FAILED, SPANS
from gateway.observability.trace_settings import traces_endpoint
from gateway.settings import Settings
print(traces_endpoint(Settings()))
traces_endpoint(Settings(otlp_endpoint="http://127.0.0.1:1"))
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert last.endswith(
        "OTEL_EXPORTER_OTLP_ENDPOINT is set, and tracing is not installed: pip install 'fuseway[tracing]'."
    )


async def test_the_switch_of_the_sdk_turns_all_off(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    tracing = _tracing(collector)
    assert not tracing.begin([], "POST /graphql").has_trace
    assert not tracing.begin(SAMPLED, "POST /graphql").is_recorded
    await tracing.close()


async def test_nothing_is_left_of_a_span_to_the_garbage_collector(collector: Collector) -> None:
    tracing = _tracing(collector)
    span = tracing.begin(SAMPLED, "POST /graphql")
    with entered(span):
        shared = SharedSpans.begun()
        assert shared is not None
        with sharing(shared), child_span("load Aircraft"):
            pass
        shared.close()
    span.finish()
    alive = weakref.ref(span._span)
    await tracing.close()
    gc.disable()
    try:
        del span, shared
        assert alive() is None
    finally:
        gc.enable()

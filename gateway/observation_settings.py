"""The settings of logs and traces. Those of limits are in `limit_settings`."""

from dataclasses import dataclass

from gateway.limit_settings import LimitSettings
from gateway.setting import setting


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationSettings(LimitSettings):
    """The settings of stores and limits, and those of what is told of requests and statements."""

    log_level: str = setting("GATEWAY_LOG_LEVEL", "warning", "critical, error, warning, info or debug.")
    log_format: str = setting(
        "GATEWAY_LOG_FORMAT",
        "text",
        "How lines of the log are written: `text`, or `json` with an object a line.",
        choices=("text", "json"),
    )
    log_requests: str = setting(
        "GATEWAY_LOG_REQUESTS",
        "none",
        "Which requests have [a line in the log](observability.md#logs), whatever its level: `none`, `failed` (all that"
        " were not answered in full) or `all`.",
        choices=("none", "failed", "all"),
    )
    slow_operation_s: float = setting(
        "GATEWAY_SLOW_OPERATION_S",
        0.0,
        "Seconds from which on a request is logged with its statements and sections; 0 logs none.",
        minimum=0,
        maximum=3_600,
    )
    slow_statement_s: float = setting(
        "GATEWAY_SLOW_STATEMENT_S",
        0.0,
        "Seconds from which on a statement is logged with its text and the sizes of its values; 0 logs none.",
        minimum=0,
        maximum=3_600,
    )
    log_lines_per_s: int = setting(
        "GATEWAY_LOG_LINES_PER_S",
        100,
        "Lines a second that a worker writes of each kind: requests, slow operations and slow statements. More are"
        " counted and left out, since writing takes time that requests then lack.",
        minimum=1,
        maximum=100_000,
    )
    traces_endpoint: str = setting(
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "",
        "URL that [traces](observability.md#traces) are sent to as it is, in the place of the next one.",
        secret=True,
    )
    otlp_endpoint: str = setting(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "",
        "URL of an OpenTelemetry collector, such as `http://localhost:4318`, which traces are sent to at `/v1/traces`."
        " Without either, nothing is traced. It needs `pip install 'fuseway[tracing]'`.",
        secret=True,
    )
    span_delay_ms: int = setting(
        "OTEL_BSP_SCHEDULE_DELAY",
        5_000,
        "Milliseconds from one export of spans to the next.",
        minimum=1,
        maximum=600_000,
    )
    max_waiting_spans: int = setting(
        "OTEL_BSP_MAX_QUEUE_SIZE",
        2_048,
        "Spans that wait for their export, a worker. More are dropped and counted: without a bound, a collector that is"
        " away would take the gateway's memory.",
        minimum=1,
        maximum=1_000_000,
    )
    max_batch_spans: int = setting(
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
        512,
        "Spans that are exported at once, of those that wait.",
        minimum=1,
        maximum=1_000_000,
    )

"""Two scrapes of a gateway as texts, ten seconds apart, with one section whose statement is slow."""

from __future__ import annotations

from gateway.observability.scrape import Interval, Scrape

_SAMPLES = """
# TYPE fuseway_http_requests_total counter
fuseway_http_requests_total{operation="Dashboard",outcome="ok"} 100 150
fuseway_http_requests_total{operation="Dashboard",outcome="cached"} 50 80
fuseway_http_requests_total{operation="Trends",outcome="partial"} 0 10
fuseway_http_requests_total{operation="Trends",outcome="client_error"} 0 10
# TYPE fuseway_http_request_duration_seconds histogram
fuseway_http_request_duration_seconds_bucket{operation="Dashboard",le="0.1"} 100 180
fuseway_http_request_duration_seconds_bucket{operation="Dashboard",le="1"} 150 230
fuseway_http_request_duration_seconds_bucket{operation="Dashboard",le="+Inf"} 150 230
fuseway_http_request_duration_seconds_sum{operation="Dashboard"} 10 14
fuseway_http_request_duration_seconds_count{operation="Dashboard"} 150 230
fuseway_http_request_duration_seconds_bucket{operation="Trends",le="0.1"} 0 0
fuseway_http_request_duration_seconds_bucket{operation="Trends",le="1"} 0 10
fuseway_http_request_duration_seconds_bucket{operation="Trends",le="+Inf"} 0 20
fuseway_http_request_duration_seconds_sum{operation="Trends"} 0 16
fuseway_http_request_duration_seconds_count{operation="Trends"} 0 20
# TYPE fuseway_http_requests_in_flight gauge
fuseway_http_requests_in_flight 9 4
# TYPE fuseway_section_batch_keys histogram
fuseway_section_batch_keys_bucket{section="Aircraft.record",le="+Inf"} 100 150
fuseway_section_batch_keys_sum{section="Aircraft.record"} 100 600
fuseway_section_batch_keys_count{section="Aircraft.record"} 100 150
# TYPE fuseway_section_values_total counter
fuseway_section_values_total{section="Aircraft.record",state="fresh"} 900 1650
fuseway_section_values_total{section="Aircraft.record",state="stale"} 0 50
fuseway_section_values_total{section="Aircraft.record",state="missed"} 100 300
fuseway_section_values_total{section="Aircraft.analysis.monthly",state="missed"} 0 20
# TYPE fuseway_section_statement_seconds_total counter
fuseway_section_statement_seconds_total{section="Aircraft.record",store="postgres"} 1 2
fuseway_section_statement_seconds_total{section="Aircraft.analysis.monthly",store="clickhouse"} 0 9
# TYPE fuseway_section_statements_total counter
fuseway_section_statements_total{section="Aircraft.record",store="postgres"} 100 150
fuseway_section_statements_total{section="Aircraft.analysis.monthly",store="clickhouse"} 0 3
# TYPE fuseway_statement_seconds_total counter
fuseway_statement_seconds_total{store="postgres",statement="Aircraft.record"} 1 2
fuseway_statement_seconds_total{store="clickhouse",statement="Aircraft.analysis.monthly"} 0 9
# TYPE fuseway_statement_executions_total counter
fuseway_statement_executions_total{store="postgres",statement="Aircraft.record"} 100 150
fuseway_statement_executions_total{store="clickhouse",statement="Aircraft.analysis.monthly"} 0 3
# TYPE fuseway_store_statements_total counter
fuseway_store_statements_total{store="postgres",database="main",outcome="ok"} 100 150
fuseway_store_statements_total{store="clickhouse",database="main",outcome="ok"} 0 1
fuseway_store_statements_total{store="clickhouse",database="main",outcome="cancelled"} 0 2
fuseway_store_statements_total{store="clickhouse",database="main",outcome="timeout"} 0 3
# TYPE fuseway_store_statement_duration_seconds histogram
fuseway_store_statement_duration_seconds_bucket{store="postgres",database="main",le="0.1"} 100 150
fuseway_store_statement_duration_seconds_bucket{store="postgres",database="main",le="+Inf"} 100 150
fuseway_store_statement_duration_seconds_sum{store="postgres",database="main"} 1 2
fuseway_store_statement_duration_seconds_count{store="postgres",database="main"} 100 150
# TYPE fuseway_store_circuit_breaker_open gauge
fuseway_store_circuit_breaker_open{store="postgres",database="main"} 0 0
fuseway_store_circuit_breaker_open{store="clickhouse",database="main"} 0 1
# TYPE fuseway_store_pool_connections gauge
fuseway_store_pool_connections{store="postgres",database="main",state="used"} 1 3
fuseway_store_pool_connections{store="postgres",database="main",state="idle"} 1 2
# TYPE fuseway_store_pool_max_connections gauge
fuseway_store_pool_max_connections{store="postgres",database="main"} 10 20
# TYPE fuseway_cache_entries gauge
fuseway_cache_entries{cache="values"} 10 20
# TYPE fuseway_cache_bytes gauge
fuseway_cache_bytes{cache="values"} 1024 2048
# TYPE fuseway_cache_evictions_total counter
fuseway_cache_evictions_total{cache="values"} 0 5
# TYPE fuseway_executor_lists_total counter
fuseway_executor_lists_total{path="columns",reason=""} 0 90
fuseway_executor_lists_total{path="fallback",reason="value: an error"} 0 10
fuseway_executor_lists_total{path="fallback",reason="selection: a union"} 5 5
# TYPE fuseway_worker_memory_bytes gauge
fuseway_worker_memory_bytes{worker="0"} 1048576 2097152
# TYPE fuseway_worker_cpu_seconds_total counter
fuseway_worker_cpu_seconds_total{worker="0"} 5 10
# TYPE python_info gauge
python_info{version="3.11"} 1 1
""".strip().splitlines()
SECONDS = 10.0


def _text(column: int) -> str:
    lines = []
    for line in _SAMPLES:
        if line.startswith("#"):
            lines.append(line)
        else:
            labels, before, after = line.rsplit(" ", 2)
            lines.append(f"{labels} {(before, after)[column]}")
    return "\n".join(lines) + "\n"


BEFORE, AFTER = _text(0), _text(1)


def interval() -> Interval:
    """Return what happened between the two."""
    return Interval(Scrape.parse(BEFORE, 100.0), Scrape.parse(AFTER, 100.0 + SECONDS))

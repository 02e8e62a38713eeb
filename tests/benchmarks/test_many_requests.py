"""How thousands of requests over few connections end."""

import pytest

from benchmarks.many_requests import ManyRequests, many_requests_table, parse, with_default_cap
from benchmarks.nginx import TEMPLATE

PRINTED = """
finished in 812.34ms, 6155.06 req/s, 9.31MB/s
requests: 5000 total, 5000 started, 1000 done, 998 succeeded, 4002 failed, 4000 errored, 0 timeout
status codes: 998 2xx, 0 3xx, 0 4xx, 2 5xx
traffic: 1.89MB (1982145) total
"""


def test_requests_without_a_status_had_no_answer() -> None:
    run = parse(PRINTED, "dashboard", 5_000, 1)
    assert run.seconds == pytest.approx(0.81234)
    assert run == ManyRequests("dashboard", 5_000, 1, run.seconds, answered=998, refused=2, failed=4_000)


def test_output_without_a_result_is_refused() -> None:
    with pytest.raises(ValueError, match="h2load printed no result"):
        parse("spawning thread", "dashboard", 1, 1)


def test_a_run_is_a_row() -> None:
    table = many_requests_table([parse(PRINTED, "dashboard", 5_000, 1)])
    assert table.splitlines()[-1] == "| dashboard | 5,000 | 1 | 998 | 2 | 4,000 | 0.81 |"


def test_the_default_cap_takes_one_line_away() -> None:
    shipped = TEMPLATE.read_text()
    capped = with_default_cap(shipped)
    assert shipped.count("keepalive_requests 1000000;") == capped.count("keepalive_requests 1000000;") + 1
    with pytest.raises(ValueError, match="no keepalive_requests"):
        with_default_cap(capped)

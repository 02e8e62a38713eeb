"""The page of results."""

from benchmarks.load import Load
from benchmarks.many_requests import CAPPED, ManyRequests
from benchmarks.measuring import Cell
from benchmarks.observed import OBSERVED, UNOBSERVED, Observed
from benchmarks.rates import Rates
from benchmarks.report import Results, page
from benchmarks.scalars import DECIMALS, FLOATS, PLAIN, RICH, ScalarTimes
from benchmarks.stall import Stall


def _cell(endpoint: str, ms: float) -> Cell:
    return Cell("dashboard", 500, endpoint, [ms, ms + 1, ms + 2], 212_536, 2.0, 1.0, 5.0, 62.0)


def test_a_row_has_its_ratio_to_the_floor() -> None:
    text = page(Results([_cell("floor", 19.0), _cell("gateway", 21.0)]))
    assert "| gateway | 500 | 22.0 | 23.0 | 1.10 | 1 + 2 | 212,536 | 5.0 | 62 | 3 |" in text


def test_goals_are_judged_by_the_medians() -> None:
    loads = [Load("floor", 8, 3, 100.0, 80.0, 90.0), Load("gateway", 8, 3, 80.0, 100.0, 110.0)]
    text = page(Results([_cell("floor", 19.0), _cell("gateway", 21.0)], loads))
    assert "| dashboard, 500 ids: time | at most 1.15 of the floor's | 1.10 | reached |" in text
    assert "| dashboard, 50 ids, 8 connections: requests/s | at least 0.85 of the floor's | 0.80 | missed |" in text


def test_a_small_request_is_judged_by_what_it_waits_above_idle() -> None:
    stall = Stall("/livez", 4_043, 245_000_000, 5.1, [1.0, 2.0], [3.0, 52.5])
    text = page(Results(stalls=[stall]))
    assert (
        "| /livez beside every section of 4,043 aircraft: p99 | at most 50 ms above idle | 50.5 ms | missed |" in text
    )
    assert "| /livez | 1.5 | 2.0 | 2.0 | 27.8 | 52.5 | 52.5 | 2 |" in text
    assert "(245 MB in 5.1 s)" in text


def test_kept_answers_and_those_through_nginx_are_judged_against_a_bare_application() -> None:
    text = page(Results(cached=Rates(1_905, 3, 6_900.0, 10_000.0), edge=Rates(1_906, 5, 9_000.0, 10_000.0)))
    assert "| gateway, cached response: requests/s | at least 0.70 of a bare application's | 0.69 | missed |" in text
    assert (
        "| through nginx: requests/s | at least 0.80 of a bare application's through nginx | 0.90 | reached |" in text
    )
    assert "| through nginx: requests/s | over 10,000 | 9,000 | missed |" in text


def test_what_nginx_answers_has_a_section_of_its_own() -> None:
    text = page(Results(edge=Rates(1_906, 5, 24_000.0, 20_000.0)))
    assert "## Through nginx" in text
    assert "an answer of 1,906 bytes" in text
    assert "24,000 requests/s before the gateway, 1.20 of what" in text
    assert "through nginx" not in page(Results()).lower()


def test_columns_are_judged_by_what_plain_ones_take() -> None:
    times = [(PLAIN, 2.0), (RICH, 3.1), (FLOATS, 2.0), (DECIMALS, 3.0)]
    text = page(Results(scalars=[ScalarTimes(name, [ms], 60_000) for name, ms in times]))
    assert "| money, enums, JSON, arrays: CPU time | at most 1.50 of integers and texts | 1.55 | missed |" in text
    assert "| decimals: CPU time | at most 2.00 of floats | 1.50 | reached |" in text
    assert "| decimals | 3.0 | 60,000 | 1 |" in text


def test_metrics_are_judged_by_what_they_add() -> None:
    cells = [_cell(UNOBSERVED, 19.0), _cell(OBSERVED, 19.2)]
    text = page(Results(observed=Observed(cells, {UNOBSERVED: [100.0, 110.0], OBSERVED: [103.0, 117.0]}, 400)))
    assert "| gateway, with metrics: time | under 1.03 of that without | 1.01 | reached |" in text
    assert "| gateway, with metrics: CPU of a cached response | under 5 µs more | 5.0 µs | missed |" in text
    assert "| gateway, without metrics | 20.0 | 21.0 | 5.00 | 3 | 105.0 |" in text


def test_requests_without_an_answer_are_a_goal_of_the_shipped_edge_alone() -> None:
    runs = [
        ManyRequests("dashboard", 5_000, 1, 0.5, answered=5_000, refused=0, failed=0),
        ManyRequests("dashboard", 5_000, 6, 0.6, answered=4_990, refused=10, failed=0),
        ManyRequests(f"dashboard{CAPPED}", 5_000, 1, 0.2, answered=1_000, refused=0, failed=4_000),
    ]
    goal = "| through nginx, over one HTTP/2 connection and six | none of 10,000 without an answer |"
    assert f"{goal} 0 | reached |" in page(Results(many_requests=runs))
    assert "| dashboard | 5,000 | 6 | 4,990 | 10 | 0 | 0.60 |" in page(Results(many_requests=runs))
    runs[1] = ManyRequests("dashboard", 5_000, 6, 0.6, answered=4_990, refused=0, failed=10)
    assert f"{goal} 10 | missed |" in page(Results(many_requests=runs))

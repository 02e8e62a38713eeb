"""Servers that a load takes, by numbers that are reckoned by hand."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.capacity import (
    MIX,
    Assumptions,
    assumptions,
    classes_table,
    costs_table,
    main,
    mean_cost,
    needed_table,
    reckon,
    report,
)
from benchmarks.request_classes import CLASSES
from benchmarks.request_costs import Costs, RequestCost, load_costs

CHEAP = RequestCost(
    requests=1_000,
    gateway_ms=0.5,
    postgresql_ms=0.0,
    clickhouse_ms=0.0,
    redis_ms=0.1,
    postgresql_statements=0.0,
    clickhouse_statements=0.0,
    redis_commands=2.0,
    answer_bytes=1_000.0,
    postgresql_bytes=0.0,
    clickhouse_bytes=0.0,
    redis_bytes=500.0,
)
DEAR = RequestCost(
    requests=70,
    gateway_ms=8.5,
    postgresql_ms=6.0,
    clickhouse_ms=40.0,
    redis_ms=1.1,
    postgresql_statements=2.0,
    clickhouse_statements=1.0,
    redis_commands=12.0,
    answer_bytes=21_000.0,
    postgresql_bytes=5_000.0,
    clickhouse_bytes=50_000.0,
    redis_bytes=10_500.0,
)
COSTS = Costs("2026-11-29", "a machine", 1.0, 2_000.0, 300.0, {"cheap": CHEAP, "dear": DEAR})
HALF = {"cheap": 0.5, "dear": 0.5}
PEAK = Assumptions(peak_per_s=2_000, utilization=0.5, workers_per_replica=2, store_cores=8, redis_gib=4, objects=2**20)


def test_a_mix_costs_the_mean_of_its_classes() -> None:
    mean = mean_cost(COSTS.classes, {"cheap": 0.75, "dear": 0.25})
    assert mean["gateway_ms"] == pytest.approx(0.75 * 0.5 + 0.25 * 8.5)
    assert mean["answer_bytes"] == pytest.approx(6_000)


def test_servers_follow_from_cores_and_headroom() -> None:
    needed = reckon(COSTS, HALF, PEAK)
    assert needed.gateway_cores == pytest.approx(9.0)  # 2,000/s of 4.5 ms
    assert needed.workers == 18  # half of each core
    assert needed.replicas == 10  # two workers each, and a spare one
    assert needed.postgresql_cores == pytest.approx(6.0)
    assert needed.postgresql_servers == 2  # four cores of eight each
    assert needed.postgresql_connections == 10 * 2 * 13
    assert needed.clickhouse_cores == pytest.approx(40.0)
    assert needed.clickhouse_servers == 10
    assert needed.redis_cores == pytest.approx(1.2)
    assert needed.redis_shards == 3  # 2.4 cores at half of each
    assert needed.redis_gib == pytest.approx(2_000 / 1_024)


def test_traffic_follows_from_the_peak() -> None:
    needed = reckon(COSTS, HALF, PEAK)
    assert needed.postgresql_statements_per_s == pytest.approx(2_000)
    assert needed.clickhouse_statements_per_s == pytest.approx(1_000)
    assert needed.redis_commands_per_s == pytest.approx(14_000)
    assert needed.answer_mbit_per_s == pytest.approx(2_000 * 11_000 * 8 / 1e6)
    assert needed.postgresql_mbit_per_s == pytest.approx(2_000 * 2_500 * 8 / 1e6)
    assert needed.clickhouse_mbit_per_s == pytest.approx(2_000 * 25_000 * 8 / 1e6)
    assert needed.redis_mbit_per_s == pytest.approx(2_000 * 5_500 * 8 / 1e6)


def test_a_days_work_has_nothing_to_do_with_the_peak() -> None:
    needed = reckon(COSTS, HALF, replace(PEAK, per_day=800_000, peak_per_s=1))
    assert needed.day_core_hours == pytest.approx(1.0)  # 800,000 of 4.5 ms are 3,600 s


def test_a_small_load_has_two_replicas_and_one_of_each_store() -> None:
    needed = reckon(COSTS, {"cheap": 1.0}, replace(PEAK, peak_per_s=1, spare_replicas=0, clients=1))
    servers = (needed.postgresql_servers, needed.clickhouse_servers, needed.redis_shards, needed.edges)
    assert (needed.workers, needed.replicas, servers) == (1, 2, (1, 1, 1, 1))


def test_memory_makes_shards_too() -> None:
    needed = reckon(COSTS, {"cheap": 1.0}, replace(PEAK, peak_per_s=1, objects=10 * 2**20))
    assert needed.redis_gib == pytest.approx(19.53, abs=0.01)
    assert needed.redis_shards == 5


def test_larger_data_takes_more_of_its_database_alone() -> None:
    larger = reckon(COSTS, HALF, replace(PEAK, clickhouse_scale=3.0, postgresql_scale=2.0))
    assert larger.clickhouse_cores == pytest.approx(120.0)
    assert larger.postgresql_cores == pytest.approx(12.0)
    assert larger.gateway_cores == pytest.approx(9.0)


def test_clients_need_edges() -> None:
    assert reckon(COSTS, HALF, replace(PEAK, clients=50_000, edge_connections=10_000)).edges == 5


def test_more_than_the_shards_of_the_cache_is_refused() -> None:
    with pytest.raises(ValueError, match="17 shards of Redis are needed, and the gateway has 16"):
        reckon(COSTS, HALF, replace(PEAK, objects=2**20, redis_gib=2_000 / 1_024 / 16.5))


@pytest.mark.parametrize(
    ("mix", "message"),
    [
        ({"cheap": 0.5, "dear": 0.4}, "must add up to 1, and are 0.9"),
        ({"cheap": 1.5, "dear": -0.5}, "must add up to 1"),
        ({"cheep": 1.0}, "no such class: cheep; there are cheap, dear"),
    ],
)
def test_a_mix_that_is_none_is_refused(mix: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mean_cost(COSTS.classes, mix)


@pytest.mark.parametrize(("peak_per_s", "utilization", "name"), [(0.0, 0.5, "--peak-per-s"), (1.0, 1.5, "--util")])
def test_an_assumption_that_makes_no_sense_is_refused(peak_per_s: float, utilization: float, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        replace(PEAK, peak_per_s=peak_per_s, utilization=utilization)


def test_every_assumption_is_printed() -> None:
    text = report(replace(load_costs()), MIX, Assumptions())
    for line in ("2,000: requests a second", "50,000: clients", "500,000: requests a day", "0.6: share of each core"):
        assert f"- {line}" in text
    assert text.count("% of requests: ") == len(MIX)


def test_what_was_measured_is_of_all_classes() -> None:
    costs = load_costs()
    assert set(costs.classes) == set(CLASSES)
    assert all(cost.gateway_ms > 0 and cost.requests > 0 for cost in costs.classes.values())


def test_costs_come_back_from_their_file(tmp_path: Path) -> None:
    COSTS.save(tmp_path / "costs.json")
    assert load_costs(tmp_path / "costs.json") == COSTS


def test_the_command_reckons_with_what_it_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "costs.json"
    mean = RequestCost(**{**{item: getattr(DEAR, item) for item in DEAR.__slots__}, "gateway_ms": 3.0})
    replace(COSTS, classes={"cached-get": mean}).save(file)
    options = ["--costs", str(file), "--mix", "cached-get=1", "--peak-per-s", "1000", "--utilization", "1"]
    assert main(options) == 0
    assert "| gateway | 3.0 cores: 3 workers, 3 replicas with 1 spare;" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--costs", "/nowhere.json"], "capacity: [Errno 2] No such file"),
        (["--mix", "nothing=1"], "capacity: --mix has no such class: nothing"),
        (["--peak-per-s", "0"], "capacity: --peak-per-s must be more than 0."),
    ],
)
def test_the_command_says_what_is_wrong(options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(options) == 1
    assert capsys.readouterr().err.startswith(message)


def test_the_page_has_what_was_measured_and_what_follows() -> None:
    costs, peak = load_costs(), Assumptions()
    page = (Path(__file__).parents[2] / "docs" / "capacity.md").read_text()
    for part in (
        costs_table(costs),
        classes_table(),
        assumptions(MIX, peak),
        needed_table(costs, MIX, peak),
        needed_table(costs, MIX, replace(peak, peak_per_s=10_000)),
    ):
        assert part in page, "make capacity prints it"
    assert f"takes {costs.redis_bytes_per_object:,.0f} bytes\nin Redis" in page
    assert f"holds {costs.worker_mib:.0f} MiB" in page

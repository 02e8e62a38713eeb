"""What `make overload` takes for a goal that is missed."""

from dataclasses import asdict

import orjson
import pytest

from benchmarks.open_loop import Counted
from benchmarks.overload import SCENARIOS, Beside, Run
from tests.stopped_process import output_of_a_stopped_process


def _failures(refused_ms: list[float]) -> list[str]:
    run = Run({}, SCENARIOS[0], [], [], seconds=1.0, rounds=1)
    counted = Counted(1.0, good=100, good_in_time=100, refused_ms=refused_ms)
    run._check("2 x", counted, Beside(live_ms=[1.0], resident_mib=1.0), closed_per_s=100.0, sustained_mib=1.0)
    return run.failures


def test_refusals_come_at_once_or_at_the_deadline_of_the_queue() -> None:
    assert _failures([]) == []
    assert _failures([99.0] * 50 + [1_000.0] * 25 + [2_099.0] * 25) == []
    (failure,) = _failures([99.0] * 90 + [500.0] * 5 + [2_500.0] * 5)
    assert "10% of the refusals" in failure


@pytest.mark.slow
def test_what_was_counted_is_whole_though_the_generator_was_stopped_meanwhile() -> None:
    script = "from benchmarks.open_loop import Counted, write; write(Counted(1.0, good_ms=[0.125] * 50_000))"
    output = output_of_a_stopped_process(["-c", script])
    assert orjson.loads(output) == asdict(Counted(1.0, good_ms=[0.125] * 50_000))

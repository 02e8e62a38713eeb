"""The benchmark of scalars answers what it says, by columns alone."""

import json

from benchmarks.scalars import OBJECTS, RICH, SETS, _Asked, _Context, measure_scalars
from gateway.execution.json_chunks import encode


def test_each_set_of_columns_is_measured_in_every_round() -> None:
    times = measure_scalars(rounds=2)
    assert [each.name for each in times] == list(SETS)
    assert {len(each.times_ms) for each in times} == {2}
    assert all(each.bytes > 10 * OBJECTS for each in times)


async def test_the_answer_has_money_enums_json_and_arrays() -> None:
    asked = _Asked.of(SETS[RICH])
    await asked.once()
    result = await asked.schema.execute(asked.query, context_value=_Context())
    items = json.loads(b"".join(encode(result.data)))["items"]
    assert len(items) == OBJECTS
    assert items[1] == {
        "c0": "1.234567",
        "c1": "1.234567",
        "c2": "EDITOR",
        "c3": "EDITOR",
        "c4": {"theme": "dark", "sizes": [1, 1.5, None]},
        "c5": ["tag1", "early", "ops"],
        "c6": ["tag1", "early", "ops"],
        "c7": str(2**33),
        "c8": 7,
        "c9": "member1@example.org",
    }

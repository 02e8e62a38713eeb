"""Lines of one kind are bounded in a second, and those that are left out are counted."""

import asyncio
import logging
from collections.abc import Iterator

import pytest

from gateway.observability.line_limit import LineLimit, limit_lines
from gateway.observability.log_format import FACTS
from tests.loaders.stores.waiting import until


@pytest.fixture
def logger(caplog: pytest.LogCaptureFixture) -> Iterator[logging.Logger]:
    logger = logging.getLogger("tests.line_limit")
    logger.setLevel(logging.INFO)
    caplog.set_level(logging.CRITICAL)  # that of all others: the logger has its own
    caplog.handler.setLevel(logging.NOTSET)
    yield logger
    logger.filters.clear()


class Clock:
    """A time that a test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def _lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, object]]:
    return [(record.message, getattr(record, FACTS, None)) for record in caplog.records]


def test_a_second_has_so_many_lines_and_the_next_one_tells_of_the_others(
    logger: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    logger.addFilter(LineLimit(logger, 2, clock))
    for number in range(5):
        logger.info("line %d", number)
    clock.now += 0.9
    logger.info("late")
    assert _lines(caplog) == [("line 0", None), ("line 1", None)]

    clock.now += 0.2
    logger.info("next")
    assert _lines(caplog)[2:] == [("Lines were left out", {"left_out": 4, "lines_per_s": 2}), ("next", None)]
    clock.now += 5
    logger.info("last")
    assert _lines(caplog)[4:] == [("last", None)]


async def test_lines_that_were_left_out_are_told_of_though_none_follows(
    logger: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    logger.addFilter(LineLimit(logger, 1))
    for _ in range(3):
        logger.info("line")

    async def is_told() -> bool:
        await asyncio.sleep(0)
        return len(caplog.records) == 2

    await until(is_told)
    assert _lines(caplog)[1] == ("Lines were left out", {"left_out": 2, "lines_per_s": 1})


def test_a_limited_logger_has_one_limit_and_a_level_of_its_own(
    logger: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    limit_lines(logger.name, 1)
    limit_lines(logger.name, 3)
    for number in range(5):
        logger.info("line %d", number)
    assert len(caplog.records) == 3

"""Lines of the log, as text and as JSON."""

import io
import json
import logging
import subprocess
import sys

import orjson
import pytest

from gateway.observability.log_format import FACTS, JSONFormatter, TextFormatter
from tests.chaos.gateway_log import RECORD


def _line(formatter: logging.Formatter, message: str, facts: dict[str, object] | None = None) -> str:
    record = logging.LogRecord("gateway.requests", logging.INFO, "file.py", 1, message, (), None)
    if facts is not None:
        setattr(record, FACTS, facts)
    return formatter.format(record)


def test_a_text_is_what_python_writes_by_itself() -> None:
    stream = io.StringIO()
    logger, handler = logging.Logger("gateway"), logging.StreamHandler(stream)
    handler.setFormatter(TextFormatter())
    logger.addHandler(handler)
    logger.warning("Worker %s has ended.", 7)
    assert stream.getvalue() == "WARNING:gateway:Worker 7 has ended.\n"
    match = RECORD.match(stream.getvalue())
    assert match is not None
    assert match[1] == "gateway"


def test_facts_follow_the_message_by_name() -> None:
    facts = {
        "operation": "Dashboard",
        "duration_s": 0.25,
        "rows": {"postgresql": 3},
        "sections": ["a", "b"],
        "viewer": "",
    }
    line = _line(TextFormatter(), "Request", facts)
    assert line == (
        'INFO:gateway.requests:Request operation=Dashboard duration_s=0.25 rows.postgresql=3 sections=["a","b"] viewer=""'
    )


def test_no_message_breaks_a_line_and_an_exception_has_its_own() -> None:
    text = _line(TextFormatter(), "invalid: a\nERROR:gateway:forged \x1b[31m\ud800 ä")
    assert text == "INFO:gateway.requests:invalid: a\\nERROR:gateway:forged \\x1b[31m\\ud800 ä"
    stream = io.StringIO()
    logger, handler = logging.Logger("gateway"), logging.StreamHandler(stream)
    handler.setFormatter(TextFormatter())
    logger.addHandler(handler)
    try:
        raise ValueError
    except ValueError:
        logger.exception("Failed.")
    lines = stream.getvalue().splitlines()
    assert lines[:2] == ["ERROR:gateway:Failed.", "Traceback (most recent call last):"]


@pytest.mark.parametrize("name", ["a\nERROR:gateway:forged", 'a" b', "a b=c", "a\x1b[31m", "a\ud800"])
def test_no_name_breaks_a_line_or_looks_like_another_fact(name: str) -> None:
    text = _line(TextFormatter(), "Request", {"viewer": name, "cost": 1})
    assert text.isprintable()
    before, _, rest = text.partition("viewer=")
    shown, after = json.JSONDecoder().raw_decode(rest)
    assert (before, shown, rest[after:]) == ("INFO:gateway.requests:Request ", name, " cost=1")
    line = _line(JSONFormatter(), "Request", {"viewer": name})
    assert line.isprintable()
    assert json.loads(line)["viewer"] == name


def test_json_has_an_object_a_line_with_the_facts_as_members() -> None:
    line = orjson.loads(_line(JSONFormatter(), "Request", {"operation": "Dashboard", "rows": {"postgresql": 3}}))
    time = line.pop("time")
    assert time[10] == "T"
    assert time.endswith("Z")
    assert line == {
        "level": "info",
        "logger": "gateway.requests",
        "message": "Request",
        "operation": "Dashboard",
        "rows": {"postgresql": 3},
    }


@pytest.mark.slow
def test_a_command_writes_bare_messages_with_their_facts() -> None:
    code = """
import logging
from gateway.cli import main
assert main(["schema", "--model", "no.such.model"]) == 1
logging.getLogger("gateway.statements").warning("Slow statement", extra={"facts": {"rows": 3}})
logging.getLogger("gateway").warning("%s is away", "Redis")
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stderr.splitlines()[-2:] == ["Slow statement rows=3", "Redis is away"]


def test_json_has_an_exception_in_its_line() -> None:
    record = logging.LogRecord("gateway", logging.ERROR, "file.py", 1, "It failed", (), None)
    try:
        raise ValueError("a reason")
    except ValueError:
        record.exc_info = sys.exc_info()
    line = JSONFormatter().format(record)
    assert "\n" not in line
    assert orjson.loads(line)["exception"].splitlines()[-1] == "ValueError: a reason"

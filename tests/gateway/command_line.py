"""The command line in the test's own process: in one of its own, it imports the gateway for most of a second."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.cli import main


@dataclass(frozen=True)
class CommandResult:
    """What a command has printed, and its exit status, by the names of `subprocess`."""

    returncode: int
    stdout: str
    stderr: str


def run_command(*arguments: str, environment: Mapping[str, str], cwd: Path | None = None) -> CommandResult:
    """Run a command with this environment alone.

    It runs in a thread, since it starts an event loop, and a test may be in one: a command that waits for signals needs a
    process. What is logged is not in the result, since pytest takes it.
    """
    output, errors, status = _new_stream(), _new_stream(), list[int]()
    thread = threading.Thread(target=lambda: status.append(_status(arguments)))
    with pytest.MonkeyPatch.context() as patch, chdir(cwd or "."), redirect_stdout(output), redirect_stderr(errors):
        for name in os.environ.keys() - environment.keys():
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        thread.start()
        thread.join()
    return CommandResult(status[0], _text(output), _text(errors))


def _status(arguments: tuple[str, ...]) -> int:
    try:
        return main(arguments)
    except SystemExit as end:  # argparse has printed help or an error
        return int(end.code or 0)


def _new_stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)  # with a buffer for bytes, as a process


def _text(stream: io.TextIOWrapper) -> str:
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()

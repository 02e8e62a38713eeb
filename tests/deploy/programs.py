"""Programs of Debian's packages that read what is shipped in deploy/: tests without them are skipped, but not in CI."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

from benchmarks.servers import installed


def leave_out(reason: str) -> NoReturn:
    """Skip a test that this machine lacks something for; fail it where nothing may be skipped."""
    if os.environ.get("GATEWAY_TESTS_SKIP_NOTHING"):
        pytest.fail(reason)
    pytest.skip(reason)


def program(name: str, package: str = "") -> str:
    """Return the path of a program. Without it the test is skipped, with the Debian package that has it."""
    return installed(name) or leave_out(f"{name} is not installed: apt-get install {package or name}")

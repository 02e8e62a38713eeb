"""The memory that the gateway may take is that of its container or service, of either version of control groups."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.observability.memory_limit import memory_limit_bytes

MIB = 1 << 20
MACHINE = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
SERVICE = "0::/system.slice/fuseway.service\n"
VERSION_1 = "5:cpu,cpuacct:/docker/4f\n4:memory:/docker/4f\n"


def limit(folder: Path, own_group: str, files: dict[str, str]) -> int:
    """Return the limit with these control groups."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "own").write_text(own_group)
    return memory_limit_bytes(folder, folder / "own")


@pytest.mark.parametrize(
    ("own_group", "files"),
    [
        ("0::/\n", {"memory.max": f"{64 * MIB}\n"}),
        ("0::/kubepods/pod1/4f\n", {"memory.max": f"{64 * MIB}\n"}),
        (SERVICE, {"system.slice/fuseway.service/memory.max": f"{64 * MIB}\n", "system.slice/memory.max": "max\n"}),
        (SERVICE, {"system.slice/fuseway.service/memory.max": "max\n", "system.slice/memory.max": f"{64 * MIB}\n"}),
        (VERSION_1, {"memory/memory.limit_in_bytes": f"{64 * MIB}\n", "cpu,cpuacct/memory.limit_in_bytes": "1\n"}),
        (VERSION_1, {"memory/docker/4f/memory.limit_in_bytes": f"{64 * MIB}\n"}),
    ],
)
def test_the_lowest_limit_of_the_groups_counts(tmp_path: Path, own_group: str, files: dict[str, str]) -> None:
    assert limit(tmp_path, own_group, files) == 64 * MIB


@pytest.mark.parametrize(
    ("own_group", "files"),
    [
        ("0::/\n", {}),
        ("0::/\n", {"memory.max": "max\n"}),
        (VERSION_1, {"memory/memory.limit_in_bytes": "9223372036854771712\n"}),
    ],
)
def test_without_a_limit_it_is_the_machines_memory(tmp_path: Path, own_group: str, files: dict[str, str]) -> None:
    assert limit(tmp_path, own_group, files) == MACHINE
    assert memory_limit_bytes(tmp_path, tmp_path / "nothing") == MACHINE

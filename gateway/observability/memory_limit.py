"""How much memory the gateway may take."""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_GROUPS: Final = Path("/sys/fs/cgroup")
_OWN_GROUP: Final = Path("/proc/self/cgroup")


def memory_limit_bytes(groups: Path = _GROUPS, own_group: Path = _OWN_GROUP) -> int:
    """Return the lowest limit of this process's container or service; without one, the machine's memory."""
    limits = [resource.getpagesize() * os.sysconf("SC_PHYS_PAGES")]
    for file in _limit_files(groups, own_group):
        with suppress(OSError, ValueError):  # it is not there, or says `max`
            limits.append(int(file.read_text()))
    return min(limits)


def _limit_files(groups: Path, own_group: Path) -> Iterator[Path]:
    """Yield the files with the limits of the control group and those above it, of version 2 and of version 1.

    A container sees its own group as the topmost one, whatever the group is called outside.
    """
    try:
        lines = own_group.read_text().splitlines()
    except OSError:  # no Linux
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        folder, name = (groups / "memory", "memory.limit_in_bytes") if controllers else (groups, "memory.max")
        if controllers in ("", "memory"):
            group = Path(path.lstrip("/"))
            yield from (folder / part / name for part in (group, *group.parents))

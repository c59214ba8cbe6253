"""Main memory this process may use: what is free, or less where a limit is set on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

_GROUPS = Path("/sys/fs/cgroup")


def free_memory() -> tuple[int, int]:
    """Bytes that are free, and in all.

    Containers and services have limits that the system's own figures do not show; a process that
    goes beyond is killed.
    """
    memory = psutil.virtual_memory()
    free, total = int(memory.available), int(memory.total)
    for limit, used in _control_groups():
        free, total = min(free, max(limit - used, 0)), min(total, limit)
    return free, total


def _control_groups() -> Iterator[tuple[int, int]]:
    """Limits of the groups this process is in, and what counts there and cannot be dropped."""
    with suppress(OSError, ValueError):
        own = next(
            line[3:]
            for line in Path("/proc/self/cgroup").read_text("ascii").splitlines()
            if line.startswith("0::/")
        )
        group = _GROUPS / own.lstrip("/")
        for folder in (group, *group.parents):
            if not folder.is_relative_to(_GROUPS):
                return
            yield from _limit(folder)


def _limit(folder: Path) -> Iterator[tuple[int, int]]:
    with suppress(OSError, ValueError):
        limit = int((folder / "memory.max").read_text("ascii"))  # "max" is no number
        used = int((folder / "memory.current").read_text("ascii"))
        lines = (folder / "memory.stat").read_text("ascii").splitlines()
        cached = next(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))
        yield limit, max(used - cached, 0)


def free_addresses() -> int | None:
    """Bytes that this process may still map, where a limit is set on that (``ulimit -v``)."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit != resource.RLIM_INFINITY:
            return max(limit - int(psutil.Process().memory_info().vms), 0)
    return None

"""Prompts for one round after the other: fresh ones as long as there are any."""

from __future__ import annotations

from collections.abc import Sequence

from specdec_cli.bench.workload import Task


class Pool:
    """Hands out prompts of each kind in order, and begins again where they are used up.

    Raises:
        ValueError: there are none.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        if not tasks:
            raise ValueError("no tasks")
        self._kinds: dict[str, list[tuple[int, Task]]] = {}
        self._next: dict[str, int] = {}
        for entry in enumerate(tasks):
            self._kinds.setdefault(entry[1].kind, []).append(entry)

    def take(self, per_kind: int) -> dict[int, Task]:
        """The next prompts by number, so many of each kind, or as many as it has."""
        rows: list[list[tuple[int, Task]]] = []
        for kind, entries in self._kinds.items():
            start = self._next.get(kind, 0)
            count = min(per_kind, len(entries))
            rows.append([entries[(start + i) % len(entries)] for i in range(count)])
            self._next[kind] = start + count
        longest = max(map(len, rows))
        return dict(row[i] for i in range(longest) for row in rows if i < len(row))

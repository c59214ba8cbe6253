"""Downloads on stderr: bars where it is a terminal, lines where it is not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from specdec_cli.terminal.console import ColorChoice, Streams
from specdec_cli.terminal.safe import safe_line
from specdec_cli.terminal.sizes import size

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

_ECHO = len("^C") + 1
"""Columns left free: Ctrl-C is echoed there, and would else wrap and move the bars by a line."""

_STEP = 10
"""Percent between two lines of one file."""


class Transfers:
    """Shows how several files come in, one after the other. Close it, or use it in ``with``."""

    def __init__(self, streams: Streams, *, quiet: bool, color: ColorChoice) -> None:
        self._streams = streams
        self._quiet = quiet
        self._color = color
        self._progress: Progress | None = None
        self._tasks: list[TaskID] = []
        self._files: list[tuple[str, int]] = []
        self._current = 0
        self._have = 0
        self._reported = 0

    def begin(self, files: Sequence[tuple[str, int, int]]) -> None:
        """Name all files: what each is called, its bytes, and those that are here."""
        self._files = [(safe_line(name), total) for name, total, _ in files]
        if self._quiet or not self._streams.can_redraw:
            return
        self._progress = _bars(self._streams.rich(self._color))
        self._tasks = [
            self._progress.add_task(name, total=total, completed=have, start=False)
            for name, (_, total, have) in zip(self._names(), files, strict=True)
        ]
        self._progress.start()

    def file(self, index: int) -> None:
        """The file that ``moved`` is about from now on."""
        self._current = index
        self._have = self._reported = 0
        if self._progress:
            self._progress.start_task(self._tasks[index])

    def moved(self, have: int) -> None:
        """Show that so many bytes are here."""
        jumped = have < self._have or self._have == 0
        self._have = have
        if self._progress:
            task = self._tasks[self._current]
            if jumped:  # what was here before says nothing about the speed
                self._progress.reset(task, completed=have)
            self._progress.update(task, completed=have)
        elif not self._quiet:
            self._tell(have)

    def note(self, text: str) -> None:
        """Say something above the bars."""
        name = self._files[self._current][0] if self._files else ""
        line = safe_line(f"{name}: {text}" if name else text)
        if self._progress:
            self._progress.console.print(line, soft_wrap=True)
        else:
            self.line(line)

    def line(self, text: str) -> None:
        """Print a line, with ``--quiet`` too if it says why nothing happens."""
        self._streams.err.write(f"{safe_line(text)}\n")
        self._streams.err.flush()

    def close(self) -> None:
        """Leave the bars as they are, and the cursor visible."""
        if self._progress:
            self._progress.stop()
            self._progress = None
        self._files = []

    def interrupted(self) -> None:
        """Leave the bars as they are, and the line where Ctrl-C was echoed."""
        if not self._progress and self._streams.can_redraw:
            self._streams.err.write("\n")
        self.close()

    def __enter__(self) -> Transfers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _names(self) -> list[str]:
        widest = max(self._streams.size()[0] // 3, 12)
        names = [name for name, _ in self._files]
        return [name if len(name) <= widest else f"…{name[1 - widest :]}" for name in names]

    def _tell(self, have: int) -> None:
        name, total = self._files[self._current]
        percent = 100 * have // total if total else 100
        if percent // _STEP > self._reported // _STEP or (percent == 100 and self._reported < 100):
            self._reported = percent
            self.line(f"{name}: {size(have)} of {size(total)} ({percent} %)")


def _bars(console: Console) -> Progress:
    from rich.constrain import Constrain
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    class Narrower(Progress):
        def get_renderable(self) -> Constrain:
            return Constrain(super().get_renderable(), console.width - _ECHO)

    return Narrower(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
        expand=True,
    )

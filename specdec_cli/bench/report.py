"""What ``bench`` shows: a bar while it measures, tables at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from specdec_cli.bench.results import BenchResult
from specdec_cli.bench.words import notes, rows_by_arm, rows_by_kind
from specdec_cli.terminal.console import ColorChoice, Streams
from specdec_cli.terminal.safe import safe_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

_WIDTH_OF_FILES = 120


class Bar:
    """A progress bar on stderr where that is a terminal; lines are printed above it.

    Args:
        show: prints a line on stderr.
    """

    def __init__(self, show: Callable[[str], None], progress: Progress | None = None) -> None:
        self._show = show
        self._progress = progress
        self._task: TaskID | None = None

    def start(self, total: int) -> None:
        """Begin to count up to ``total`` answers."""
        if self._progress:
            self._task = self._progress.add_task("", total=total)

    def say(self, what: str) -> None:
        """Name what is under way."""
        if self._progress and self._task is not None:
            self._progress.update(self._task, description=safe_line(what))

    def note(self, lines: Iterable[str]) -> None:
        """Print lines, unless quiet."""
        for line in lines:
            self._show(safe_line(line))

    def advance(self) -> None:
        """One more answer is done."""
        if self._progress and self._task is not None:
            self._progress.advance(self._task)


@contextmanager
def progress_bar(streams: Streams, color: ColorChoice, *, quiet: bool) -> Iterator[Bar]:
    """Show a bar for as long as the context lasts; it leaves no trace."""
    if quiet:
        yield Bar(lambda _: None)
        return
    if not streams.can_redraw:
        yield Bar(lambda line: print(line, file=streams.err, flush=True))
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description:<24}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    console = streams.rich(color)
    with Progress(*columns, console=console, transient=True, refresh_per_second=4) as bar:
        yield Bar(lambda line: console.print(line, soft_wrap=True), bar)


def print_result(result: BenchResult, streams: Streams, color: ColorChoice) -> None:
    """Print the tables on stdout, where the result of a command belongs."""
    console = streams.rich_out(color, _WIDTH_OF_FILES)
    if result.default:
        write_part_by_part(rows_by_kind(result.default), console)
    if len(result.arms) > 1 or not result.default:
        if result.default:
            console.print()
        write_part_by_part(rows_by_arm(result), console)
    for note in notes(result):
        console.print(safe_line(note), soft_wrap=not streams.out_tty)


def write_part_by_part(rows: Sequence[tuple[str, ...]], console: Console) -> None:
    """Print a table; where it is wider than the console, its columns in several, one below another.

    The first column is in each. Numbers are never cut.
    """
    from rich.table import Table

    for number, part in enumerate(_parts(rows, console.width)):
        if number:
            console.print()
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
        for i in part:
            table.add_column(rows[0][i], justify="right" if i else "left", no_wrap=bool(i))
        for row in rows[1:]:
            cells = (safe_line(row[i]) for i in part)
            table.add_row(*cells, style="bold" if row[0] == "all" else None)
        console.print(table)


def _parts(rows: Sequence[tuple[str, ...]], width: int) -> list[list[int]]:
    """The columns of each part, by number, so that none is wider than so many cells."""
    from rich.cells import cell_len

    widths = [
        max(cell_len(line) for row in rows for line in row[i].split("\n")) + 1
        for i in range(len(rows[0]))
    ]
    first = min(widths[0], width // 2)
    parts, used = [[0]], first
    for i, cells in enumerate(widths[1:], start=1):
        if used + cells > width + 1 and len(parts[-1]) > 1:
            parts.append([0])
            used = first
        parts[-1].append(i)
        used += cells
    return parts

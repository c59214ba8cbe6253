"""``/compare``: two answers side by side, or one under the other where there is no room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from specdec_cli.chat.view.status import acceptance_and_speed
from specdec_cli.core.stats import RunStats
from specdec_cli.terminal.safe import safe

if TYPE_CHECKING:
    from rich.console import Console

_NARROW = 60


@dataclass(frozen=True, slots=True)
class Side:
    """One of the answers."""

    title: str
    text: str
    stats: RunStats

    @property
    def speed(self) -> str:
        """What it took."""
        counts = f"{self.stats.completion_tokens} tokens in {self.stats.decode_seconds:.2f} s"
        return " · ".join([counts, *acceptance_and_speed(self.stats)])


def show_sides(sides: Sequence[Side], verdict: str, console: Console) -> None:
    """Print both answers, both speeds, and whether the texts are equal."""
    if console.width < _NARROW:
        for side in sides:
            console.print(side.title, style="bold")
            console.print(safe(side.text))
            console.print(side.speed, style="dim")
    else:
        _table(sides, console)
    console.print(verdict, soft_wrap=True)


def _table(sides: Sequence[Side], console: Console) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.MINIMAL, expand=True, header_style="bold", footer_style="dim")
    table.show_footer = True
    for side in sides:
        table.add_column(side.title, footer=side.speed, ratio=1, overflow="fold")
    table.add_row(*(Text(safe(side.text).expandtabs()) for side in sides))
    console.print(table)

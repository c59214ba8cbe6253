"""Redraws the footer on events, at most a few times a second, without a thread."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

from specdec_cli.core.clock import now as seconds_now
from specdec_cli.core.events import (
    Baseline,
    Event,
    Parked,
    PromptDone,
    PromptProgress,
    Resumed,
    Round,
    Text,
)
from specdec_cli.core.stats import RunStats
from specdec_cli.terminal.footer import answer_line, loading_line, prompt_line
from specdec_cli.terminal.screen import Screen

_MUCH = 256
"""Tokens of a prompt to be read for which a person is told at once that it takes a while."""
_DELAY = 0.3  # loading and prompts that take less show nothing
_FOOTER = 0.1  # seconds between two footers
_TEXT = 0.03  # longest time that text waits for its frame, plus one round
_SLOW_ROUND = 0.015  # text of rounds that take longer never waits


class Live:
    """Folds events into a footer.

    Args:
        screen: where to draw; it may hold answer text that the next ``paint`` writes.
        clock: seconds, from any start.
        footer: says what the footer says while an answer streams; by default, its rates.
    """

    def __init__(
        self,
        screen: Screen,
        clock: Callable[[], float] = seconds_now,
        footer: Callable[[], str] | None = None,
    ) -> None:
        self._screen = screen
        self._clock = clock
        self._footer = footer
        self._line = ""
        self._line_at = float("-inf")
        self._painted_at = float("-inf")
        self._waiting_since: float | None = None
        self._models: dict[str, tuple[str, float]] = {}
        self._stats = RunStats()
        self._answer_since: float | None = None
        self._k = 0
        self._parked: Parked | None = None
        self._slow = True

    def loading(self, role: str, path: str, fraction: float) -> None:
        """Show the progress of loading, if it takes a while."""
        self._models[role] = (PurePath(path).name, fraction)
        if all(done >= 1.0 for _, done in self._models.values()):
            self.hide()
            return
        if self._due(self._clock()):
            self._show(loading_line(self._models))

    def observe(self, event: Event) -> None:
        """Take in one event; text was given to the screen before."""
        now = self._clock()
        if isinstance(event, Round):
            self._stats.observe(event)
            self._k = event.drafted
            self._slow = event.draft_seconds + event.verify_seconds > _SLOW_ROUND
            if now - self._painted_at >= _TEXT and not self._slow:
                self._paint(now)
        elif isinstance(event, Text):
            if self._slow or now - self._painted_at >= _TEXT:
                self._paint(now)
        elif isinstance(event, Baseline):
            self._stats.observe(event)
        elif isinstance(event, Parked | Resumed):
            self._parked = event if isinstance(event, Parked) else None
        elif isinstance(event, PromptProgress):
            first = self._waiting_since is None
            if self._due(now) or (first and event.total - event.done > _MUCH):
                self._show(prompt_line(event.done, event.total))
        elif isinstance(event, PromptDone):
            self.hide()
            self._stats = RunStats()
            self._parked = None
            self._answer_since = self._line_at = now
        else:
            self.hide()

    def hide(self) -> None:
        """Remove the footer: whatever it told of is over."""
        self._waiting_since = self._answer_since = None
        self.clear()

    def clear(self) -> None:
        """Remove the footer until its next redraw."""
        self._show("")

    def _due(self, now: float) -> bool:
        if self._waiting_since is None:
            self._waiting_since = now
        return now - self._waiting_since >= _DELAY and now - self._line_at >= _FOOTER

    def _paint(self, now: float) -> None:
        """Write the waiting text, with a fresh footer if the last is old."""
        if self._answer_since is not None and now - self._line_at >= _FOOTER:
            self._line = self._footer() if self._footer else self._rates(now - self._answer_since)
            self._line_at = now
        self._painted_at = now
        self._screen.paint(self._line)

    def _rates(self, seconds: float) -> str:
        return answer_line(self._stats, seconds, self._k, self._parked)

    def _show(self, line: str) -> None:
        self._line = line
        self._line_at = self._painted_at = self._clock()
        self._screen.paint(line)

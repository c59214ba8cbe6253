"""What a command shows while it works: answer text, live footer, JSON lines, trace, summary.

A command builds one view and hands it everything::

    view = make_view(ViewOptions(quiet=quiet, output="text"))
    try:
        engine = build(..., progress=lambda role, path, done: view.loading(role, path, done))
        for event in engine.generate(prompt):
            stats.observe(event)
            view.observe(event)
    finally:
        view.close()
    view.summary(stats)
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from specdec_cli.core.clock import now
from specdec_cli.core.events import Event, Finished, PromptDone, Text
from specdec_cli.core.stats import RunStats
from specdec_cli.errors import UsageError
from specdec_cli.terminal.answer import AnswerText
from specdec_cli.terminal.console import ColorChoice, Streams
from specdec_cli.terminal.errors import fitted, warning_line
from specdec_cli.terminal.jsonl import JsonLines, Trace
from specdec_cli.terminal.plain import Plain
from specdec_cli.terminal.safe import safe, safe_line
from specdec_cli.terminal.summary import print_table, summary_lines

if TYPE_CHECKING:
    from specdec_cli.terminal.live import Live

Output = Literal["text", "json", "jsonl"]


@dataclass(frozen=True, slots=True)
class ViewOptions:
    """What the command line asks of the view.

    Args:
        output: ``text`` streams the answer to stdout, ``jsonl`` the events; with ``json`` the view
            leaves stdout alone and the command writes one object with ``jsonl.write_object``.
        quiet: nothing on stderr but warnings and errors.
        verbose: the summary is a table with a row per drafter.
        stats: whether to print the summary; by default with ``text`` and without ``quiet``.
        show_drafts: colour text that came from accepted draft tokens; without colour, no change.
        color: ``auto`` follows the terminal, ``NO_COLOR``, ``FORCE_COLOR`` and ``TERM``.
        trace: also write every event as a JSON line with seconds since the start to this file.
    """

    output: Output = "text"
    quiet: bool = False
    verbose: bool = False
    stats: bool | None = None
    show_drafts: bool = False
    color: ColorChoice = "auto"
    trace: Path | None = None


class View(Protocol):
    """Where a command's progress goes; safe to call in any order, ``close`` any number of times."""

    def loading(self, role: str, path: str, fraction: float) -> None:
        """Show that the ``role`` ("target", "draft") model is loaded by ``fraction`` (0 to 1)."""

    def observe(self, event: Event) -> None:
        """Show one event of the engine.

        Raises:
            BrokenPipeError: nobody reads stdout any more; the command exits with 141.
        """

    def note(self, message: str) -> None:
        """Print a line on stderr unless quiet."""

    def warn(self, message: str) -> None:
        """Print a ``Warning:`` line on stderr."""

    def close(self) -> None:
        """Remove the footer and end an unfinished answer with a newline; stdout is flushed."""

    def summary(self, stats: RunStats) -> None:
        """Print the summary on stderr, where the options want one; closes the view first."""


def make_view(
    options: ViewOptions,
    streams: Streams | None = None,
    clock: Callable[[], float] = now,
) -> View:
    """Build the view of one command.

    Args:
        streams: the process's own stdout and stderr unless a test injects others.
        clock: seconds, from any start.

    Raises:
        UsageError: the trace file cannot be written.
    """
    streams = streams or Streams.standard()
    trace = None
    if options.trace is not None:
        try:
            file = options.trace.open("ab", buffering=0)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise UsageError(
                f"cannot write the trace file {options.trace}: {reason}",
                "give a path that can be written: --trace run.jsonl",
            ) from error
        trace = Trace(file)
    live, write = _screen(options, streams, clock)
    return _RunView(options, streams, live, write, trace)


def _screen(
    options: ViewOptions, streams: Streams, clock: Callable[[], float]
) -> tuple[Live | None, Callable[[str], None] | None]:
    """Return the footer, if there is to be one, and what writes answer text, if it is wanted."""
    plain = Plain(streams.out, streams.wraps).write if options.output == "text" else None
    if options.quiet or options.output != "text" or not streams.can_redraw:
        return None, plain
    color = streams.err_color(options.color)

    def style(line: str) -> str:
        return f"\x1b[2m{line}\x1b[0m" if color else line

    # rich.cells is only needed, and only imported, for drawing.
    from specdec_cli.terminal.live import Live
    from specdec_cli.terminal.screen import LineScreen, SharedScreen

    if streams.shared:
        screen = SharedScreen(streams.out, streams.size, style)
        return Live(screen, clock), screen.write
    return Live(LineScreen(streams.err, streams.size, style), clock), plain


class _RunView:
    """The view of one command, composed of what its options want."""

    def __init__(
        self,
        options: ViewOptions,
        streams: Streams,
        live: Live | None,
        write: Callable[[str], None] | None,
        trace: Trace | None,
    ) -> None:
        self._options = options
        self._streams = streams
        self._live = live
        self._write = write
        self._trace = trace
        self._lines = JsonLines(streams.out) if options.output == "jsonl" else None
        self._answer = AnswerText(
            terminal=streams.out_tty,
            show_drafts=options.show_drafts and streams.out_color(options.color),
        )
        self._deferred: list[str] = []
        self._thought = False  # and no answer after it yet
        self._thought_shown = False

    def loading(self, role: str, path: str, fraction: float) -> None:
        if self._live:
            self._live.loading(role, path, fraction)

    def observe(self, event: Event) -> None:
        if self._trace:
            try:
                self._trace.observe(event)
            except OSError as error:
                self._end_trace(error)
        if self._lines:
            self._lines.observe(event)
        if self._write:
            self._observe_text(event, self._write)
        if self._live:
            self._live.observe(event)
        if self._deferred and isinstance(event, Finished):
            self._print_deferred()

    def _observe_text(self, event: Event, write: Callable[[str], None]) -> None:
        if isinstance(event, Text) and event.part != "answer":
            self._observe_thought(event, write)
        elif isinstance(event, Text):
            text = event.text
            if self._thought:  # what stands between a thought and the answer is ours
                text = text.lstrip("\n")
                self._thought = not text
                if text and self._thought_shown:
                    write("\n\n")
            text = self._answer.feed(text, event.drafted)
            if text:
                write(text)
        elif isinstance(event, PromptDone):
            self._answer.begin()
            self._thought = self._thought_shown = False
        elif isinstance(event, Finished):
            self._answer.begin()
            write(self._answer.end())

    def _observe_thought(self, event: Text, write: Callable[[str], None]) -> None:
        """Thoughts are shown on a terminal only: what is piped is the answer."""
        self._thought = True
        text = event.text if self._thought_shown else event.text.lstrip()
        if event.part == "thought" and text and self._streams.out_tty and not self._options.quiet:
            self._thought_shown = True
            self._answer.begin()
            text = safe(text)
            dim = self._streams.out_color(self._options.color)
            write(f"\x1b[2m{text}\x1b[0m" if dim else text)

    def note(self, message: str) -> None:
        if not self._options.quiet:
            self._say(fitted(safe_line(message), self._streams.columns) + "\n")

    def warn(self, message: str) -> None:
        streams = self._streams
        color = streams.err_color(self._options.color)
        self._say(warning_line(message, color=color, columns=streams.columns))

    def _say(self, line: str) -> None:
        """Print on stderr: at once, or after the answer where the line would land inside it."""
        self._deferred.append(line)
        if not (self._answer.open and self._streams.shared):
            self._print_deferred()

    def _print_deferred(self) -> None:
        if self._live:
            self._live.clear()
        self._streams.err.write("".join(self._deferred))
        self._streams.err.flush()
        self._deferred.clear()

    def _end_trace(self, error: OSError) -> None:
        """The answer goes on without a trace."""
        assert self._trace
        with suppress(OSError):
            self._trace.close()
        self._trace = None
        reason = error.strerror or error
        self.warn(f"the trace ends here: {self._options.trace} cannot be written: {reason}")

    def close(self) -> None:
        ending = self._answer.end()
        try:
            if ending and self._write:
                self._write(ending)
        finally:
            if self._live:
                self._live.hide()
            if self._deferred:
                self._print_deferred()
            if self._trace:
                try:
                    self._trace.close()
                except OSError as error:  # what some file systems tell only now
                    self._end_trace(error)
                self._trace = None

    def summary(self, stats: RunStats) -> None:
        self.close()
        options = self._options
        wanted = options.output == "text" and not options.quiet
        if not (wanted if options.stats is None else options.stats):
            return
        if options.verbose:
            print_table(stats, self._streams.rich(options.color))
        else:
            color = self._streams.err_color(options.color)
            for line in summary_lines(stats):
                line = fitted(line, self._streams.columns)
                self._streams.err.write(f"\x1b[2m{line}\x1b[0m\n" if color else f"{line}\n")
        self._streams.err.flush()

"""A thinking block as one line."""

from __future__ import annotations

from collections.abc import Callable


class CollapsedThinking:
    """Counts what is thought instead of showing it; blocks that follow each other count as one.

    Args:
        clock: seconds, from any start.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since: float | None = None
        self._tokens = 0
        self._text: list[str] = []
        self._said = False

    @property
    def open(self) -> bool:
        """Whether a block with anything in it is under way."""
        return self._said

    @property
    def text(self) -> str:
        """What was thought in the block under way."""
        return "".join(self._text)

    def count(self, tokens: int) -> None:
        """Count tokens that belong to the block, if they turn out to."""
        if self._since is None:
            self._since = self._clock()
        self._tokens += tokens

    def add(self, text: str) -> None:
        """Take in what is thought."""
        self.count(0)
        self._text.append(text)
        self._said = self._said or bool(text.strip())

    def live(self) -> str:
        """Return the line to show while it goes on."""
        return f"thinking…{self._counted(' ')}"

    def close(self, *, unfinished: bool = False) -> str:
        """End the block; the line to leave in its place."""
        seconds = self._clock() - (self._since or 0.0)
        verb = "stopped thinking after" if unfinished else "thought for"
        self._said = False
        self._text.clear()
        return f"{verb} {seconds:.1f} s{self._counted(', ')}"

    def _counted(self, before: str) -> str:
        if not self._tokens:
            return ""
        return f"{before}{self._tokens} token" + "s" * (self._tokens != 1)

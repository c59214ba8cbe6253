"""Events of the engine; statistics, the live view and JSON lines are computed from them.

Every event is frozen and holds only JSON-able values, seconds for times.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

TextPart = Literal["mark", "thought", "answer"]
"""What a model thinks before it answers, the marks around that, and the answer."""

FinishReason = Literal["stop", "length", "context", "cancelled"]


@dataclass(frozen=True, slots=True)
class PromptProgress:
    """Part of the prompt has been read by the target."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class PromptDone:
    """The prompt is in the target's cache.

    ``reused`` tokens of ``tokens`` were already there from an earlier prompt.
    """

    tokens: int
    reused: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Round:
    """One draft, one target pass, one verdict.

    ``tokens`` are the committed ones: the first ``accepted`` of them were drafted, the last is the
    target's own unless the end of generation or the budget cut it off. ``drafted`` is the number of
    draft tokens the target verified; a cut lowers ``accepted`` too, so nothing counts that was
    not committed. ``parked`` marks a round without a draft because drafting did not pay.
    ``other_seconds`` is the time between the round before and this one: bookkeeping, and the reader
    of the events. ``interrupted`` marks a round in which other programs took the processors, or the
    process was stopped; its times are no measurement. ``read_seconds`` is the part of
    ``draft_seconds`` for reading text the drafter had missed, above all the prompt.
    """

    tokens: tuple[int, ...]
    drafted: int
    accepted: int
    source: str
    draft_seconds: float
    verify_seconds: float
    parked: bool = False
    other_seconds: float = 0.0
    interrupted: bool = False
    read_seconds: float = 0.0

    @property
    def seconds(self) -> float:
        """All of its time."""
        return self.draft_seconds + self.verify_seconds + self.other_seconds


@dataclass(frozen=True, slots=True)
class Parked:
    """Nothing but probes is drafted from now on, until ``Resumed``.

    Attributes:
        reason: ``no gain`` where no draft length is expected to pay, ``losing`` where drafting has
            cost more than it may, whatever is expected of it.
        accepted: the fraction of drafted tokens accepted of late; ``None`` where too few
            were looked at to tell.
        needed: the fraction that would pay; above 1.0 when none would.
    """

    reason: Literal["no gain", "losing"]
    accepted: float | None
    needed: float

    @property
    def too_few(self) -> bool:
        """Whether what was accepted explains it."""
        return self.accepted is not None and self.accepted < self.needed

    def __str__(self) -> str:
        if self.too_few:
            return f"{self.accepted:.0%} accepted".replace("%", " %")
        if self.accepted is None and self.reason == "no gain":
            return "no draft is expected to pay"
        return "drafts cost more than they saved"


@dataclass(frozen=True, slots=True)
class Resumed:
    """Drafting is expected to pay again."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """Seconds of a token of plain decoding now: a target pass, and the loop around it."""

    token_seconds: float


@dataclass(frozen=True, slots=True)
class Text:
    """Text that is complete (valid UTF-8, no part of a stop string).

    ``drafted`` tells whether it came from an accepted draft token. All of it is the answer's where
    nobody asked for a model's thoughts to be told apart.
    """

    text: str
    drafted: bool
    part: TextPart = "answer"


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer has ended; ``stop`` is the stop string that ended it, if one did.

    ``settings``, the seed among them, and ``models`` are those of the answer, where a command line
    gave them: what is needed to have it again.
    """

    reason: FinishReason
    seconds: float
    stop: str | None = None
    settings: Mapping[str, Any] | None = None
    models: Mapping[str, Any] | None = None


Event = PromptProgress | PromptDone | Baseline | Round | Text | Parked | Resumed | Finished

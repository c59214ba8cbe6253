"""Statistics of a run, computed from its events."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from itertools import accumulate, zip_longest
from typing import Any

from specdec_cli.core.events import Baseline, Event, Finished, Parked, PromptDone, Round

_TOO_BUSY = 0.3


@dataclass(slots=True)
class SourceStats:
    """Draft tokens of one drafter."""

    drafted: int = 0
    accepted: int = 0


@dataclass(slots=True)
class RunStats:
    """Counters over the events of one answer, or with ``+`` of several.

    Fields are counters that ``observe`` raises; rates are properties. A rate with nothing to divide
    by is 0.0; what was never measured is ``None``.

    Args:
        load_seconds: how long loading the models took; a sum keeps the longest, as runs share it.
        baseline_token_seconds: what a token takes with plain decoding, the loop around its pass
            included, as last measured; a sum weighs it by tokens.

    Attributes:
        draft_prompt_seconds: the part of ``draft_seconds`` for reading text the drafter had missed,
            above all the prompt.
        parked: why drafting last stopped, if it did; it may have been resumed since.
        interrupted_seconds: of rounds in which other programs took the processors.
        compared_tokens, compared_seconds, plain_seconds: of the other rounds but an answer's first,
            the tokens, the time they took, and what plain decoding would have taken then.
    """

    load_seconds: float = 0.0
    baseline_token_seconds: float | None = None

    rounds: int = 0
    drafted: int = 0
    accepted: int = 0
    completion_tokens: int = 0
    parked_rounds: int = 0
    prompt_tokens: int = 0
    reused_tokens: int = 0
    prompt_seconds: float = 0.0
    draft_seconds: float = 0.0
    draft_prompt_seconds: float = 0.0
    verify_seconds: float = 0.0
    overhead_seconds: float = 0.0
    interrupted_seconds: float = 0.0
    compared_tokens: int = 0
    compared_seconds: float = 0.0
    plain_seconds: float = 0.0
    by_source: dict[str, SourceStats] = field(default_factory=dict)
    parked: Parked | None = None

    # Rounds by how many draft tokens they kept: raising one entry per round is cheaper than
    # raising one per token. The list is one longer than the longest draft.
    rounds_keeping: list[int] = field(default_factory=lambda: [0])
    rounds_drafting: list[int] = field(default_factory=lambda: [0])  # by drafted tokens
    _first_token_seconds: float = 0.0
    _answers: int = 0
    # Of the answer under way, since the last Finished.
    _answer_rounds: int = 0
    _answer_prompt_seconds: float = 0.0
    _answer_pass_seconds: float = 0.0

    def observe(self, event: Event) -> None:
        """Count one event."""
        if isinstance(event, Round):
            self._observe_round(event)
        elif isinstance(event, Baseline):
            self.baseline_token_seconds = event.token_seconds
        elif isinstance(event, Parked):
            self.parked = event
        elif isinstance(event, PromptDone):
            self.prompt_tokens += event.tokens
            self.reused_tokens += event.reused
            self.prompt_seconds += event.seconds
            self._answer_prompt_seconds += event.seconds
        elif isinstance(event, Finished):
            self.overhead_seconds += event.seconds - self._answer_pass_seconds
            self._answer_rounds = 0
            self._answer_prompt_seconds = self._answer_pass_seconds = 0.0

    def _observe_round(self, event: Round) -> None:
        seconds = event.draft_seconds + event.verify_seconds
        if self._answer_rounds == 0:
            self._answers += 1
            self._first_token_seconds += self._answer_prompt_seconds + seconds
        self._answer_rounds += 1
        self._answer_pass_seconds += seconds
        self.rounds += 1
        self.completion_tokens += len(event.tokens)
        self.parked_rounds += event.parked
        self.draft_seconds += event.draft_seconds
        self.draft_prompt_seconds += event.read_seconds
        self.verify_seconds += event.verify_seconds
        if event.interrupted:
            self.interrupted_seconds += event.seconds
        elif self._answer_rounds == 1:
            # The pass after a prompt takes longer, with or without drafts; only drafting counts.
            self.compared_seconds += event.draft_seconds
        elif self.baseline_token_seconds is not None and event.other_seconds <= seconds:
            # Otherwise the loop waited for a reader, such as a pager, which drafts cannot change.
            self.compared_tokens += len(event.tokens)
            self.compared_seconds += event.seconds
            self.plain_seconds += self.baseline_token_seconds * len(event.tokens)
        if event.drafted:
            self.drafted += event.drafted
            self.accepted += event.accepted
            source = self.by_source.get(event.source)
            if source is None:
                source = self.by_source[event.source] = SourceStats()
            source.drafted += event.drafted
            source.accepted += event.accepted
            missing = event.drafted + 1 - len(self.rounds_keeping)
            if missing > 0:
                self.rounds_keeping += [0] * missing
                self.rounds_drafting += [0] * missing
            self.rounds_keeping[event.accepted] += 1
            self.rounds_drafting[event.drafted] += 1

    @property
    def acceptance_rate(self) -> float:
        """The share of draft tokens that was kept."""
        return self.accepted / self.drafted if self.drafted else 0.0

    @property
    def mean_accepted_length(self) -> float:
        """Committed tokens per target pass; plain decoding has 1."""
        return self.completion_tokens / self.rounds if self.rounds else 0.0

    @property
    def accepted_by_position(self) -> list[int]:
        """In how many rounds the draft's token ``i`` was accepted, up to the longest draft."""
        return _at_least(self.rounds_keeping)

    @property
    def kept_by_position(self) -> list[float]:
        """The fraction of drafts accepted at a position, of those that reached it."""
        reached = _at_least(self.rounds_drafting)
        return [k / r for k, r in zip(self.accepted_by_position, reached, strict=True)]

    @property
    def decode_seconds(self) -> float:
        """Wall time after the prompt; before ``Finished``, what the rounds took so far."""
        return self.draft_seconds + self.verify_seconds + self.overhead_seconds

    @property
    def time_to_first_token(self) -> float | None:
        """From the start of the prompt to the end of the first round; a mean over answers."""
        return self._first_token_seconds / self._answers if self._answers else None

    @property
    def tokens_per_second(self) -> float:
        """Committed tokens per second of decoding."""
        seconds = self.decode_seconds
        return self.completion_tokens / seconds if seconds > 0.0 else 0.0

    @property
    def baseline_tokens_per_second(self) -> float | None:
        """What plain decoding would reach."""
        return 1.0 / self.baseline_token_seconds if self.baseline_token_seconds else None

    @property
    def too_busy(self) -> bool:
        """Whether other programs interrupted too much for a comparison."""
        return self.interrupted_seconds > _TOO_BUSY * (self.draft_seconds + self.verify_seconds)

    @property
    def speedup(self) -> float | None:
        """How many times as fast as plain decoding; ``None`` where nothing could draft.

        Interrupted rounds are left out, since their times show what other programs did. ``None``
        also where too much was interrupted.
        """
        if not self.could_draft or self.too_busy or not self.compared_tokens:
            return None
        return self.plain_seconds / self.compared_seconds

    def speedup_over(self, plain: RunStats) -> float | None:
        """How many times as fast as another answer, by the rounds that were not interrupted."""
        if self.too_busy or plain.too_busy:
            return None
        rates = [
            each.compared_tokens / each.compared_seconds if each.compared_tokens else 0.0
            for each in (self, plain)
        ]
        return rates[0] / rates[1] if rates[1] else None

    @property
    def could_draft(self) -> bool:
        """Whether anything was drafted, or would have been if it had paid."""
        return bool(self.drafted or self.parked_rounds)

    def as_dict(self) -> dict[str, Any]:
        """Return the ``stats`` block of the JSON output.

        Where the machine was too busy for a comparison, plain decoding has no speed either, as the
        two side by side would be one.
        """
        return {
            "rounds": self.rounds,
            "drafted": self.drafted,
            "accepted": self.accepted,
            "acceptance_rate": self.acceptance_rate,
            "mean_accepted_length": self.mean_accepted_length,
            "accepted_by_position": self.accepted_by_position,
            "by_source": {
                name: {"drafted": source.drafted, "accepted": source.accepted}
                for name, source in self.by_source.items()
            },
            "load_seconds": self.load_seconds,
            "prompt_seconds": self.prompt_seconds,
            "time_to_first_token": self.time_to_first_token,
            "decode_seconds": self.decode_seconds,
            "draft_seconds": self.draft_seconds,
            "draft_prompt_seconds": self.draft_prompt_seconds,
            "verify_seconds": self.verify_seconds,
            "overhead_seconds": self.overhead_seconds,
            "tokens_per_second": self.tokens_per_second,
            "baseline_tokens_per_second": None
            if self.too_busy
            else self.baseline_tokens_per_second,
            "speedup": self.speedup,
            "interrupted_seconds": self.interrupted_seconds,
            "too_busy": self.too_busy,
            "parked_rounds": self.parked_rounds,
            "parked": asdict(self.parked) if self.parked else None,
        }

    def __add__(self, other: RunStats) -> RunStats:
        """Return the statistics of both; neither changes."""
        return _sum(self, other)


_COUNTERS = tuple(
    item.name
    for item in fields(RunStats)
    if item.type in ("int", "float") and item.name != "load_seconds"
)


def _sum(a: RunStats, b: RunStats) -> RunStats:
    total = RunStats(max(a.load_seconds, b.load_seconds), _baseline(a, b))
    total.parked = b.parked or a.parked
    for name in _COUNTERS:
        setattr(total, name, getattr(a, name) + getattr(b, name))
    for name in [*a.by_source, *b.by_source]:
        if name not in total.by_source:
            parts = [stats.by_source.get(name, SourceStats()) for stats in (a, b)]
            total.by_source[name] = SourceStats(
                sum(part.drafted for part in parts), sum(part.accepted for part in parts)
            )
    for name in ("rounds_keeping", "rounds_drafting"):
        pairs = zip_longest(getattr(a, name), getattr(b, name), fillvalue=0)
        setattr(total, name, [x + y for x, y in pairs])
    return total


def _at_least(rounds: list[int]) -> list[int]:
    """Turn counts of rounds with exactly n tokens into counts with at least 1, 2, … tokens."""
    return list(accumulate(reversed(rounds)))[::-1][1:]


def _baseline(a: RunStats, b: RunStats) -> float | None:
    """Return the pass time that would decode both answers in the time the two would."""
    seconds, tokens = 0.0, 0
    for stats in (a, b):
        if stats.baseline_token_seconds is not None:
            seconds += stats.baseline_token_seconds * stats.completion_tokens
            tokens += stats.completion_tokens
    if tokens:
        return seconds / tokens
    return (
        b.baseline_token_seconds if a.baseline_token_seconds is None else a.baseline_token_seconds
    )

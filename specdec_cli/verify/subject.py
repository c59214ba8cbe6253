"""What is put to the test, and one answer of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

from specdec_cli.core.events import Finished, Round
from specdec_cli.core.verify import Rule
from specdec_cli.engine.loop import generate
from specdec_cli.engine.session import Session
from specdec_cli.engine.settings import AnswerSettings
from specdec_cli.errors import Cancelled

Stop = Callable[[], bool]
"""Whether the person asked to stop."""

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it, and of how much."""


class Subject(Protocol):
    """Makes sessions; a ``Decoder`` is one."""

    def session(self, answer: AnswerSettings, *, plain: bool = False) -> Session: ...

    def rule(self, answer: AnswerSettings) -> Rule: ...


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt by its text, for people, and by its tokens, for models."""

    name: str
    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """The tokens of one answer and the rounds they came in.

    Args:
        rounds: for each round the number of tokens before it, how many were drafted, and how many
            of these were kept.
    """

    tokens: tuple[int, ...]
    rounds: tuple[tuple[int, int, int], ...]

    @property
    def drafted(self) -> int:
        return sum(drafted for _, drafted, _ in self.rounds)

    @property
    def accepted(self) -> int:
        return sum(accepted for _, _, accepted in self.rounds)

    def round_of(self, position: int) -> tuple[int, int]:
        """Where the round of a token began, and how many tokens were drafted in it."""
        found = (position, 0)
        for began, drafted, _ in self.rounds:
            if began <= position:
                found = (began, drafted)
        return found


def answer(
    session: Session,
    prompt: Sequence[int],
    max_tokens: int,
    stop: Stop,
    *,
    enough: int | None = None,
) -> Run:
    """Answer a prompt.

    Args:
        enough: walk away once there are this many tokens; the last round may bring more.

    Raises:
        Cancelled: the person asked to stop.
        SpecdecError: see ``generate``.
    """
    tokens: list[int] = []
    rounds: list[tuple[int, int, int]] = []
    with closing(generate(session, prompt, max_tokens=max_tokens, cancelled=stop)) as events:
        for event in events:
            if isinstance(event, Round):
                rounds.append((len(tokens), event.drafted, event.accepted))
                tokens += event.tokens
                if enough is not None and len(tokens) >= enough:
                    break
            elif isinstance(event, Finished) and event.reason == "cancelled":
                raise Cancelled
    return Run(tuple(tokens), tuple(rounds))

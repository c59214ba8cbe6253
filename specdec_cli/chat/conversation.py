"""A conversation: what was said, and which of it the model still sees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from specdec_cli.core.events import FinishReason
from specdec_cli.templates.message import Message


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of the person and its answer.

    Args:
        user: empty where the assistant spoke first.
        answer: ``None`` until there is one.
        reason: why the answer ended; ``None`` if it did not get that far.
    """

    user: str
    answer: str | None = None
    reason: FinishReason | None = None


class Conversation:
    """Turns, oldest first, and the system message before them.

    Only the last turn may lack its answer.

    Attributes:
        system: the system message, empty for none.
        first: the first turn the model sees; those before it were dropped from its context, and
            are only kept for the person.
    """

    def __init__(self, system: str = "", turns: Iterable[Turn] = ()) -> None:
        self.system = system
        self.first = 0
        self._turns = list(turns)

    def __len__(self) -> int:
        return len(self._turns)

    def __iter__(self) -> Iterator[Turn]:
        return iter(self._turns)

    @property
    def last(self) -> Turn | None:
        """The last turn, if there is one."""
        return self._turns[-1] if self._turns else None

    @property
    def waiting(self) -> bool:
        """Whether the last message has no answer yet."""
        return self.last is not None and self.last.answer is None

    def ask(self, text: str) -> None:
        """Add a message of the person; one that has no answer gives way to it."""
        if self.waiting:
            self._turns.pop()
        self._turns.append(Turn(text))

    def answer(self, text: str, reason: FinishReason | None = None) -> None:
        """Give the last message its answer, or another one; without a reason it may go on."""
        self._turns[-1] = replace(self._turns[-1], answer=text, reason=reason)

    def reopen(self) -> None:
        """Take the last answer away, so that its message can be answered again."""
        self._turns[-1] = Turn(self._turns[-1].user)

    def undo(self) -> Turn | None:
        """Take the last turn away; returns it, if there was one."""
        turn = self._turns.pop() if self._turns else None
        if self.first >= len(self._turns):  # what was dropped fits again, or is dropped again
            self.first = 0
        return turn

    def messages(self, first: int | None = None) -> list[Message]:
        """What the model sees: the system message and the turns from ``first`` on."""
        messages = [Message("system", self.system)] if self.system else []
        for turn in self._turns[self.first if first is None else first :]:
            messages.append(Message("user", turn.user))
            if turn.answer is not None:
                messages.append(Message("assistant", turn.answer))
        return messages

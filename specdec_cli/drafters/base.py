"""The interface of a drafter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from specdec_cli.core.draft_length.policy import DraftLengthPolicy
from specdec_cli.core.events import Round
from specdec_cli.core.types import Draft
from specdec_cli.drafters.stepper import Cache, Stepper
from specdec_cli.models.base import SamplerChain
from specdec_cli.models.cached import CachedModel


class Drafter(Protocol):
    """Proposes tokens; owns its own state and never touches the target's.

    A drafter is always handed *all* committed tokens and brings itself up to date by the common
    prefix with what its cache holds. Full acceptance (after which the draft model lacks its own
    last token), edits of a conversation and rounds drafted by someone else need no special case.
    """

    @property
    def name(self) -> str: ...

    def start(self, prompt: Sequence[int], cancelled: Callable[[], bool]) -> None:
        """A new answer begins after ``prompt``, which may share any prefix with the last one.

        Nothing is read yet, so that the first token need not wait for it.

        Args:
            cancelled: may be asked while drafting; the caller then discards the draft.
        """

    def draft(self, tokens: Sequence[int], limit: int) -> Draft:
        """Propose at most ``limit`` tokens to follow ``tokens``."""

    def observe(self, outcome: Round) -> None:
        """Learn how a round ended, whichever drafter made the draft.

        Learning happens only here, on the thread that asked for the round: a draft under way
        follows the plan it was begun with.
        """

    def close(self) -> None:
        """End everything that was started for the answer, however it ended.

        May be called more than once, and another ``start`` may follow.
        """


@dataclass(frozen=True, slots=True)
class Parts:
    """What the drafter of one answer is made from.

    Args:
        length: how far to draft. A drafter that works in steps asks it before each step; whole
            drafts are trimmed by it.
        is_end: whether a token ends the generation; nothing is drafted behind one.
        uniform: the next uniform number, where tokens are to be sampled from ``q``; ``None`` where
            the most likely ones are to be taken.
        draft_model: given where ``Need.DRAFT_MODEL`` is declared.
        head: given where ``Need.HEAD`` is declared.
        history: given where ``Need.HISTORY`` is declared; it lives as long as the pair.
    """

    length: DraftLengthPolicy
    is_end: Callable[[int], bool]
    uniform: Callable[[], float] | None = None
    draft_model: DraftModel | None = None
    head: Head | None = None
    history: Drafter | None = None


@dataclass(frozen=True, slots=True)
class DraftModel:
    """A small language model of the target's vocabulary.

    Args:
        model: its cache outlives the answer.
        chain: the target's sampling chain, mirrored, for this model's logits.
    """

    model: CachedModel
    chain: SamplerChain


@dataclass(frozen=True, slots=True)
class Head:
    """Layers that guess further tokens from what the target said of those before.

    Args:
        stepper: they and their cache, which outlive the answer.
        chain: the target's sampling chain, mirrored, for their logits.
        cache: the stepper, unless it has nothing to read.
    """

    stepper: Stepper
    chain: SamplerChain
    cache: Cache | None

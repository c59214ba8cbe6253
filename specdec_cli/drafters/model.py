"""Drafting with a small language model that keeps its cache: nothing is decoded twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from specdec_cli.core.types import Logits
from specdec_cli.drafters import registry
from specdec_cli.drafters.base import Parts
from specdec_cli.drafters.stepped import SteppedDrafter
from specdec_cli.models.cached import CachedModel


def make(parts: Parts) -> SteppedDrafter:
    """The drafter of an answer."""
    small = parts.draft_model
    assert small is not None
    stepper = ModelStepper(small.model)
    return SteppedDrafter(registry.MODEL.stepped, stepper, small.chain, parts, cache=stepper)


class ModelStepper:
    """A language model and its cache, which may outlive the drafter."""

    def __init__(self, model: CachedModel) -> None:
        self._model = model
        self.n_ctx = model.model.n_ctx
        self.missing = model.missing
        self.step = model.step  # not a call of its own: it is made for every drafted token

    def sync(self, tokens: Sequence[int]) -> Logits:
        """Decode what the cache lacks; return the row after the last token."""
        row: Logits = self._model.score(tokens)[0]
        return row

    def restart(self, prompt: Sequence[int]) -> None:
        """Keep what the cache shares with the prompt."""
        self._model.restart(prompt)

    def read(self, tokens: Sequence[int], cancelled: Callable[[], bool]) -> None:
        """Decode what the cache lacks, batch by batch."""
        for _ in self._model.prefill(tokens, cancelled):
            pass

"""The target's side of a round: its sampling chain and its verification rule, together."""

from __future__ import annotations

from collections.abc import Sequence

from specdec_cli.core.rng import Uniforms
from specdec_cli.core.types import Draft, Logits, Verdict
from specdec_cli.core.verify import RULES, Rule, greedy
from specdec_cli.models.base import Shaper


class Judge:
    """Decides what of a draft is kept.

    Args:
        shaper: the target's sampling chain, open to whoever asks for the law itself.
        rule: how drafts are verified above temperature 0.
        uniforms: the randomness of this answer.
    """

    def __init__(self, shaper: Shaper, rule: Rule, uniforms: Uniforms) -> None:
        self.shaper = shaper
        self._verify = RULES[rule]
        self._uniforms = uniforms

    def start(self, prompt: Sequence[int]) -> None:
        """An answer begins after ``prompt``."""
        self.shaper.restart(prompt)

    def verify(self, rows: Logits, draft: Draft, position: int) -> Verdict:
        """Judge a draft by the target's logits after the committed tokens and along the draft.

        Args:
            rows: shape (1 + k, n_vocab).
            position: absolute position of the first draft token.
        """
        if self.shaper.raw_greedy:
            return greedy(rows, draft)
        laws = self.shaper.along(rows, draft.tokens)
        return self._verify(laws, draft, position, self._uniforms)

    def commit(self, tokens: Sequence[int]) -> None:
        """These tokens are now part of the answer."""
        self.shaper.commit(tokens)

"""The target's side of a round: its sampling chain and its verification rule, together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from specdec_cli.core.distribution import NotNumbersError
from specdec_cli.core.rng import Uniforms
from specdec_cli.core.types import Draft, Logits, Verdict
from specdec_cli.core.verify import RULES, Rule, greedy
from specdec_cli.errors import BadLogitsError
from specdec_cli.models.base import SamplerChain


@contextmanager
def numbers_of_target() -> Iterator[None]:
    """Name the target where its logits are not numbers.

    Raises:
        BadLogitsError: they are not.
    """
    try:
        yield
    except NotNumbersError as error:
        raise _not_numbers() from error


class Verifier:
    """Decides what of a draft is kept.

    Args:
        chain: the target's sampling chain, open to whoever asks for the distribution itself.
        rule: how drafts are verified above temperature 0.
        uniforms: the randomness of this answer.
    """

    def __init__(self, chain: SamplerChain, rule: Rule, uniforms: Uniforms) -> None:
        self.chain = chain
        self._verify = RULES[rule]
        self._uniforms = uniforms

    def start(self, prompt: Sequence[int]) -> None:
        """An answer begins after ``prompt``."""
        self.chain.restart(prompt)

    def verify(self, rows: Logits, draft: Draft, position: int) -> Verdict:
        """Verify a draft by the target's logits after the committed tokens and along the draft.

        Args:
            rows: shape (1 + k, n_vocab).
            position: absolute position of the first draft token.

        Raises:
            BadLogitsError: what decides is not numbers.
        """
        try:
            return self._verdict(rows, draft, position)
        except NotNumbersError as error:
            raise _not_numbers() from error

    def _verdict(self, rows: Logits, draft: Draft, position: int) -> Verdict:
        if self.chain.raw_greedy:
            return greedy(rows, draft)
        dist_at = self.chain.distributions_along(rows, draft.tokens)
        return self._verify(dist_at, draft, position, self._uniforms)

    def commit(self, tokens: Sequence[int]) -> None:
        """These tokens are now part of the answer."""
        self.chain.commit(tokens)


def _not_numbers() -> BadLogitsError:
    return BadLogitsError("the target", "or name another model")

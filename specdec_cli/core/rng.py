"""Where the randomness of a generation comes from."""

from __future__ import annotations

import numpy as np

_BLOCK = 256
_KEPT = 4

_TOKENS, _COINS, _DRAFTS = range(3)


class Uniforms:
    """The random numbers of one generation; equal seeds give equal ones on every machine.

    There are three independent streams, because they need two different disciplines:

    - Token draws are *keyed by position*. Under sample-and-match the token at a position is then
      a function of the seed, the text before it and the position alone: whatever is drafted, the
      same seed gives the same tokens as plain decoding (drafter invariance). Each position is
      committed by exactly one draw, so none influences two tokens.
    - Accept coins and draft draws are *fresh every time*. Were they keyed by position too, one
      could be seen twice: block verification looks at the coins of positions that it then does
      not commit, and a rejected draft token is drawn again in the next round. The verdict already
      depends on such a value, so using it again would bias the distribution of what follows.

    Args:
        seed: any integer from zero up.

    Raises:
        ValueError: if the seed is negative.
    """

    def __init__(self, seed: int) -> None:
        if seed < 0:
            raise ValueError(f"seed must not be negative, not {seed}")
        self._seed = seed
        self._blocks: dict[int, list[int]] = {}
        self._coins = _Stream(seed, _COINS)
        self._drafts = _Stream(seed, _DRAFTS)

    def key(self, position: int) -> int:
        """Return the 64-bit key that draws the token of an absolute position, see ``race``.

        It may be asked for any number of times and in any order.
        """
        number, offset = divmod(position, _BLOCK)
        block = self._blocks.get(number)
        if block is None:
            # Blocks are functions of seed and number: a dropped one can be computed again.
            if len(self._blocks) == _KEPT:
                del self._blocks[next(iter(self._blocks))]
            source = _source(self._seed, _TOKENS, number)
            block = self._blocks[number] = source.random_raw(_BLOCK).tolist()
        return block[offset]

    def coin(self) -> float:
        """Return the next uniform in [0, 1) for an accept test."""
        return self._coins.next()

    def draft(self) -> float:
        """Return the next uniform in [0, 1) for a drafter that samples."""
        return self._drafts.next()


class _Stream:
    """One uniform after another; for use by one thread."""

    def __init__(self, seed: int, stream: int) -> None:
        self._seed = seed
        self._stream = stream
        self._number = 0
        self._left: list[float] = []

    def next(self) -> float:
        if not self._left:
            source = _source(self._seed, self._stream, self._number)
            self._left = np.random.Generator(source).random(_BLOCK).tolist()[::-1]
            self._number += 1
        return self._left.pop()


def _source(seed: int, stream: int, number: int) -> np.random.Philox:
    return np.random.Philox(np.random.SeedSequence(seed, spawn_key=(stream, number)))

"""The exact distribution of the next two tokens, and where it can be known exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from specdec_cli.core.types import Distribution, Logits
from specdec_cli.engine.verifier import numbers_of_target
from specdec_cli.models.base import SamplerChain, Vocabulary
from specdec_cli.models.cached import CachedModel
from specdec_cli.verify.fit import Outcome
from specdec_cli.verify.greedy import Walk
from specdec_cli.verify.noise import fresh
from specdec_cli.verify.subject import Prompt

REST: Outcome = "rest"

_LIKELY = 0.02
"""Probability from which on a token helps to tell two distributions apart."""

_MAX_FIRSTS = 32
_MIN_FIRST = 0.002
"""First tokens rarer than this are one outcome, whatever follows: each costs a pass."""


@dataclass(frozen=True, slots=True)
class Context:
    """A text whose continuation is drawn: a prompt and the beginning of its plain answer."""

    prompt: Prompt
    position: int
    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TwoTokens:
    """The target's distribution of the next two tokens.

    Args:
        distribution: by outcome, summing to one. An outcome is the two tokens; one where the first
            ends the answer or where the distribution of the second cannot be known exactly; or
            ``REST``.
    """

    distribution: dict[Outcome, float]

    def outcome(self, tokens: Sequence[int]) -> Outcome:
        """The outcome of a draw; one that is not in the distribution if it is impossible."""
        if not tokens:
            return ()
        first = int(tokens[0])
        if (first,) in self.distribution:
            return (first,)
        if first in {key[0] for key in self.distribution if isinstance(key, tuple)}:
            return tuple(tokens[:2])
        return REST if REST in self.distribution else tuple(tokens[:2])


def choose_contexts(walks: Sequence[Walk], chain: SamplerChain, count: int) -> list[Context]:
    """The positions of the plain answers that tell most: those with the most likely tokens.

    At most one for each prompt. Positions where a token is on the very edge of top-k, top-p or
    min-p are left out: there the shape of a pass decides whether the token is possible at all.
    """
    found: list[tuple[int, int, Context]] = []
    for walk in walks:
        best: tuple[int, int, Context] | None = None
        for i in range(len(walk.tokens)):
            path = (*walk.prompt.tokens, *walk.tokens[:i])
            dists = [_distribution(chain, path, rows[i]) for rows in walk.logits.values()]
            likely = int((dists[0].probs >= _LIKELY).sum())
            if likely > 1 and _same_support(dists) and (best is None or likely > best[0]):
                best = (likely, -len(found), Context(walk.prompt, i, path))
        if best:
            found.append(best)
    return [context for _, _, context in sorted(found, key=lambda item: item[:2])[::-1][:count]]


def two_tokens(
    target: CachedModel,
    vocab: Vocabulary,
    chain: SamplerChain,
    context: Context,
    shapes: Iterable[int],
    each: Callable[[], None],
) -> TwoTokens:
    """Ask the target for the distribution of the next two tokens, by passes over one row.

    Args:
        shapes: numbers of rows in which the distribution of the second token must be the same.
        each: called before every pass.
    """
    path = context.tokens
    fresh(target, path, len(path) - 1)
    first = _distribution(chain, path, target.score(path)[0])
    dist: dict[Outcome, float] = {}
    rest = 0.0
    for rank, (token, p) in enumerate(_ordered(first)):
        if vocab.is_end(token):
            dist[token,] = p
            continue
        if rank >= _MAX_FIRSTS or p < _MIN_FIRST:
            rest += p
            continue
        each()
        longer = (*path, token)
        target.restart(longer)
        dists = [_distribution(chain, longer, target.score(longer)[0])]
        for rows in shapes:
            target.restart(longer)
            filler = [token] * (rows - 1)  # what follows changes no row before it
            dists.append(_distribution(chain, longer, target.score(path, filler)[1]))
        if not _same_support(dists):
            dist[token,] = p
            continue
        for second, q in _ordered(dists[0]):
            dist[token, second] = p * q
    if rest > 0.0:
        dist[REST] = rest
    return TwoTokens(dist)


def _distribution(chain: SamplerChain, path: Sequence[int], row: Logits) -> Distribution:
    chain.restart(path)
    with numbers_of_target():
        return chain.distribution(row)


def _ordered(dist: Distribution) -> list[tuple[int, float]]:
    """Tokens of positive probability, likely ones first."""
    order = np.argsort(-dist.probs, kind="stable")
    ids = order if dist.ids is None else dist.ids[order]
    pairs = zip(ids.tolist(), dist.probs[order].tolist(), strict=True)
    return [(token, p) for token, p in pairs if p > 0.0]


def _same_support(dists: Sequence[Distribution]) -> bool:
    supports = [frozenset(_support(dist)) for dist in dists]
    return all(support == supports[0] for support in supports)


def _support(dist: Distribution) -> list[int]:
    held = dist.probs > 0.0
    ids = np.flatnonzero(held) if dist.ids is None else dist.ids[held]
    return list(map(int, ids))

"""Verification: how much of a draft is accepted, and the token that follows.

Every rule here is lossless: whatever the draft, the distribution of the emitted tokens is the
target's own. ``tests/core/test_verify_exact.py`` shows it by enumeration, without sampling.

This requires two things of the drafter. A token in a draft with ``q`` was drawn from exactly that
``q``. And whether a draft goes on is decided before its next token is drawn; drawn tokens are never
dropped because of what they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from specdec_cli.core.distribution import most_likely, point_mass, prob, residual, residual_mass
from specdec_cli.core.race import race
from specdec_cli.core.rng import Uniforms
from specdec_cli.core.types import Distribution, DistributionAt, Draft, Logits, Verdict

Rule = Literal["match", "rejection", "block"]

RuleFunction = Callable[[DistributionAt, Draft, int, Uniforms], Verdict]
"""Verifies a draft, whose first token is at an absolute position, against the target."""


def greedy(rows: Logits, draft: Draft) -> Verdict:
    """Keep draft tokens while each is the target's most probable one.

    Args:
        rows: logits, shape (k + 1, n_vocab); row ``i`` follows the first ``i`` draft tokens.
        draft: may be empty, which is plain decoding.

    Raises:
        NotNumbersError: a row that decides has no finite maximum.
    """
    accepted = 0
    for token in draft.tokens:
        best = most_likely(rows[accepted])
        if best != token:
            return Verdict(accepted, best)
        accepted += 1
    return Verdict(accepted, most_likely(rows[accepted]))


def match(p: DistributionAt, draft: Draft, position: int, u: Uniforms) -> Verdict:
    """Sample from the target; keep draft tokens while each is the one sampled.

    A seed gives the same tokens whatever the draft, since only ``u.key`` and ``p`` decide them.
    ``draft.q`` decides nothing.
    """
    acceptance: list[float] = []
    for i, token in enumerate(draft.tokens):
        target = p(i)
        acceptance.append(_acceptance(target, draft, i))
        sampled = race(target, u.key(position + i))
        if sampled != token:
            return Verdict(i, sampled, acceptance)
    return _bonus(p, draft, position, u, acceptance)


def rejection(p: DistributionAt, draft: Draft, position: int, u: Uniforms) -> Verdict:
    """Keep each draft token with probability ``min(1, p/q)``, up to the first that is not.

    In place of that one a token comes from ``(p - q)+`` normalised (Leviathan et al., arXiv
    2211.17192, section 2.3; Chen et al., arXiv 2302.01318, section 2). No other rule keeps the
    first token more often.
    """
    acceptance: list[float] = []
    for i, token in enumerate(draft.tokens):
        target = p(i)
        acceptance.append(_acceptance(target, draft, i))
        if not u.coin() < acceptance[i]:
            q = point_mass(token) if draft.q is None else draft.q[i]
            return Verdict(i, _correction(target, q, 1.0, u.key(position + i)), acceptance)
    return _bonus(p, draft, position, u, acceptance)


def block(p: DistributionAt, draft: Draft, position: int, u: Uniforms) -> Verdict:
    """Keep the longest part of the draft that passes, verified as a whole.

    Of all lossless rules for one draft it keeps the most tokens (Sun et al., arXiv 2403.10444,
    algorithm 2). The paper walks forward and remembers the last success. The coins are independent,
    so this walks back to it and subtracts distributions only where necessary.
    """
    if draft.q is None:
        # With a point mass for ``q`` the block rule is token rejection, only slower.
        return rejection(p, draft, position, u)

    dists: list[Distribution] = []
    acceptance: list[float] = []
    weights = [1.0]  # weights[i]: probability that at least i tokens are kept, given the first i
    for i, (token, q) in enumerate(zip(draft.tokens, draft.q, strict=True)):
        dists.append(p(i))
        likelier = _ratio(dists[i], q, token)
        acceptance.append(min(1.0, likelier))
        weights.append(min(1.0, weights[i] * likelier))
        if weights[-1] == 0.0:
            break  # nothing from here on can be kept
    if u.coin() < weights[-1]:
        return _bonus(p, draft, position, u, acceptance)

    kept = len(dists) - 1
    while kept and not u.coin() < _pass(dists[kept], draft.q[kept], weights[kept]):
        kept -= 1
    token = _correction(dists[kept], draft.q[kept], weights[kept], u.key(position + kept))
    return Verdict(kept, token, acceptance[: kept + 1])


RULES: dict[Rule, RuleFunction] = {"match": match, "rejection": rejection, "block": block}


def choose(
    rule: Rule | Literal["auto"], temperature: float, sampled: bool, k: int, *, small: bool = False
) -> Rule:
    """Return the rule to use, for a draft of up to ``k`` tokens that is ``sampled`` or not.

    At temperature 0 all rules are the equality of ``greedy``. Without sampling, rejection keeps no
    more than ``match``, which alone gives the same tokens for a seed. Block verification keeps
    what rejection keeps for one token, and hardly more for two. Both keep a few percent more than
    ``match`` does of greedy drafts, which cost less: where the target is ``small``, that decides.
    """
    if temperature == 0.0:
        return "match"
    if rule != "auto":
        return rule
    if small or not sampled:
        return "match"
    return "block" if k > 2 else "rejection"


def _ratio(p: Distribution, q: Distribution, token: int) -> float:
    """Return ``p/q`` of a drafted token.

    A token drawn from ``q`` has ``q > 0``. Should rounding have made it 0, the token is rejected,
    and only the target decides.
    """
    q_token = prob(q, token)
    return prob(p, token) / q_token if q_token > 0.0 else 0.0


def _acceptance(p: Distribution, draft: Draft, i: int) -> float:
    """Return the probability with which token ``i`` is accepted by itself, ``min(1, p/q)``."""
    token = draft.tokens[i]
    return prob(p, token) if draft.q is None else min(1.0, _ratio(p, draft.q[i], token))


def _bonus(
    p: DistributionAt, draft: Draft, position: int, u: Uniforms, acceptance: list[float]
) -> Verdict:
    k = len(draft)
    return Verdict(k, race(p(k), u.key(position + k)), acceptance)


def _pass(p: Distribution, q: Distribution, weight: float) -> float:
    """Return the probability that a draft is kept up to here, given that it is not beyond."""
    if weight == 1.0:
        return 1.0
    mass = residual_mass(p, q, weight)
    return mass / (mass + 1.0 - weight)


def _correction(p: Distribution, q: Distribution, weight: float, key: int) -> int:
    """Draw the token that replaces a refused one."""
    # Where q covers p up to rounding, refusal has probability 0; p is the limit.
    return race(residual(p, q, weight) or p, key)

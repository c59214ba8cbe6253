"""Each rule's output distribution equals the target's: enumerated, not sampled.

The shipped rules run unchanged on a source of randomness that branches. A coin is an interval that
every comparison splits in two; a draw splits into the tokens of its distribution. A path through a
round has the product of its branches' probabilities, and running every path gives the distribution
of the outcome up to rounding of floating-point sums.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specdec_cli.core import verify
from specdec_cli.core.distribution import point_mass, prob, softmax
from specdec_cli.core.race import race
from specdec_cli.core.rng import Uniforms
from specdec_cli.core.types import NO_DRAFT, Distribution, DistributionAt, Draft, Verdict
from specdec_cli.core.verify import RULES, block, choose, greedy, match, rejection

EXACT = 1e-12
Tokens = tuple[int, ...]


# --- randomness that branches ---------------------------------------------------------------------


class Path:
    """One path through an experiment; ``siblings`` are the branches it did not take."""

    def __init__(self, prescribed: Tokens) -> None:
        self.prescribed = prescribed
        self.taken: list[int] = []
        self.siblings: list[Tokens] = []
        self.probability = 1.0

    def pick(self, masses: np.ndarray | list[float]) -> int:
        if len(self.taken) < len(self.prescribed):
            choice = self.prescribed[len(self.taken)]
        else:
            choice, *others = [i for i, mass in enumerate(masses) if mass > 0.0]
            self.siblings += [(*self.taken, other) for other in others]
        self.taken.append(choice)
        self.probability *= float(masses[choice])
        return choice


class Coin:
    """A uniform known only to lie in an interval, which comparing narrows."""

    def __init__(self, path: Path) -> None:
        self.path, self.low, self.high = path, 0.0, 1.0

    def __lt__(self, threshold: float) -> bool:
        middle = min(max(threshold, self.low), self.high)
        width = self.high - self.low
        below = self.path.pick([(middle - self.low) / width, (self.high - middle) / width]) == 0
        if below:
            self.high = middle
        else:
            self.low = middle
        return below


class Branching:
    """Stands in for ``Uniforms``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seen: set[int] = set()

    def key(self, position: int) -> Path:
        # Were one position drawn twice, its key would influence two tokens.
        assert position not in self.seen
        self.seen.add(position)
        return self.path

    def coin(self) -> Coin:
        return Coin(self.path)


def branching_race(dist: Distribution, path: Path | int) -> int:
    if not isinstance(path, Path):
        return race(dist, path)
    index = path.pick(dist.probs)
    return index if dist.ids is None else int(dist.ids[index])


@pytest.fixture(autouse=True)
def _branching(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "race", branching_race)


def outcomes(experiment: Callable[[Path], object]) -> dict:
    dist: dict = defaultdict(float)
    pending: list[Tokens] = [()]
    while pending:
        path = Path(pending.pop())
        dist[experiment(path)] += path.probability
        pending += path.siblings
    assert math.isclose(sum(dist.values()), 1.0, abs_tol=EXACT)
    return dist


# --- models small enough to know everything about ------------------------------------------------


class World:
    """A target and a draft model over ``size`` tokens; all tokens before matter."""

    def __init__(self, size: int, weights: Iterator[tuple[list, list]], sparse: bool) -> None:
        self.size = size
        self._weights = weights
        self._sparse = sparse
        self._dists: dict[Tokens, tuple[Distribution, Distribution]] = {}

    def p(self, prefix: Tokens) -> Distribution:
        return self._at(prefix)[0]

    def q(self, prefix: Tokens) -> Distribution:
        return self._at(prefix)[1]

    def _at(self, prefix: Tokens) -> tuple[Distribution, Distribution]:
        if prefix not in self._dists:
            p, q = next(self._weights)
            self._dists[prefix] = (
                self._distribution(p, len(prefix)),
                self._distribution(q, len(prefix) + 1),
            )
        return self._dists[prefix]

    def _distribution(self, weights: list, turn: int) -> Distribution:
        probs = np.asarray(weights, dtype=np.float64)
        probs = probs / probs.sum()
        if not self._sparse:
            return Distribution(probs)
        ids = np.roll(np.flatnonzero(probs), turn).astype(np.int32)  # in no particular order
        return Distribution(probs[ids], ids)

    def sequences(self, length: int) -> Iterator[Tokens]:
        return itertools.product(range(self.size), repeat=length)

    def error(self, dist: dict[Tokens, float], length: int) -> float:
        """Largest error of the joint distribution of ``length`` tokens; p goes on at its end."""
        worst = 0.0
        for tokens in self.sequences(length):
            step = [prob(self.p(tokens[:i]), t) for i, t in enumerate(tokens)]
            found = math.fsum(
                dist.get(tokens[:n], 0.0) * math.prod(step[n:]) for n in range(length + 1)
            )
            worst = max(worst, abs(found - math.prod(step)))
        return worst


def seeded(seed: int, size: int, kind: str) -> Iterator[tuple[list, list]]:
    rng = np.random.default_rng(seed)
    while True:
        match kind:
            case "smooth":
                yield rng.dirichlet(np.ones(size)), rng.dirichlet(np.ones(size))
            case "close":
                p = rng.dirichlet(np.ones(size))
                yield p, p * rng.uniform(0.7, 1.3, size)
            case "zeros":
                masks = rng.random((2, size)) < 0.5
                masks[[0, 1], rng.integers(size, size=2)] = True
                yield tuple(rng.random((2, size)) * masks + 0.0)
            case "ties":
                yield tuple(rng.integers(1, 3, (2, size)))
            case "equal":
                p = rng.dirichlet(np.ones(size))
                yield p, p
            case "one-hot":
                yield tuple(np.eye(size)[rng.integers(size, size=2)])
            case "disjoint":
                odd = np.arange(size) % 2
                yield rng.random(size) * odd, rng.random(size) * (1 - odd)
            case "one-hot draft":
                yield rng.dirichlet(np.ones(size)), np.eye(size)[rng.integers(size)]


KINDS = ["smooth", "close", "zeros", "ties", "equal", "one-hot", "disjoint", "one-hot draft"]


def world(seed: int, size: int = 3, kind: str = "smooth", sparse: bool = False) -> World:
    return World(size, seeded(seed, size, kind), sparse)


def dists_after(world: World, prefix: Tokens, draft: Draft) -> DistributionAt:
    """The target's distributions along a draft, for callers that follow ``DistributionAt``."""
    asked = itertools.count()

    def p(i: int) -> Distribution:
        assert i == next(asked)
        return world.p(prefix + draft.tokens[:i])

    return p


Drafter = Callable[[World, Tokens, Path], Draft]
Rule = Callable[..., Verdict]


def sampled(k: int, stop: Callable[[Distribution], bool] = lambda q: False) -> Drafter:
    """Drafts up to ``k`` tokens from q; may stop on seeing q, before a token is drawn from it."""

    def draft(world: World, prefix: Tokens, path: Path) -> Draft:
        tokens: Tokens = ()
        dists: list[Distribution] = []
        while len(tokens) < k and not stop(q := world.q(prefix + tokens)):
            tokens += (branching_race(q, path),)
            dists.append(q)
        return Draft(tokens, tuple(dists))

    return draft


def determined(k: int) -> Drafter:
    """Drafts a fixed function of the text, as a table of n-grams does."""

    def draft(world: World, prefix: Tokens, path: Path) -> Draft:
        tokens: Tokens = ()
        for i in range(k):
            tokens += ((sum(prefix) + 2 * sum(tokens) + i) % world.size,)
        return Draft(tokens)

    return draft


def one_round(world: World, rule: Rule, drafter: Drafter) -> Callable[[Path], Tokens]:
    def run(path: Path) -> Tokens:
        draft = drafter(world, (), path)
        u = Branching(path)
        verdict = rule(dists_after(world, (), draft), draft, 0, u)
        assert max(u.seen) == verdict.accepted  # the token was drawn at its own position
        return (*draft.tokens[: verdict.accepted], verdict.token)

    return run


def mean_length(dist: dict[Tokens, float]) -> float:
    return math.fsum(len(tokens) * mass for tokens, mass in dist.items())


# --- the distribution of the output --------------------------------------------------------------

SAMPLED = [match, rejection, block]


@pytest.mark.parametrize("rule", SAMPLED)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("size", "k", "sparse"),
    [(3, 0, False), (5, 1, True), (4, 2, False), (4, 2, True), (3, 3, True), (3, 3, False)],
)
def test_sampled_drafts_leave_the_distribution(
    rule: Rule, kind: str, size: int, k: int, sparse: bool
) -> None:
    models = world(size + k, size, kind, sparse)
    assert models.error(outcomes(one_round(models, rule, sampled(k))), k + 1) < EXACT


@pytest.mark.parametrize("rule", SAMPLED)
@pytest.mark.parametrize("kind", ["smooth", "close", "zeros"])
def test_sampled_drafts_leave_the_distribution_of_the_largest_worlds(rule: Rule, kind: str) -> None:
    models = world(1, 5, kind)
    assert models.error(outcomes(one_round(models, rule, sampled(3))), 4) < EXACT


@pytest.mark.parametrize("rule", SAMPLED)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("size", "k"), [(3, 0), (5, 1), (4, 2), (3, 3)])
def test_determined_drafts_leave_the_distribution(rule: Rule, kind: str, size: int, k: int) -> None:
    models = world(size * k, size, kind)
    assert models.error(outcomes(one_round(models, rule, determined(k))), k + 1) < EXACT


small_weights = st.lists(st.integers(0, 4), min_size=3, max_size=3).filter(any)
small_worlds = st.lists(st.tuples(small_weights, small_weights), min_size=13, max_size=13)


@settings(max_examples=25, deadline=None)
@given(weights=small_worlds, sparse=st.booleans())
def test_any_small_world(weights: list, sparse: bool) -> None:
    models = World(3, iter(weights), sparse)
    length = {}
    for rule in SAMPLED:
        dist = outcomes(one_round(models, rule, sampled(2)))
        length[rule] = mean_length(dist)
        assert models.error(dist, 3) < EXACT
    assert length[block] >= length[rejection] - EXACT
    assert length[rejection] >= length[match] - EXACT


def two_rounds(
    world: World, rule: Rule, drafter: Drafter, coins: type[Branching]
) -> Callable[[Path], Tokens]:
    def run(path: Path) -> Tokens:
        u = coins(path)
        tokens: Tokens = ()
        for _ in range(2):
            draft = drafter(world, tokens, path)
            verdict = rule(dists_after(world, tokens, draft), draft, len(tokens), u)
            tokens += (*draft.tokens[: verdict.accepted], verdict.token)
            if isinstance(u, CoinsByPosition):
                u.position = len(tokens) + 2
        return tokens

    return run


class CoinsByPosition(Branching):
    """The mistake: a block of two takes its coins by position, so that rounds can share one."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.position = 2
        self.coins: dict[int, Coin] = {}

    def coin(self) -> Coin:
        self.position -= 1  # the rule walks back from the last position
        return self.coins.setdefault(self.position, Coin(self.path))


@pytest.mark.parametrize("rule", SAMPLED)
@pytest.mark.parametrize("seed", range(3))
def test_rounds_follow_each_other_exactly(rule: Rule, seed: int) -> None:
    models = world(seed, 2)
    dist = outcomes(two_rounds(models, rule, sampled(2), Branching))
    assert models.error(dist, 6) < EXACT


@pytest.mark.parametrize("rule", SAMPLED)
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("sampled_first", [True, False])
def test_the_source_may_change_from_round_to_round(
    rule: Rule, seed: int, sampled_first: bool
) -> None:
    """A draft model in one round, n-grams in the next, as the tokens committed so far decide."""

    def mixed(world: World, prefix: Tokens, path: Path) -> Draft:
        is_sampled = sampled_first if not prefix else sum(prefix) % 2 == 0
        if is_sampled:
            return sampled(2)(world, prefix, path)
        return Draft(tuple((sum(prefix) + i) % 2 for i in (1, 2)), source="ngram")

    models = world(seed, 2)
    dist = outcomes(two_rounds(models, rule, mixed, Branching))
    assert models.error(dist, 6) < EXACT


def test_a_coin_seen_by_two_rounds_biases_the_distribution() -> None:
    """Why coins are never keyed by position."""
    errors = []
    for seed in range(6):
        models = world(seed, 2)
        dist = outcomes(two_rounds(models, block, sampled(2), CoinsByPosition))
        errors.append(models.error(dist, 6))
    assert max(errors) > 1e-3


# --- drafts that end early ------------------------------------------------------------------------


@pytest.mark.parametrize("rule", SAMPLED)
@pytest.mark.parametrize("seed", [1, 3, 7, 8])
def test_stopping_before_a_token_is_drawn_leaves_the_distribution(rule: Rule, seed: int) -> None:
    models = world(seed)
    while_sure = sampled(3, stop=lambda q: q.probs.max() < 0.6)
    assert len(outcomes(lambda path: len(while_sure(models, (), path)))) > 1
    dist = outcomes(one_round(models, rule, while_sure))
    assert models.error(dist, 4) < EXACT


def dropping(keep: Callable[[Draft], int], k: int) -> Drafter:
    def draft(world: World, prefix: Tokens, path: Path) -> Draft:
        drawn = sampled(k)(world, prefix, path)
        kept = keep(drawn)
        return Draft(drawn.tokens[:kept], drawn.q[:kept])

    return draft


def before_the_first_improbable(draft: Draft) -> int:
    sure = [prob(q, token) >= 0.35 for token, q in zip(draft.tokens, draft.q, strict=True)]
    return [*sure, False].index(False)


@pytest.mark.parametrize("rule", [rejection, block])
def test_dropping_a_drawn_token_for_its_own_probability_is_biased(rule: Rule) -> None:
    """A trap: a minimum probability looks like stopping early, but has seen the token."""
    errors = []
    for seed in range(6):
        models = world(seed)
        dist = outcomes(one_round(models, rule, dropping(before_the_first_improbable, 2)))
        errors.append(models.error(dist, 3))
    assert max(errors) > 1e-2


@pytest.mark.parametrize("rule", [rejection, block])
def test_dropping_a_draft_that_came_out_short_is_biased(rule: Rule) -> None:
    """A trap: where the draft stops depends on its first token, so its length tells of it."""

    def long_enough(world: World, prefix: Tokens, path: Path) -> Draft:
        draft = sampled(2, stop=lambda q: q.probs.max() < 0.6)(world, prefix, path)
        return draft if len(draft) == 2 else NO_DRAFT

    errors = []
    for seed in range(6):
        models = world(seed)
        errors.append(models.error(outcomes(one_round(models, rule, long_enough)), 3))
    assert max(errors) > 1e-2


def test_match_allows_any_draft_at_all() -> None:
    models = world(0)
    dist = outcomes(one_round(models, match, dropping(before_the_first_improbable, 2)))
    assert models.error(dist, 3) < EXACT


# --- how much is kept -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("k", [1, 2, 3])
def test_block_keeps_at_least_what_rejection_keeps(kind: str, k: int) -> None:
    models = world(k, 3, kind)
    tokens = [mean_length(outcomes(one_round(models, r, sampled(k)))) for r in (rejection, block)]
    assert tokens[1] >= tokens[0] - EXACT
    if k == 1:
        assert math.isclose(tokens[0], tokens[1], abs_tol=EXACT)


def test_the_paper_s_example() -> None:
    """Two tokens without context: rejection keeps 10/9, block 11/9 (Sun et al.)."""
    models = World(2, itertools.repeat(([1, 2], [2, 1])), sparse=False)
    kept = [mean_length(outcomes(one_round(models, r, sampled(2)))) - 1 for r in (rejection, block)]
    assert kept == pytest.approx([10 / 9, 11 / 9], abs=EXACT)


def kept_at_least(models: World, rule: Rule, draft: Draft, n: int) -> float:
    def run(path: Path) -> bool:
        return rule(dists_after(models, (), draft), draft, 0, Branching(path)).accepted >= n

    return outcomes(run)[True]


@pytest.mark.parametrize("kind", ["smooth", "zeros"])
def test_block_keeps_each_prefix_as_often_as_any_rule_may(kind: str) -> None:
    """Given its first n tokens, n or more of a draft are kept with min(1, w * p/q), folded."""
    models = world(2, 3, kind)

    def run(path: Path) -> tuple[Tokens, int]:
        draft = sampled(3)(models, (), path)
        return draft.tokens, block(
            dists_after(models, (), draft), draft, 0, Branching(path)
        ).accepted

    dist = outcomes(run)
    for n in (1, 2, 3):
        for prefix in models.sequences(n):
            weight = drafted = 1.0
            for i, token in enumerate(prefix):
                p, q = prob(models.p(prefix[:i]), token), prob(models.q(prefix[:i]), token)
                drafted *= q
                weight = min(1.0, weight * p / q) if q else 0.0
            kept = sum(m for (d, kept), m in dist.items() if d[:n] == prefix and kept >= n)
            assert kept == pytest.approx(drafted * weight, abs=EXACT)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rule", [rejection, block])
def test_one_token_is_kept_with_the_distributions_overlap(rule: Rule, kind: str) -> None:
    models = world(3, 5, kind)
    p, q = models.p(()).probs, models.q(()).probs
    kept = mean_length(outcomes(one_round(models, rule, sampled(1)))) - 1
    assert kept == pytest.approx(np.minimum(p, q).sum(), abs=EXACT)


def test_match_keeps_a_sampled_token_when_two_draws_agree() -> None:
    models = world(3, 5)
    kept = mean_length(outcomes(one_round(models, match, sampled(1)))) - 1
    assert kept == pytest.approx(models.p(()).probs @ models.q(()).probs, abs=EXACT)


@pytest.mark.parametrize("rule", SAMPLED)
def test_a_determined_draft_is_kept_with_its_own_probability(rule: Rule) -> None:
    models = world(4, 4)
    draft = determined(3)(models, (), Path(()))
    chances = itertools.accumulate(
        (prob(models.p(draft.tokens[:i]), t) for i, t in enumerate(draft.tokens)), float.__mul__
    )
    for n, chance in enumerate(chances, start=1):
        assert kept_at_least(models, rule, draft, n) == pytest.approx(chance, abs=EXACT)


def test_block_of_point_masses_is_rejection() -> None:
    models = world(5, 3)
    tokens = determined(3)(models, (), Path(())).tokens
    draft = Draft(tokens, tuple(point_mass(t) for t in tokens))
    by_rule = [outcomes(one_round(models, r, lambda *_: draft)) for r in (rejection, block)]
    assert by_rule[0].keys() == by_rule[1].keys()
    for emitted, mass in by_rule[0].items():
        assert by_rule[1][emitted] == pytest.approx(mass, abs=EXACT)


# --- with real uniforms ---------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_match_emits_the_same_tokens_whatever_is_drafted(seed: int) -> None:
    def run(k: int) -> Tokens:
        rng = np.random.default_rng(k)
        u = Uniforms(seed)
        tokens: Tokens = ()
        while len(tokens) < 30:
            draft = Draft(tuple(rng.integers(0, 4, rng.integers(0, k + 1)).tolist()))

            def p(i: int, tokens: Tokens = tokens, draft: Draft = draft) -> Distribution:
                before = (tokens + draft.tokens[:i])[-3:]
                return softmax(np.sin(np.arange(4) * (1 + sum(before) + 2 * len(before))), 0.7)

            verdict = match(p, draft, len(tokens), u)
            tokens += (*draft.tokens[: verdict.accepted], verdict.token)
        return tokens[:30]

    plain = run(0)
    assert len(set(plain)) > 1
    for k in (1, 2, 5):
        assert run(k) == plain


@pytest.mark.parametrize("rule", SAMPLED)
def test_no_draft_is_plain_decoding(rule: Rule) -> None:
    dist = softmax(np.array([0.3, -0.2, 0.9]), 1.0)
    u = Uniforms(7)
    for position in range(20):
        verdict = rule(lambda i: dist, NO_DRAFT, position, u)
        assert verdict == Verdict(0, race(dist, Uniforms(7).key(position)))


@pytest.mark.parametrize("rule", [rejection, block])
def test_a_token_its_distribution_denies_is_refused(rule: Rule) -> None:
    p, q = Distribution(np.array([0.5, 0.5])), Distribution(np.array([0.0, 1.0]))
    for seed in range(10):
        assert rule(lambda i: p, Draft((0,), (q,)), 0, Uniforms(seed)).accepted == 0


@pytest.mark.parametrize("rule", [rejection, block])
def test_refusal_with_nothing_left_draws_from_the_target(rule: Rule) -> None:
    p = Distribution(np.array([0.25, 0.75, 0.0]))
    # Sums to more than one, as rounding may do.
    covering = Distribution(np.array([0.25, 0.75, 1e-3]))
    for seed in range(10):
        drawn = [race(p, Uniforms(seed).key(position)) for position in (0, 1)]
        verdict = rule(lambda i: p, Draft((2,), (covering,)), 0, Uniforms(seed))
        assert verdict == Verdict(0, drawn[0])
        verdict = rule(lambda i: p, Draft((1, 2), (p, covering)), 0, Uniforms(seed))
        assert verdict == Verdict(1, drawn[1])


@pytest.mark.parametrize("drafter", [sampled(3), determined(3)])
@pytest.mark.parametrize("kind", ["smooth", "zeros"])
@pytest.mark.parametrize("rule", SAMPLED)
def test_a_verdict_has_the_acceptance_probability_of_each_decided_token(
    rule: Rule, kind: str, drafter: Drafter
) -> None:
    models = world(11, kind=kind)

    def run(path: Path) -> int:
        draft = drafter(models, (), path)
        verdict = rule(dists_after(models, (), draft), draft, 0, Branching(path))
        decided = draft.tokens[: verdict.accepted + 1]
        p = [prob(models.p(draft.tokens[:i]), token) for i, token in enumerate(decided)]
        q = [1.0 if draft.q is None else prob(draft.q[i], t) for i, t in enumerate(decided)]
        assert verdict.acceptance == pytest.approx(np.minimum(np.array(p) / q, 1.0))
        return verdict.accepted

    assert len(outcomes(run)) > 1


# --- temperature zero and the choice of rule ------------------------------------------------------


class Rows:
    """Rows of logits that notice which are looked at."""

    def __init__(self, best: list[int]) -> None:
        self.rows = np.eye(5, dtype=np.float32)[best]
        self.seen: list[int] = []

    def __getitem__(self, i: int) -> np.ndarray:
        self.seen.append(i)
        return self.rows[i]


@pytest.mark.parametrize(
    ("draft", "verdict", "seen"),
    [
        ((), Verdict(0, 3), [0]),
        ((3, 1), Verdict(2, 4), [0, 1, 2]),
        ((3, 2), Verdict(1, 1), [0, 1]),
        ((0, 1), Verdict(0, 3), [0]),
    ],
)
def test_greedy_stops_at_the_first_mismatch(
    draft: Tokens, verdict: Verdict, seen: list[int]
) -> None:
    rows = Rows([3, 1, 4])
    assert greedy(rows, Draft(draft)) == verdict  # type: ignore[arg-type]
    assert rows.seen == seen


@settings(max_examples=50, deadline=None)
@given(
    best=st.lists(st.integers(0, 4), min_size=1, max_size=5),
    draft=st.lists(st.integers(0, 4), max_size=4),
)
def test_greedy_emits_what_plain_decoding_would(best: list[int], draft: list[int]) -> None:
    rows = np.eye(5, dtype=np.float32)[(best + [0] * 5)[: len(draft) + 1]]
    verdict = greedy(rows, Draft(tuple(draft)))
    emitted = [*draft[: verdict.accepted], verdict.token]
    assert emitted == rows.argmax(axis=1).tolist()[: len(emitted)]


@pytest.mark.parametrize(
    ("rule", "temperature", "sampled", "k", "chosen"),
    [
        ("auto", 0.0, True, 8, "match"),
        ("block", 0.0, True, 8, "match"),
        ("auto", 0.8, True, 3, "block"),
        ("auto", 0.8, True, 2, "rejection"),
        ("auto", 0.8, True, 1, "rejection"),
        ("auto", 0.8, False, 8, "match"),
        ("rejection", 0.8, True, 8, "rejection"),
        ("match", 0.8, True, 8, "match"),
        ("block", 0.8, False, 1, "block"),
    ],
)
def test_choose(rule: str, temperature: float, sampled: bool, k: int, chosen: str) -> None:
    assert choose(rule, temperature, sampled, k) == chosen  # type: ignore[arg-type]
    small = choose(rule, temperature, sampled, k, small=True)  # type: ignore[arg-type]
    assert small == (chosen if rule != "auto" else "match")
    assert chosen in RULES

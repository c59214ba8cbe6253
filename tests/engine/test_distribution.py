"""The distribution of the first tokens, with drafts, on real models: counted against the target's
own.

Exactness is proved by enumeration in ``test_verify_exact``; this shows that the rest of the way
(llama.cpp's chain on both models, the drafter, the loop) keeps it. Draws are seeded, so a run is
the same run every time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2

from specdec_cli.core.events import Round
from specdec_cli.core.sampling import Sampling
from specdec_cli.core.types import Distribution
from specdec_cli.engine.decoder import Decoder
from specdec_cli.engine.loop import generate
from specdec_cli.engine.settings import AnswerSettings, ModelChoice, PairSettings
from specdec_cli.models.sampler_chain import LlamaSamplerChain
from tests.conftest import TinyPair
from tests.fakes import EveryPlan

DRAWS = 1200
SIGNIFICANCE = 1e-4
PROMPT = "<|im_start|>user\nTell me a short story.<|im_end|>\n<|im_start|>assistant\n"


def settings_of(tiny_pair: TinyPair, **more: Any) -> PairSettings:
    # One thread: of two, one waits for the other a thousand times an answer.
    target, draft = (ModelChoice(file, threads=1) for file in tiny_pair)
    return PairSettings(target, draft, n_ctx=256, draft_max=4, **more)


@pytest.fixture(scope="module")
def pair(tiny_pair: TinyPair) -> Iterator[Decoder]:
    with Decoder.load(settings_of(tiny_pair, draft_p_min=0.0)) as pair:
        yield pair


@pytest.fixture(scope="module")
def stopping_pair(tiny_pair: TinyPair) -> Iterator[Decoder]:
    with Decoder.load(settings_of(tiny_pair, draft_p_min=0.5)) as pair:
        yield pair


@pytest.fixture(scope="module")
def mixing_pair(tiny_pair: TinyPair) -> Iterator[Decoder]:
    """Adaptive, and hybrid: earlier answers are searched for what comes next."""
    with Decoder.load(settings_of(tiny_pair, adaptive=True)) as pair:
        yield pair


def prompt_tokens(pair: Decoder) -> list[int]:
    return pair.models.vocab.tokenize(PROMPT, add_special=True, parse_special=True)


def joint_distribution(pair: Decoder, sampling: Sampling) -> dict[tuple[int, ...], float]:
    """The target's distribution of the first two tokens; those that end after one included."""
    chain = LlamaSamplerChain(pair.models.target.weights, sampling)
    prompt = prompt_tokens(pair)
    pair.models.target.cache.restart(prompt)

    def dist_after(tokens: list[int]) -> dict[int, float]:
        pair.models.target.cache.restart(tokens)
        chain.restart(tokens)
        return as_dict(chain.distribution(pair.models.target.cache.score(tokens)[0]))

    joint: dict[tuple[int, ...], float] = {}
    for first, p in dist_after(prompt).items():
        if pair.models.vocab.is_end(first):
            joint[first,] = p
            continue
        for second, q in dist_after([*prompt, first]).items():
            joint[first, second] = p * q
    return joint


def as_dict(dist: Distribution) -> dict[int, float]:
    ids = range(len(dist.probs)) if dist.ids is None else dist.ids.tolist()
    return {int(t): float(p) for t, p in zip(ids, dist.probs, strict=True) if p > 0}


def draw(pair: Decoder, settings: AnswerSettings) -> tuple[int, ...]:
    tokens: list[int] = []
    for event in generate(pair.session(settings), prompt_tokens(pair), max_tokens=4):
        if isinstance(event, Round):
            tokens += event.tokens
        if len(tokens) >= 2:
            break
    return tuple(tokens[:2])


def p_value(counts: Counter[tuple[int, ...]], dist: dict[tuple[int, ...], float]) -> float:
    """Pearson's test; outcomes expected fewer than five times are counted together."""
    total = counts.total()
    common = {outcome: p for outcome, p in dist.items() if p * total >= 5}
    observed = [counts[outcome] for outcome in common]
    expected = [p * total for p in common.values()]
    rest = total - sum(expected)
    if rest >= 5:
        observed.append(total - sum(observed))
        expected.append(rest)
    statistic = sum((np.array(observed) - expected) ** 2 / np.array(expected))
    return float(chi2.sf(statistic, len(expected) - 1))


@pytest.mark.parametrize(
    ("rule", "temperature", "stops_early"),
    [
        ("match", 0.8, False),
        ("match", 1.0, False),
        ("rejection", 0.8, False),
        ("rejection", 1.0, False),
        ("block", 0.8, False),
        ("block", 1.0, False),
        ("rejection", 1.0, True),
        ("block", 1.0, True),
    ],
)
def test_first_tokens_follow_the_target_s_distribution(
    pair: Decoder, stopping_pair: Decoder, rule: str, temperature: float, stops_early: bool
) -> None:
    used = stopping_pair if stops_early else pair
    sampling = Sampling(temperature, repeat_penalty=1.1) if stops_early else Sampling(temperature)
    dist = joint_distribution(used, sampling)
    counts = Counter(
        draw(used, AnswerSettings(sampling, rule, seed))  # type: ignore[arg-type]
        for seed in range(DRAWS)
    )
    assert counts.keys() <= dist.keys()
    assert sum(dist.values()) == pytest.approx(1)
    assert len([p for p in dist.values() if p * DRAWS >= 5]) >= 5, "the prompt says too little"
    assert p_value(counts, dist) > SIGNIFICANCE


@pytest.mark.parametrize(("temperature", "arbitrary"), [(0.8, False), (1.0, True)])
def test_adaptive_lengths_and_mixed_drafters_keep_the_distribution(
    mixing_pair: Decoder, temperature: float, arbitrary: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the clock decides, and as no clock would: every length and both sources, at random."""
    if arbitrary:
        plan = EveryPlan(4, 3, steps=True, free=True)
        monkeypatch.setattr(mixing_pair, "length", plan)
    sampling = Sampling(temperature)
    dist = joint_distribution(mixing_pair, sampling)
    sources: Counter[str] = Counter()
    counts: Counter[tuple[int, ...]] = Counter()
    for seed in range(DRAWS // 2):
        settings = AnswerSettings(sampling, "block", seed)
        tokens: list[int] = []
        for event in generate(
            mixing_pair.session(settings), prompt_tokens(mixing_pair), max_tokens=4
        ):
            if isinstance(event, Round):
                sources[event.source] += event.drafted
                tokens += event.tokens
            if len(tokens) >= 2:
                break
        counts[tuple(tokens[:2])] += 1
    if arbitrary:
        assert min(sources["model"], sources["ngram"]) > DRAWS / 20
    assert counts.keys() <= dist.keys()
    assert p_value(counts, dist) > SIGNIFICANCE


def test_the_count_would_notice_the_draft_s_distribution(pair: Decoder) -> None:
    """The test's power: had the draft's tokens simply been kept, it would have failed."""
    assert pair.models.draft
    sampling = Sampling(1.0)
    dist = joint_distribution(pair, sampling)
    draft = pair.models.draft.cache
    prompt = prompt_tokens(pair)
    draft.restart(prompt)
    q = as_dict(
        LlamaSamplerChain(pair.models.target.weights, sampling).distribution(draft.score(prompt)[0])
    )
    rng = np.random.default_rng(0)
    firsts = rng.choice(list(q), p=np.array(list(q.values())) / sum(q.values()), size=DRAWS)
    first_distribution: Counter[tuple[int, ...]] = Counter()
    for outcome, p in dist.items():
        first_distribution[outcome[:1]] += p  # type: ignore[assignment]
    counts = Counter((int(first),) for first in firsts)
    assert p_value(counts, dict(first_distribution)) < SIGNIFICANCE

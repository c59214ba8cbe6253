"""One loaded pair under several settings: the same answers, and each its own lessons."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from specdec_cli import paths
from specdec_cli.bench.runner import answer
from specdec_cli.bench.samples import Sample
from specdec_cli.core.sampling import Sampling
from specdec_cli.engine.build import Pair
from specdec_cli.engine.settings import AnswerSettings, ModelChoice, PairSettings
from specdec_cli.engine.variant import Variant
from tests.conftest import TinyPair
from tests.fakes import QuietMachine
from tests.steady import quiet_machine

pytestmark = pytest.mark.usefixtures("home")
GREEDY = AnswerSettings(Sampling(temperature=0.0))


@pytest.fixture
def pair(tiny_pair: TinyPair) -> Iterator[Pair]:
    settings = PairSettings(
        ModelChoice(tiny_pair.target), ModelChoice(tiny_pair.draft), n_ctx=256, draft_max=8
    )
    with Pair(settings) as loaded:
        yield loaded


def variant(pair: Pair, **changes: Any) -> Variant:
    return Variant(pair, replace(pair.settings, **changes))


def told(pair: Pair, **options: Any) -> Sample:
    text = "<|im_start|>user\nName three planets.<|im_end|>\n<|im_start|>assistant\n"
    prompt = pair.vocab.tokenize(text, add_special=True, parse_special=True)
    return answer(pair, prompt, GREEDY, max_tokens=48, **{"plain": False, **options})


def test_they_answer_alike_and_draft_each_their_own_way(pair: Pair) -> None:
    plain = told(pair, plain=True)
    model = variant(pair, drafter="model", draft_max=4)
    ngram = variant(pair, drafter="ngram", adaptive=True)
    none = variant(pair, drafter="none")
    slow = variant(pair, target=replace(pair.settings.target, threads=1), drafter="model")
    for number in range(2):  # in turn, each on the caches the other left
        found = [told(each) for each in (model, ngram, none, slow)]
        assert all(each.tokens == plain.tokens for each in found), number
    of_model, of_ngram, of_none, _ = found
    assert of_model.lengths and max(drafted for drafted, _ in of_model.lengths) == 4
    assert of_ngram.stats is not None and "model" not in of_ngram.stats.by_source
    assert of_none.drafted == 0


def test_what_it_learnt_is_kept_for_a_pair_of_its_settings(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet_machine(monkeypatch)
    monkeypatch.setattr(pair, "meter", QuietMachine())
    adaptive = variant(pair, drafter="model", adaptive=True, draft_max=6)
    assert adaptive.length is not None
    while adaptive.length.rounds < 16:
        told(adaptive)
    adaptive.keep()
    (file,) = paths.learnt().iterdir()
    before = file.stat().st_mtime_ns
    with Pair(adaptive.settings) as again:
        while again.length is not None and again.length.rounds < 16:
            told(again)
    assert list(paths.learnt().iterdir()) == [file]
    assert file.stat().st_mtime_ns > before


def test_passes_are_timed_with_the_threads_that_are_asked_for(pair: Pair) -> None:
    base = variant(pair)
    assert base.pass_seconds("target", 4, 1) > 0
    assert base.pass_seconds("draft", 1, 2) > 0
    assert told(base).count > 0

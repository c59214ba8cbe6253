"""Several decoders on the same models: the same answers, and each its own lessons."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from specdec_cli import paths
from specdec_cli.bench.runner import answer
from specdec_cli.bench.samples import Sample
from specdec_cli.core.sampling import Sampling
from specdec_cli.engine.decoder import Decoder
from specdec_cli.engine.fewer_threads import FewerThreads
from specdec_cli.engine.loaded_models import LoadedModels
from specdec_cli.engine.settings import AnswerSettings, ModelChoice, PairSettings
from tests.conftest import TinyPair
from tests.fakes import QuietMachine
from tests.steady import quiet_machine, steady_machine

pytestmark = pytest.mark.usefixtures("home")
GREEDY = AnswerSettings(Sampling(temperature=0.0))


@pytest.fixture
def pair(tiny_pair: TinyPair) -> Iterator[Decoder]:
    settings = PairSettings(
        ModelChoice(tiny_pair.target), ModelChoice(tiny_pair.draft), n_ctx=256, draft_max=8
    )
    with Decoder.load(settings) as loaded:
        yield loaded


def decoder(pair: Decoder, **changes: Any) -> Decoder:
    return Decoder(pair.models, replace(pair.asked, **changes), fresh=True)


def told(pair: Decoder, **options: Any) -> Sample:
    text = "<|im_start|>user\nName three planets.<|im_end|>\n<|im_start|>assistant\n"
    prompt = pair.models.vocab.tokenize(text, add_special=True, parse_special=True)
    return answer(pair, prompt, GREEDY, max_tokens=48, **{"plain": False, **options})


def test_they_answer_alike_and_draft_each_their_own_way(pair: Decoder) -> None:
    plain = told(pair, plain=True)
    model = decoder(pair, drafter="model", draft_max=4)
    ngram = decoder(pair, drafter="ngram", adaptive=True)
    none = decoder(pair, drafter="none")
    slow = decoder(pair, target=replace(pair.settings.target, threads=1), drafter="model")
    for number in range(2):  # in turn, each on the caches the other left
        found = [told(each) for each in (model, ngram, none, slow)]
        assert all(each.tokens == plain.tokens for each in found), number
    of_model, of_ngram, of_none, _ = found
    assert of_model.lengths and max(drafted for drafted, _ in of_model.lengths) == 4
    assert of_ngram.stats is not None and "model" not in of_ngram.stats.by_source
    assert of_none.drafted == 0


def test_what_it_learnt_is_kept_for_a_pair_of_its_settings(
    pair: Decoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet_machine(monkeypatch)
    monkeypatch.setattr(pair.models, "meter", QuietMachine())
    adaptive = decoder(pair, drafter="model", adaptive=True, draft_max=6)
    assert adaptive.length is not None
    while adaptive.length.rounds < 16:
        told(adaptive)
    adaptive.keep()
    (file,) = paths.cost_cache().iterdir()
    before = file.stat().st_mtime_ns
    with Decoder.load(adaptive.settings) as again:
        while again.length is not None and again.length.rounds < 16:
            told(again)
    assert list(paths.cost_cache().iterdir()) == [file]
    assert file.stat().st_mtime_ns > before


def test_passes_are_timed_with_the_threads_that_are_asked_for(pair: Decoder) -> None:
    base = decoder(pair)
    assert base.models.pass_seconds("target", 4, 1) > 0
    assert base.models.pass_seconds("draft", 1, 2) > 0
    assert told(base).count > 0


def test_what_models_were_not_loaded_for_is_refused(tiny_pair: TinyPair) -> None:
    settings = PairSettings(ModelChoice(tiny_pair.target), n_ctx=64, drafter="ngram", draft_max=4)
    with LoadedModels(settings) as models:
        assert models.draft is None
        with pytest.raises(ValueError, match="no draft model is loaded"):
            Decoder(models, replace(settings, draft=ModelChoice(tiny_pair.draft), drafter="model"))
        with pytest.raises(ValueError, match="drafts are longer"):
            Decoder(models, replace(settings, draft_max=5))
        assert told(Decoder(models, settings)).count > 0


def test_settings_are_what_is_loaded(tiny_pair: TinyPair) -> None:
    draft = ModelChoice(tiny_pair.draft)
    asked = PairSettings(ModelChoice(tiny_pair.target), draft, n_ctx=64, draft_max=99, exact=True)
    with Decoder.load(asked) as both:
        assert both.asked == asked
        assert both.settings.draft_max == both.models.layout.rows - 1 == 63
        assert both.settings.target.load.gpu_layers != "auto"
        assert both.settings.drafter == both.spec.name == "hybrid"
        without = Decoder(both.models, replace(asked, drafter="ngram"))
        assert without.settings.draft is None
        assert without.settings.draft_max == 63


class Crowded(QuietMachine):
    """A meter on a machine whose processors others have."""

    def happened(self, seconds: float) -> bool:
        self.lost = seconds
        return True


def test_a_decoder_hears_of_changes_while_another_one_answered(
    tiny_pair: TinyPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    steady_machine(monkeypatch)
    settings = PairSettings(
        ModelChoice(tiny_pair.target), n_ctx=64, drafter="ngram", adaptive=True, remember=False
    )
    with Decoder.load(settings) as other:
        one = Decoder(other.models, settings)
        other.models.meter = meter = FewerThreads(Crowded(), 4, lambda _: None)
        one.session(GREEDY)
        assert not one.costs.stale
        assert not other.costs.stale
        while not meter.reduced:
            meter.happened(1.0)
        assert one.costs.stale
        assert not other.costs.stale
        other.session(GREEDY)
        assert other.costs.stale

"""Names of arms, and what they set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from specdec_cli.bench.arms import arms
from specdec_cli.bench.runner import there_and_back
from specdec_cli.core.sampling import Sampling
from specdec_cli.engine.settings import AnswerSettings, ModelChoice, PairSettings
from specdec_cli.errors import UsageError
from specdec_cli.models.settings import ContextSettings

PAIR = PairSettings(ModelChoice(Path("t.gguf")), ModelChoice(Path("d.gguf")), adaptive=True)
ALONE = replace(PAIR, draft=None)
GREEDY = AnswerSettings()
SAMPLED = AnswerSettings(Sampling(temperature=0.8))


def names(pair: PairSettings, answer: AnswerSettings) -> list[str]:
    return [arm.name for arm in arms(["all"], pair, answer)]


def test_all_is_what_is_possible() -> None:
    fixed = ["k2", "k4", "k8", "k16"]
    assert names(PAIR, GREEDY) == ["default", "model", "ngram", *fixed]
    assert names(replace(PAIR, drafter="model"), GREEDY) == ["default", "ngram", "hybrid", *fixed]
    rules = ["match", "rejection", "block"]
    assert names(PAIR, SAMPLED) == ["default", "model", "ngram", *rules, *fixed]
    assert names(ALONE, GREEDY) == ["default"]
    narrow = replace(PAIR, context=ContextSettings(n_ctx=0, n_batch=8))
    assert names(narrow, GREEDY)[-2:] == ["k2", "k4"]
    assert "block" not in names(replace(PAIR, exact=True), SAMPLED)


def test_a_fixed_length_is_the_draft_model_s_alone() -> None:
    (arm,) = arms(["k5"], replace(PAIR, draft_p_min=0.5, draft_min=7), GREEDY)
    assert (arm.draft_max, arm.pair.draft_max, arm.pair.draft_min) == (5, 5, 0)
    assert (arm.pair.drafter, arm.pair.draft_p_min, arm.pair.adaptive) == ("model", 0.0, False)


def test_a_rule_needs_no_other_pair() -> None:
    default, block = arms(["default", "block", "default"], PAIR, SAMPLED)
    assert default.pair == block.pair
    assert block.answer.verify == "block"


@pytest.mark.parametrize(
    ("name", "pair", "said"),
    [
        ("k0", PAIR, "not possible"),
        ("k257", PAIR, "256 tokens at most"),
        ("k99", replace(PAIR, context=ContextSettings(n_ctx=0, n_batch=64)), "does not fit"),
        ("block", PAIR, "not possible"),
        ("k4", ALONE, "not possible"),
        ("model", ALONE, "not possible"),
        ("plain", PAIR, "nothing to compare"),
        ("nonsense", PAIR, "possible here"),
    ],
)
def test_what_cannot_be(name: str, pair: PairSettings, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        arms([name], pair, GREEDY)


def test_turns_go_there_and_back() -> None:
    a, b = arms(["default", "k4"], PAIR, GREEDY)
    assert there_and_back([a, b]) == [None, a, b, b, a, None]

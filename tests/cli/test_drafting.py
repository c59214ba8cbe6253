"""Who drafts and how far, as asked for on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from specdec_cli.engine.settings import AnswerSettings, PairSettings
from specdec_cli.errors import NotFoundError, UsageError
from specdec_cli.options.resolve import Layer, read_layers
from specdec_cli.options.settings import answer_settings, pair_settings
from specdec_cli.options.table import RUN, Options
from tests.cli.test_run import PROMPT, answered


@pytest.fixture(autouse=True)
def _no_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)


def options(models: Path, *, profile: dict[str, Any] | None = None, **flags: Any) -> Options:
    given = {name.replace("_", "-"): value for name, value in flags.items()}
    pair = {"model": str(models / "target.gguf"), "draft-model": str(models / "draft.gguf")}
    return read_layers(RUN, [Layer("profile", pair | (profile or {})), Layer("flag", given)])


def pair_of(models: Path, **given: Any) -> PairSettings:
    return pair_settings(options(models, **given))


def test_lengths_are_adaptive_unless_fixed(models: Path) -> None:
    usual = pair_of(models)
    assert (usual.adaptive, usual.draft_min, usual.draft_max) == (True, 0, 16)
    fixed = pair_of(models, adaptive=False)
    assert (fixed.adaptive, fixed.draft_max) == (False, 3)
    bounded = pair_of(models, draft_min=2, draft_max=5)
    assert (bounded.adaptive, bounded.draft_min, bounded.draft_max) == (True, 2, 5)
    assert pair_of(models, draft_min=20).draft_max == 20


def test_a_profile_s_least_probability_is_for_fixed_lengths(models: Path) -> None:
    profile = {"draft-p-min": 0.6, "draft-max": 12}
    assert pair_of(models, profile=profile).draft_p_min == 0.0
    assert pair_of(models, profile=profile, draft_p_min=0.3).draft_p_min == 0.3
    fixed = pair_of(models, profile=profile, adaptive=False)
    assert (fixed.draft_p_min, fixed.draft_max) == (0.6, 12)


def test_a_seed_that_was_asked_for_is_repeatable(models: Path) -> None:
    def answer(**given: Any) -> AnswerSettings:
        return answer_settings(options(models, temp=0.8, **given))

    assert not answer().repeatable
    assert answer(seed=3).repeatable


def test_the_draft_model_s_settings_reach_the_result(
    capsys: pytest.CaptureFixture[str], models: Path
) -> None:
    pair = ["-m", models / "target.gguf", "-md", models / "draft.gguf", "-n", "16"]
    usual = answered(capsys, *pair, PROMPT)["settings"]
    assert (usual["drafter"], usual["adaptive"]) == ("hybrid", True)
    fixed = answered(capsys, *pair, "--fixed", "--drafter", "model", PROMPT)
    assert (fixed["settings"]["drafter"], fixed["settings"]["adaptive"]) == ("model", False)
    assert fixed["stats"]["by_source"].keys() == {"model"}


def test_n_grams_need_one_file_and_repeat_what_is_expected(
    capsys: pytest.CaptureFixture[str], models: Path, tmp_path: Path
) -> None:
    model = ["-m", models / "target.gguf", "-n", "40", "--fixed", "--raw"]
    plain = answered(capsys, *model, "--drafter", "none", PROMPT)
    assert plain["stats"]["drafted"] == 0
    old = tmp_path / "old.txt"
    old.write_bytes(plain["text"].encode())
    drafted = answered(capsys, *model, "--expect", old, PROMPT)
    assert drafted["settings"]["drafter"] == "ngram"
    assert drafted["models"]["draft"] is None
    assert drafted["stats"]["by_source"].keys() == {"ngram"}


def test_an_expectation_that_cannot_be_used_is_refused(models: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"missing\.txt"):
        answer_settings(options(models, expect=str(tmp_path / "missing.txt")))
    with pytest.raises(UsageError, match="--expect is of no use to --drafter none"):
        answer_settings(options(models, expect="old.txt", drafter="none"))


def test_drafters_that_need_a_draft_model_say_so(models: Path) -> None:
    from specdec_cli.engine.decoder import Decoder

    for name in ("model", "hybrid"):
        flags = {"model": str(models / "target.gguf"), "drafter": name}
        settings = pair_settings(read_layers(RUN, [Layer("flag", flags)]))
        with pytest.raises(UsageError, match="needs a draft model") as caught:
            Decoder.load(settings)
        assert "--drafter ngram" in caught.value.hint

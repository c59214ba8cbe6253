"""``/set`` in a conversation: each setting has its own decoder on the same models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from specdec_cli import paths
from specdec_cli.bench.runner import answer
from specdec_cli.chat.loading import Loaded, Loader
from specdec_cli.chat.options import CHAT
from specdec_cli.chat.settings import adapted, changed, option_named
from specdec_cli.core.draft_length.costs import CostModel
from specdec_cli.options.resolve import resolve_named
from tests.steady import steady_machine

QUESTION = "<|im_start|>user\nName three planets.<|im_end|>\n<|im_start|>assistant\n"


def started() -> tuple[Loader, Loaded]:
    given = {"temp": 0.0, "adaptive": True}
    loader = Loader(lambda: resolve_named(CHAT, None, given))
    return loader, loader.wait(lambda: False, lambda: None)


def after(loader: Loader, loaded: Loaded, option: str, text: str) -> Loaded:
    found = adapted(loaded, loader, changed(loaded.options, option_named(option), text))
    assert found is not None
    return found


def learns(loaded: Loaded) -> None:
    """Answers until enough is known for the next run."""
    decoder = loaded.decoder
    prompt = decoder.models.vocab.tokenize(QUESTION, add_special=True, parse_special=True)
    while decoder.length is not None and decoder.length.rounds < 16:
        answer(decoder, prompt, loaded.settings, plain=False, max_tokens=48)


def test_what_is_learnt_after_set_is_kept_at_the_end(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steady_machine(monkeypatch)
    monkeypatch.setattr(CostModel, "agrees", lambda *_: True)
    loader, loaded = started()
    learns(loaded)
    of_model = after(loader, loaded, "drafter", "model")
    learns(of_model)
    loader.close()
    kept = [json.loads(file.read_text()) for file in paths.cost_cache().iterdir()]
    assert {each["about"]["drafter"] for each in kept} == {"hybrid", "model"}

    loader, loaded = started()
    again = after(loader, loaded, "drafter", "model")
    assert again.decoder.length is not None
    assert sum(again.decoder.length.as_dict()["calibration"]["model"]["seen"]) > 0
    loader.close()


def test_who_goes_back_finds_what_was_learnt_before(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steady_machine(monkeypatch)
    loader, loaded = started()
    shorter = after(loader, loaded, "draft-max", "2")
    assert shorter.decoder is not loaded.decoder
    assert shorter.decoder.models is loaded.decoder.models
    back = after(loader, shorter, "draft-max", str(loaded.options.drafting.draft_max))
    assert back.decoder is loaded.decoder
    assert after(loader, back, "draft-max", "2").decoder is shorter.decoder
    loader.close()

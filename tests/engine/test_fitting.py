"""A pair is fitted into the memory there is, and into less where loading it fails."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from specdec_cli.engine.decoder import Decoder
from specdec_cli.engine.fitting import Fitting, layers_to_plan
from specdec_cli.engine.settings import ModelChoice, PairSettings
from specdec_cli.errors import OutOfMemoryError
from specdec_cli.gguf.header import read_header
from specdec_cli.memory.machine import Machine, Store, imagined
from specdec_cli.models.llama_context import LlamaContext
from specdec_cli.models.settings import ContextSettings, ModelSettings
from tests.conftest import TinyPair

GB = 1 << 30
RAM = Store("RAM", "main memory", 8 * GB, 8 * GB)


def fitting(pair: TinyPair, machine: Machine, **settings: object) -> Fitting:
    asked = replace(
        PairSettings(ModelChoice(pair.target), ModelChoice(pair.draft), n_ctx=2048), **settings
    )
    headers = read_header(pair.target), read_header(pair.draft)
    layout = ContextSettings(n_ctx=asked.n_ctx, rows=17, threads=2, threads_batch=2)
    return Fitting(asked, *headers, layout, machine)


def loaded_layers(found: Fitting, pair: TinyPair) -> tuple[object, object]:
    settings = found.settings(PairSettings(ModelChoice(pair.target), ModelChoice(pair.draft)))
    assert settings.draft
    return settings.target.load.gpu_layers, settings.draft.load.gpu_layers


def test_what_fits_is_left_as_it_is(tiny_pair: TinyPair) -> None:
    found = fitting(tiny_pair, Machine(RAM))
    assert (found.n_ctx, found.warnings) == (2048, [])
    assert loaded_layers(found, tiny_pair) == (0, 0)


def test_loading_that_fails_gives_up_the_target_then_the_draft_then_the_context(
    tiny_pair: TinyPair,
) -> None:
    found = fitting(tiny_pair, imagined([4 * GB], RAM), shrinks=True)
    steps = [(loaded_layers(found, tiny_pair), found.n_ctx)]
    failure = OutOfMemoryError("it failed", "")
    while steps[-1] != ((0, 0), 512):
        found.retreat(failure)
        steps.append((loaded_layers(found, tiny_pair), found.n_ctx))
    with pytest.raises(OutOfMemoryError, match="it failed") as caught:
        found.retreat(failure)
    needs = found.plan.target, found.plan.draft
    targets = [int(str(target)) for (target, _), _ in steps]
    assert needs[1] and (targets[0], targets[-1]) == (needs[0].n_layers, 0)
    assert targets == sorted(targets, reverse=True)
    drafts = {draft for (target, draft), _ in steps if target}
    assert drafts == {needs[1].n_layers}, "it stays while the target has layers to give"
    assert [n_ctx for _, n_ctx in steps][-3:] == [2048, 1024, 512]
    assert len(found.warnings) == len(steps) - 1
    assert "RAM weights" in caught.value.message


def test_what_was_asked_for_is_not_given_up(tiny_pair: TinyPair) -> None:
    asked = ModelChoice(tiny_pair.target, ModelSettings(gpu_layers=3))
    found = fitting(
        tiny_pair,
        imagined([4 * GB], RAM),
        target=asked,
        draft=ModelChoice(tiny_pair.draft, ModelSettings(gpu_layers=0)),
    )
    with pytest.raises(OutOfMemoryError):
        found.retreat(OutOfMemoryError("it failed", ""))


def test_layers_asked_for_that_have_no_room_are_better_left_to_be_chosen(
    tiny_pair: TinyPair,
) -> None:
    every = ModelSettings(gpu_layers=-1)
    target, draft = (ModelChoice(path, every) for path in (tiny_pair.target, tiny_pair.draft))
    found = fitting(tiny_pair, imagined([24 << 20], RAM), target=target, draft=draft)
    with pytest.raises(OutOfMemoryError, match="cudaMalloc failed") as caught:
        found.retreat(OutOfMemoryError("cudaMalloc failed", ""))
    assert "leave -ngl and -ngld out" in caught.value.hint


def test_a_context_nobody_asked_for_becomes_shorter(tiny_pair: TinyPair) -> None:
    small = Store("RAM", "main memory", 40_000_000, 8 * GB)
    found = fitting(tiny_pair, Machine(small), shrinks=True)
    assert found.n_ctx < 2048
    assert f"the context is {found.n_ctx:,} tokens" in found.warnings[0]
    with pytest.raises(OutOfMemoryError, match="not enough memory") as caught:
        fitting(tiny_pair, Machine(replace(small, free=5_000_000)))
    assert "specdec plan" in caught.value.hint


@pytest.mark.parametrize(
    ("load", "layers"),
    [
        (ModelSettings(), "auto"),
        (ModelSettings(gpu_layers=5), 5),
        (ModelSettings(tensor_split=(1.0, 3.0)), -1),
        (ModelSettings(split_mode="none"), -1),
        (ModelSettings(main_gpu=1), -1),
        (ModelSettings(gpu_layers=5, split_mode="row"), 5),
    ],
)
def test_a_split_by_hand_is_not_planned_over(load: ModelSettings, layers: object) -> None:
    assert layers_to_plan(load) == layers


def test_a_pair_that_runs_out_of_memory_loads_with_less(
    tiny_pair: TinyPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A context of half the length is what llama.cpp has memory for."""
    init = LlamaContext.__init__

    def fails(self: LlamaContext, model: object, settings: ContextSettings, **more: object) -> None:
        if settings.n_ctx > 1024:
            raise OutOfMemoryError("llama.cpp cannot make a context", "")
        init(self, model, settings, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(LlamaContext, "__init__", fails)
    models = ModelChoice(Path(tiny_pair.target)), ModelChoice(Path(tiny_pair.draft))
    with Decoder.load(PairSettings(*models, n_ctx=2048, shrinks=True)) as pair:
        assert pair.models.n_ctx == pair.models.target.context.n_ctx == 1024
        assert "no room for a context of 2,048 tokens" in " ".join(pair.models.warnings)
    with pytest.raises(OutOfMemoryError, match="cannot make a context"):
        Decoder.load(PairSettings(*models, n_ctx=2048))

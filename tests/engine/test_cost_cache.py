"""What is kept from one run to the next: nothing wrong in the file ever matters."""

from __future__ import annotations

import json
import random
import tempfile
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from specdec_cli import paths
from specdec_cli.core.draft_length.adaptive import AdaptiveLength
from specdec_cli.core.draft_length.costs import CostModel
from specdec_cli.core.events import Round
from specdec_cli.drafters.ngram import NgramDrafter
from specdec_cli.engine.cost_cache import CostCache
from specdec_cli.engine.settings import ModelChoice, PairSettings
from specdec_cli.models.settings import ContextSettings

pytestmark = pytest.mark.usefixtures("home")
LAYOUT = ContextSettings(n_ctx=512, threads=2)


@pytest.fixture
def settings(tmp_path: Path) -> PairSettings:
    for name in ("target.gguf", "draft.gguf"):
        (tmp_path / name).write_text(name)
    return PairSettings(
        ModelChoice(tmp_path / "target.gguf"), ModelChoice(tmp_path / "draft.gguf"), adaptive=True
    )


def cost_cache_of(
    settings: PairSettings, layout: ContextSettings = LAYOUT, rows: int = 9
) -> CostCache:
    return CostCache(settings, "hybrid", layout, rows)


def experienced() -> tuple[AdaptiveLength, NgramDrafter]:
    length, ngrams = fresh()
    text = [1, 2, 3, 1, 2, 3]
    ngrams.start(text, lambda: False)
    for _ in range(40):
        k = length.next(100)
        confidence = [0.8] * k
        outcome = Round((1,) * (k // 2 + 1), k, k // 2, "model", 0.01 * k, 1 + 0.1 * k)
        length.observe(outcome, confidence)
        text += outcome.tokens
        ngrams.draft(text, 8)
        ngrams.observe(outcome)
    return length, ngrams


def fresh(plain: float = 1.0) -> tuple[AdaptiveLength, NgramDrafter]:
    """As at a start: what a plain pass takes has just been measured."""
    costs = CostModel(9, pads=True)
    for _ in range(3):
        costs.observe(1, plain)
    return AdaptiveLength(0, 8, costs, sources=("model",), free=True), NgramDrafter()


def the_file() -> Path:
    (found,) = paths.cost_cache().iterdir()
    return found


def test_it_comes_back(settings: PairSettings) -> None:
    length, ngrams = experienced()
    cost_cache_of(settings).save(length, ngrams)
    again, matches = fresh(length.costs.plain * 7)
    assert cost_cache_of(settings).load(again, matches)
    for part, values in length.costs.as_dict().items():
        assert again.costs.as_dict()[part] == pytest.approx(values)
    assert again.costs.seconds(5) == pytest.approx(7 * length.costs.seconds(5))
    assert not again.costs.stale
    was, now = (each.as_dict()["calibration"]["model"] for each in (length, again))
    assert sum(now["seen"]) == pytest.approx(min(sum(was["seen"]), 60.0))
    assert now["usual"] == pytest.approx(was["usual"])
    assert sum(matches.as_dict()["match"]["seen"]) > 0
    credit = length.as_dict()["credit"]
    assert credit == {"steps": 3.0, "found": 0.0}  # what drafts won, up to a few passes
    assert again.as_dict()["credit"] == pytest.approx(credit)


def test_there_is_nothing_at_first(settings: PairSettings) -> None:
    assert not cost_cache_of(settings).load(*fresh())


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"v": 1}', b"[" * 100_000]
)
def test_a_damaged_file_is_as_none_and_is_replaced(settings: PairSettings, damage: bytes) -> None:
    cache = cost_cache_of(settings)
    cache.save(*experienced())
    the_file().write_bytes(damage)
    assert not cache.load(*fresh())
    cache.save(*experienced())
    assert cache.load(*fresh())


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("learnt", "costs", "passes", "5"), float("nan")),
        (("learnt", "costs", "passes", "5"), -1.0),
        (("learnt", "costs", "passes", "5"), "soon"),
        (("learnt", "costs", "passes", "5"), 10**400),
        (("learnt", "costs", "passes", "5"), 1e300),
        (("learnt", "costs", "passes"), {"1" * 5000: 1.0}),
        (("learnt", "costs", "passes"), []),
        (("learnt", "costs", "steps"), None),
        (("learnt", "costs"), 1),
        (("learnt", "calibration", "model", "wins"), [1e9] * 14),
        (("learnt", "calibration", "model", "seen"), [1.0]),
        (("learnt", "calibration", "model", "usual"), [0.0] * 14),
        (("learnt", "calibration", "model", "usual"), [1e308] * 14),
        (("learnt", "calibration", "model", "usual"), [10**400] * 14),
        (("learnt", "calibration", "model", "seen"), [1e308] * 14),
        (("learnt", "calibration", "model"), 3),
        (("learnt", "calibration"), 3),
        (("learnt", "credit"), 3),
        (("learnt", "credit", "steps"), 1e9),
        (("learnt", "credit", "steps"), -1.0),
        (("learnt", "credit", "steps"), float("nan")),
        (("learnt", "credit", "steps"), 10**400),
        (("learnt", "credit", "found"), "much"),
        (("ngrams", "match", "right"), [1e9] * 11),
        (("ngrams", "match", "seen"), ["much"] * 11),
        (("ngrams", "match", "seen"), [10**400] * 11),
        (("ngrams", "match"), [1]),
        (("ngrams",), None),
        (("about", "machine"), ["another"]),
        (("v",), 0),
    ],
)
def test_values_that_cannot_be_are_not_taken_over(
    settings: PairSettings, place: tuple[str, ...], value: Any
) -> None:
    cache = cost_cache_of(settings)
    cache.save(*experienced())
    found = json.loads(the_file().read_text())
    part = found
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    the_file().write_text(json.dumps(found))
    length, ngrams = fresh()
    before = length.as_dict(), ngrams.as_dict()
    assert not cache.load(length, ngrams)
    assert (length.as_dict(), ngrams.as_dict()) == before


def test_another_layout_file_or_build_has_a_file_of_its_own(
    settings: PairSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings.draft
    others = [
        cost_cache_of(settings),
        cost_cache_of(settings, replace(LAYOUT, n_ctx=2048)),
        cost_cache_of(settings, replace(LAYOUT, threads=1)),
        cost_cache_of(settings, rows=17),
        cost_cache_of(replace(settings, draft=replace(settings.draft, threads=1))),
    ]
    settings.draft.path.write_text("another model")
    others.append(cost_cache_of(settings))
    monkeypatch.setenv("LLAMA_CPP_LIB_PATH", "elsewhere")
    others.append(cost_cache_of(settings))
    for number, cache in enumerate(others):
        assert not cache.load(*fresh())
        cache.save(*experienced())
        assert len(list(paths.cost_cache().iterdir())) == number + 1
    alike = cost_cache_of(settings, replace(LAYOUT, n_ctx=700))
    assert alike.load(*fresh())


def test_a_place_that_cannot_be_written_is_no_reason_to_fail(settings: PairSettings) -> None:
    paths.cost_cache().parent.mkdir(parents=True)
    paths.cost_cache().write_text("a file where the folder should be")
    cost_cache_of(settings).save(*experienced())
    assert not cost_cache_of(settings).load(*fresh())


@pytest.mark.parametrize(
    ("part", "name", "ratio"),
    [
        ("passes", "9", 19.0),
        ("passes", "9", 0.1),
        ("steps", "model", 1e5),
        ("steps", "model", 1e-9),
    ],
)
def test_costs_that_no_machine_has_are_dropped(
    settings: PairSettings, part: str, name: str, ratio: float
) -> None:
    cache = cost_cache_of(settings)
    cache.save(*experienced())
    found = json.loads(the_file().read_text())
    assert name in found["learnt"]["costs"][part]
    assert cache.load(*fresh())
    found["learnt"]["costs"][part][name] = ratio
    the_file().write_text(json.dumps(found))
    assert not cache.load(*fresh())


def test_it_says_how_it_was_measured(settings: PairSettings) -> None:
    length, ngrams = experienced()
    cost_cache_of(settings).save(length, ngrams)
    taken = json.loads(the_file().read_text())["taken"]
    assert taken == {"passes": length.costs.passes, "interrupted": 0}
    assert taken["passes"] > 30


def test_a_failed_save_leaves_no_part_behind(
    settings: PairSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    cache = cost_cache_of(settings)
    cache.save(*experienced())
    old = the_file().read_bytes()
    for name in ("write", "flush", "close"):
        with monkeypatch.context() as patch:
            patch.setattr(tempfile._TemporaryFileWrapper, name, full, raising=False)
            cache.save(*experienced())
        assert the_file().read_bytes() == old
    monkeypatch.setattr(Path, "replace", full)
    cache.save(*experienced())
    assert the_file().read_bytes() == old


@pytest.mark.filterwarnings("error")
def test_garbage_is_never_more_than_ignored(settings: PairSettings) -> None:
    """Values in random places of a file are replaced by what JSON can say, two at a time."""
    cache = cost_cache_of(settings)
    cache.save(*experienced())
    text = the_file().read_text()
    values = [
        None,
        True,
        -1,
        0,
        10**400,
        1e308,
        -1e308,
        float("nan"),
        float("inf"),
        "x",
        "9" * 5000,
    ]
    values += [[], {}, [[]], {"a": 1}, [1e308] * 14, [10**400] * 11, "\0", 1e-320]
    taken = 0
    for seed in range(2000):
        rng = random.Random(seed)
        found = json.loads(text)
        for _ in range(rng.choice((1, 2))):
            inner = found.get("learnt")
            whole = not isinstance(inner, dict) or rng.random() < 0.3
            damage(rng, found if whole else inner, values)
        the_file().write_text(json.dumps(found))
        length, ngrams = fresh()
        before = length.as_dict(), ngrams.as_dict()
        if cache.load(length, ngrams):
            taken += 1
            for _ in range(3):  # what was taken over can be worked with
                k = length.next(100)
                length.observe(Round((1,), k, 0, "model", 0.01 * k, 1.0), [0.8] * k)
                ngrams.draft((1, 2, 3), 4)
        else:
            assert (length.as_dict(), ngrams.as_dict()) == before, seed
    assert 0 < taken < 1000


def damage(rng: random.Random, part: Any, values: list[Any]) -> None:
    """Replace something inside ``part``, which is a dict or a list, or take it out."""
    while True:
        keys = list(part) if isinstance(part, dict) else list(range(len(part)))
        if not keys:
            return
        key = rng.choice(keys)
        if isinstance(part[key], dict | list) and rng.random() < 0.8:
            part = part[key]
            continue
        if rng.random() < 0.15:
            del part[key]
        else:
            part[key] = deepcopy(rng.choice(values))
        return

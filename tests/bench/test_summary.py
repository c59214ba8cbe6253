"""From answers to results, by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from specdec_cli.bench.arms import PLAIN, Arm
from specdec_cli.bench.results import ArmResult, Difference
from specdec_cli.bench.runner import Record
from specdec_cli.bench.samples import Sample, kept_by_position
from specdec_cli.bench.summary import Summary
from specdec_cli.bench.workload import Task
from specdec_cli.core.stats import RunStats
from specdec_cli.engine.same_bits import first_difference
from specdec_cli.engine.settings import AnswerSettings, ModelChoice, PairSettings

ARM = Arm("default", PairSettings(ModelChoice(Path("t.gguf"))), AnswerSettings())
TASKS = [Task("a", "1"), Task("a", "2"), Task("b", "3")]


def sample(seconds: float, tokens: str = "abcd", **more: object) -> Sample:
    stats = RunStats()
    stats.rounds = stats.completion_tokens = len(tokens)
    stats.verify_seconds = seconds
    return Sample(len(tokens), seconds, stats, tuple(map(ord, tokens)), **more)  # type: ignore[arg-type]


def result(*records: tuple[str, int, int, Sample], compare: bool = True) -> ArmResult:
    summary = Summary(TASKS, compare=compare)
    summary.weights_bytes, summary.bandwidth = 100, 1000.0
    for arm, prompt, seed, each in records:
        summary.add(Record(0, arm, prompt, seed, each))
    found = summary.result(0, ARM, "model", "match")
    assert found is not None
    return found


def test_pairs_are_matched_by_prompt_and_seed() -> None:
    found = result(
        (PLAIN, 0, 1, sample(4.0)),
        ("default", 0, 1, sample(2.0)),  # twice as fast
        (PLAIN, 0, 2, sample(16.0)),
        ("default", 0, 2, sample(2.0)),  # eight times: the prompt's mean is four
        (PLAIN, 1, 1, sample(6.0)),
        ("default", 1, 1, sample(1.0)),
        (PLAIN, 2, 1, sample(3.0)),
        ("default", 2, 1, sample(3.0)),
        (PLAIN, 2, 2, sample(3.0)),  # no partner yet
    )
    assert {kind: (f.prompts, f.pairs) for kind, f in found.kinds.items()} == {
        "a": (2, 3),
        "b": (1, 1),
    }
    speedup = {kind: f.speedup.value for kind, f in found.kinds.items() if f.speedup}
    assert speedup == {"a": pytest.approx(5.0), "b": pytest.approx(1.0)}
    assert found.overall.speedup is not None
    assert found.overall.speedup.value == pytest.approx(5.0**0.5)


def test_repeats_are_summed_before_they_are_divided() -> None:
    found = result(
        (PLAIN, 0, 1, sample(1.0)),
        ("default", 0, 1, sample(1.0)),
        ("default", 0, 1, sample(0.0, "")),  # says nothing about speed
        ("default", 0, 1, sample(0.5, "ab")),
        (PLAIN, 0, 1, sample(2.0)),
    )
    assert found.overall.speedup is not None
    assert found.overall.speedup.value == pytest.approx((3.0 / 8) / (1.5 / 6))


def test_longer_answers_are_not_slower_ones() -> None:
    found = result((PLAIN, 0, 1, sample(1.0, "ab")), ("default", 0, 1, sample(2.0, "abcd")))
    assert found.overall.speedup is not None
    assert found.overall.speedup.value == pytest.approx(1.0)


def test_answers_are_compared() -> None:
    records = [
        (PLAIN, 0, 1, sample(1.0)),
        ("default", 0, 1, sample(1.0, "abxd")),
        ("default", 0, 1, sample(1.0)),
        (PLAIN, 2, 1, sample(1.0)),
        ("default", 2, 1, sample(1.0)),
    ]
    found = result(*records)
    assert (found.overall.same, found.overall.compared) == (2, 3)
    assert found.differences == (Difference("a", 1, 2),)
    assert result(*records, compare=False).overall.compared == 0


def test_rates() -> None:
    found = result(
        (PLAIN, 0, 1, sample(2.0)),
        ("default", 0, 1, sample(1.0, drafted=8, accepted=6, lengths=((4, 4), (4, 2)))),
    ).overall
    assert found.plain_tokens_per_second == pytest.approx(2.0)
    assert found.tokens_per_second == pytest.approx(4.0)
    assert found.acceptance_rate == pytest.approx(0.75)
    assert found.mean_draft_length == pytest.approx(4.0)
    assert found.kept_by_position == (1.0, 1.0, 0.5, 0.5)
    assert found.verify_share == pytest.approx(1.0)
    # Four passes a second over 100 bytes, of 1000 bytes a second.
    assert found.bandwidth_share == pytest.approx(0.4)
    assert found.plain_bandwidth_share == pytest.approx(0.2)


def test_positions_that_no_draft_reached_are_no_rejections() -> None:
    assert kept_by_position([(1, 1), (3, 2)]) == (1.0, 1.0, 0.0)
    assert kept_by_position([(2, 0), (4, 4)]) == (0.5, 0.5, 1.0, 1.0)
    assert kept_by_position([]) == ()


@pytest.mark.parametrize(
    ("a", "b", "at"), [("abc", "abc", None), ("abc", "abd", 2), ("ab", "abc", 2), ("", "a", 0)]
)
def test_first_difference(a: str, b: str, at: int | None) -> None:
    assert first_difference(list(map(ord, a)), list(map(ord, b))) == at

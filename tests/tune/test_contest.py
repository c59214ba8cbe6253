"""Choosing among candidates, with times that the tests make up."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from specdec_cli.bench.samples import Sample
from specdec_cli.bench.workload import Task
from specdec_cli.core.sampling import Sampling
from specdec_cli.engine.settings import AnswerSettings, ModelChoice, PairSettings
from specdec_cli.models.settings import ContextSettings
from specdec_cli.tune.candidates import (
    Candidate,
    drafting,
    rules,
    thread_counts,
    widest,
    with_threads,
)
from specdec_cli.tune.contest import PLAIN, Measure, halve, judge, meet
from specdec_cli.tune.prompts import Pool
from specdec_cli.tune.rig import ThreadTime
from specdec_cli.tune.search import best_threads

PAIR = PairSettings(
    ModelChoice(Path("target.gguf")),
    ModelChoice(Path("draft.gguf")),
    context=ContextSettings(n_ctx=0),
    draft_max=16,
    adaptive=True,
)
GREEDY = AnswerSettings(Sampling(temperature=0.0))
SAMPLED = AnswerSettings(Sampling(temperature=0.8))
DEFAULT = Candidate("default", PAIR, GREEDY)
TASKS = [Task("code", f"code {i}") for i in range(6)] + [
    Task("chat", f"chat {i}") for i in range(6)
]


def named(*names: str) -> list[Candidate]:
    return [Candidate(name, PAIR, GREEDY) for name in names]


def measured(speeds: Mapping[str, float], seen: list[str] | None = None) -> Measure:
    """Answers at these speeds; prompts differ in length, which is to make no difference."""

    def measure(candidate: Candidate, task: Task, seed: int, plain: bool) -> Sample:
        name = PLAIN if plain else candidate.name
        if seen is not None:
            seen.append(name)
        tokens = 10 + 7 * (TASKS.index(task) % 3)
        return Sample(count=tokens, seconds=tokens / speeds.get(name, 1.0))

    return measure


def test_they_take_turns_there_and_back() -> None:
    seen: list[str] = []
    meet(named("a", "b"), {0: TASKS[0]}, (1,), measured({}, seen), plain=True)
    assert seen == [PLAIN, "a", "b", "b", "a", PLAIN]


def test_the_fastest_of_many_is_found_and_few_are_tried_twice() -> None:
    others = named("slow", "better", "best", "same", "worse")
    speeds = {"slow": 0.5, "better": 1.2, "best": 1.4, "worse": 0.9}
    pool = Pool(TASKS)
    rounds = [pool.take(1), pool.take(2)]
    best, trials = halve(DEFAULT, others, rounds, 1, measured(speeds), "drafting")
    assert best is others[2]
    assert [(each.name, each.kept) for each in trials[:5]] == [
        ("best", True),
        ("better", True),
        ("same", True),
        ("worse", False),
        ("slow", False),
    ]
    assert {each.name for each in trials[5:]} == {"best", "better", "same"}
    assert trials[0].speedup.value == pytest.approx(1.4)
    assert [each.name for each in trials if each.kept][-1] == "best"


def test_who_is_far_behind_leaves_early() -> None:
    seen: list[str] = []
    tasks = Pool(TASKS).take(3)
    speeds = {"slow": 0.5}
    _, trials = halve(
        DEFAULT, named("slow", "same"), [tasks], 1, measured(speeds, seen), "drafting"
    )
    assert {each.name: each.prompts for each in trials} == {"same": 6, "slow": 2}
    assert seen.count("slow") == 4
    assert seen.count("same") == seen.count("default") == 12


def test_nobody_is_chosen_who_is_no_faster() -> None:
    best, trials = halve(
        DEFAULT, named("a", "b"), [Pool(TASKS).take(1)] * 2, 1, measured({"b": 0.9}), "drafting"
    )
    assert best is None
    assert len(trials) == 3  # b is not tried again


@pytest.mark.parametrize(
    ("speeds", "chosen"),
    [
        ({}, "default"),
        ({"threads": 1.5}, "threads"),
        ({"drafts": 1.5}, "drafts"),
        ({"threads": 1.2, "drafts": 1.4}, "drafts"),
        ({"threads": 1.4, "drafts": 1.2}, "threads"),
        ({"threads": 0.8, "drafts": 0.9}, "default"),
    ],
)
def test_a_step_has_to_beat_the_last_that_was_chosen(speeds: dict[str, float], chosen: str) -> None:
    steps = [DEFAULT, *named("threads", "drafts")]
    scores = meet(steps, Pool(TASKS).take(3), (1,), measured(speeds))
    assert judge(steps, scores).name == chosen


def test_a_gain_that_may_be_chance_does_not_count() -> None:
    def measure(candidate: Candidate, task: Task, seed: int, plain: bool) -> Sample:
        lucky = candidate.name == "moody" and task.prompt.endswith(("0", "1"))
        unlucky = candidate.name == "moody" and task.prompt.endswith("2")
        return Sample(10, 0.5 if lucky else 2.0 if unlucky else 1.0)

    steps = [DEFAULT, *named("moody")]
    scores = meet(steps, Pool(TASKS).take(3), (1,), measure)
    told = scores.speedup("moody", "default")
    assert told is not None and told.value > 1.5
    assert told.low is not None and told.low < 1
    assert judge(steps, scores) is DEFAULT


def test_without_an_interval_nothing_is_chosen() -> None:
    steps = [DEFAULT, *named("fast")]
    scores = meet(steps, Pool(TASKS).take(1), (1,), measured({"fast": 3.0}))
    assert judge(steps, scores) is DEFAULT


def test_answers_of_no_tokens_say_nothing() -> None:
    scores = meet(named("a", "b"), {0: TASKS[0]}, (1,), lambda *_: Sample(0, 0.0))
    assert scores.speedup("a", "b") is None
    assert scores.tokens_per_second("a") is None


def test_prompts_are_fresh_as_long_as_there_are_any() -> None:
    pool = Pool(TASKS)
    first, second, third = pool.take(2), pool.take(3), pool.take(2)
    assert list(first) == [0, 6, 1, 7]
    assert set(second) == {2, 3, 4, 8, 9, 10}
    assert set(third) == {5, 0, 11, 6}
    assert len(Pool(TASKS[:2]).take(5)) == 2


def test_other_ways_to_draft_are_all_other_ways() -> None:
    found = drafting(DEFAULT)
    assert len({each.name for each in found}) == len(found)
    assert all(each.pair != PAIR and each.changes for each in found)
    by_name = {each.name: each.changes for each in found}
    assert by_name["model"] == {"drafter": "model"}
    assert by_name["no drafts"] == {"drafter": "none"}
    # Values that belong together are saved together: a profile may set some of them.
    assert by_name["always 4 tokens"] == {
        "drafter": "model",
        "adaptive": False,
        "draft-min": 0,
        "draft-max": 4,
        "draft-p-min": 0.0,
    }
    loaded = widest(DEFAULT, found)
    assert (loaded.drafter, loaded.draft_max) == ("hybrid", 16)


def test_a_target_alone_may_repeat_itself() -> None:
    alone = Candidate("default", PairSettings(PAIR.target, draft_max=16, adaptive=True), GREEDY)
    assert [each.name for each in drafting(alone)] == ["no drafts"]
    assert widest(alone, drafting(alone)).drafter == "ngram"


def test_drafts_fit_into_the_batch() -> None:
    context = ContextSettings(n_ctx=0, n_batch=8)
    small = Candidate("default", PairSettings(PAIR.target, PAIR.draft, context=context), GREEDY)
    assert max(each.pair.draft_max for each in drafting(small)) == 4


def test_rules_are_tried_when_sampling_only() -> None:
    assert rules(DEFAULT) == []
    found = rules(Candidate("default", PAIR, SAMPLED))
    assert {str(each.changes["verify"]) for each in found} == {"match", "rejection", "block"}
    assert all(each.answer.verify == each.changes["verify"] for each in found)


def test_threads_go_where_the_options_would_put_them() -> None:
    found = with_threads(DEFAULT, 6, 2)
    assert found.pair.draft is not None
    assert (found.pair.target.threads, found.pair.context.threads_batch) == (6, 6)
    assert found.pair.draft.threads == 2
    assert found.changes == {"threads": 6, "threads-draft": 2}
    assert with_threads(DEFAULT, 6, None).name == "6 threads"
    assert with_threads(DEFAULT, 1, None).name == "1 thread"
    (model, *_) = drafting(found)
    assert model.name == "6 threads and 2 for the draft model, model"
    assert model.changes == {"threads": 6, "threads-draft": 2, "drafter": "model"}


def test_numbers_of_threads() -> None:
    assert thread_counts(1, 1) == [1]
    assert thread_counts(2, 2) == [1, 2]
    assert thread_counts(8, 16) == [2, 4, 6, 7, 8, 16]


@pytest.mark.parametrize(
    ("seconds", "best"),
    [((1.0, 1.0), None), ((0.99, 1.0), None), ((0.8, 1.0), 1), ((0.8, 1.5), None)],
)
def test_threads_are_judged_by_all_sizes_of_a_pass(
    seconds: tuple[float, float], best: int | None
) -> None:
    usual = [ThreadTime("target", 2, rows, 1.0) for rows in (1, 4)]
    other = [ThreadTime("target", 1, r, s) for r, s in zip((1, 4), seconds, strict=True)]
    assert best_threads([*usual, *other], 2) == best

"""A draft under way follows the plan it was begun with; what it tells is learnt afterwards."""

from __future__ import annotations

from specdec_cli.core.draft_length.steps import PlannedSteps, Source
from specdec_cli.core.draft_length.stopping import Plan

EAGER = Plan(go=(0.0,) * 4, keep=(0.0,) * 4, gain=1.0)
NEVER = Plan(go=(2.0,) * 4, keep=(2.0,) * 4, gain=0.0)


def begun(source: Source) -> PlannedSteps:
    return PlannedSteps(source, 0, 0.0, probing=False, forcing=False)


def test_a_plan_made_meanwhile_is_for_the_next_draft() -> None:
    source = Source(plan=EAGER)
    steps = begun(source)
    assert steps.accepts_token(0.5)
    source.plan = NEVER
    assert steps.should_continue()
    assert steps.accepts_token(0.5)
    assert not begun(source).accepts_token(0.5)


def test_what_was_refused_counts_when_the_round_is_over() -> None:
    source = Source(plan=NEVER)
    steps = begun(source)
    assert not steps.accepts_token(0.5)
    assert source.refused == 0
    steps.count_refused()
    steps.count_refused()
    assert source.refused == 1


def test_one_of_forty_that_are_refused_is_kept_all_the_same() -> None:
    source = Source(plan=NEVER)
    kept = []
    for _ in range(120):
        steps = begun(source)
        kept.append(steps.accepts_token(0.5))
        steps.count_refused()
    assert [number for number, each in enumerate(kept, 1) if each] == [40, 80, 120]

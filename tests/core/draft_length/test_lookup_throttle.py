"""How often free drafts are looked for."""

from __future__ import annotations

from specdec_cli.core.draft_length.lookup_throttle import LookupThrottle

PLAIN = 1e-3


def looks_in(rounds: int, looks: LookupThrottle, *, cost: float, found: bool = False) -> int:
    done = 0
    for _ in range(rounds):
        if looks.due(PLAIN):
            looks.observe(cost, found=found)
            done += 1
    return done


def test_looks_become_rarer_while_they_are_in_vain_and_cost_something() -> None:
    looks = LookupThrottle()
    assert looks_in(6, looks, cost=3e-5) == 6
    looks_in(100, looks, cost=3e-5)
    assert looks_in(200, looks, cost=3e-5) == 20, "3 % of a pass, for 0.3 % of every round"
    looks_in(1000, looks, cost=1e-3)
    assert looks_in(320, looks, cost=1e-3) == 10, "never less than every 32nd round"


def test_the_rounds_until_the_next_look_need_not_be_asked_about() -> None:
    asked, skipped = LookupThrottle(), LookupThrottle()
    for looks in asked, skipped:
        looks_in(300, looks, cost=3e-5)
        while not looks.due(PLAIN):
            pass
        looks.observe(3e-5, found=False)
    rest = skipped.rest(PLAIN)
    assert rest == 9
    skipped.skip(rest)
    assert skipped.due(PLAIN)
    assert [asked.due(PLAIN) for _ in range(rest + 1)] == [False] * rest + [True]


def test_a_look_that_costs_nothing_beside_a_pass_is_always_taken() -> None:
    assert looks_in(500, LookupThrottle(), cost=2e-6) == 500


def test_one_find_and_every_round_looks_again() -> None:
    looks = LookupThrottle()
    looks_in(100, looks, cost=1e-3)
    while not looks.due(PLAIN):
        pass
    looks.observe(1e-3, found=True)
    assert looks_in(6, looks, cost=1e-3) == 6


def test_without_a_known_pass_nothing_is_saved() -> None:
    looks = LookupThrottle()
    looks_in(50, looks, cost=1e-3)
    assert looks.due(0.0) and looks.due(0.0)

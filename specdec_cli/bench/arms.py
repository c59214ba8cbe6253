"""The ways of decoding that are compared: names on the command line, and what they set."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from specdec_cli.core.limits import LONGEST_DRAFT, SPARE_ROWS
from specdec_cli.core.verify import Rule
from specdec_cli.drafters import registry
from specdec_cli.engine.settings import (
    AnswerSettings,
    PairSettings,
    available,
    chosen_drafter,
)
from specdec_cli.errors import UsageError

DEFAULT = "default"
PLAIN = "plain"
FIXED = (2, 4, 8, 16)
_FIXED_NAME = re.compile(r"k([1-9]\d{0,2})")


@dataclass(frozen=True, slots=True)
class Arm:
    """One way of decoding, to be compared with plain decoding of the same pair.

    Args:
        pair: what to load for it.
        draft_max: the draft length, for arms that fix it.
    """

    name: str
    pair: PairSettings
    answer: AnswerSettings
    draft_max: int | None = None


def arms(names: Sequence[str], pair: PairSettings, answer: AnswerSettings) -> list[Arm]:
    """The arms that are meant, without repeats; ``all`` stands for every one that is possible.

    Plain decoding is always measured along with each of them.

    Args:
        pair: the settings of the command line.

    Raises:
        UsageError: a name is unknown, or not possible with these settings.
    """
    wanted = dict.fromkeys(each for name in names for each in _expanded(name, pair, answer))
    found = [_arm(name, pair, answer) for name in wanted if name != PLAIN]
    if not found:
        raise UsageError(
            "there is nothing to compare plain decoding with", f"add one: --arms {DEFAULT}"
        )
    return found


def drafters(pair: PairSettings) -> list[str]:
    """The drafters these models can use."""
    return [spec.name for spec in registry.possible(available(pair))]


def rules(pair: PairSettings, answer: AnswerSettings) -> list[str]:
    """The verification rules that make a difference."""
    if answer.sampling.temperature == 0:
        return []
    return ["match"] if pair.exact else list(get_args(Rule))


def _expanded(name: str, pair: PairSettings, answer: AnswerSettings) -> Iterator[str]:
    if name != "all":
        yield name
        return
    own = chosen_drafter(pair).name
    others = (drafter for drafter in drafters(pair) if drafter != own)
    yield from (DEFAULT, *others, *rules(pair, answer))
    if pair.draft is not None:
        yield from (f"k{k}" for k in FIXED if k <= _longest(pair))


def _arm(name: str, pair: PairSettings, answer: AnswerSettings) -> Arm:
    if name == DEFAULT:
        return Arm(name, pair, answer)
    if name in drafters(pair):
        return Arm(name, replace(pair, drafter=name), answer)
    if name in rules(pair, answer):
        return Arm(name, pair, replace(answer, verify=name))  # type: ignore[arg-type]
    if pair.draft is not None and (match := _FIXED_NAME.fullmatch(name)):
        k = int(match[1])
        if k > LONGEST_DRAFT:
            raise UsageError(
                f"--arms {name}: a draft has {LONGEST_DRAFT} tokens at most",
                f"use k{LONGEST_DRAFT} or less",
            )
        if k > _longest(pair):
            raise UsageError(
                f"a draft of {k} tokens does not fit into a batch of {pair.context.n_batch}",
                f"use -b {k + SPARE_ROWS} or more, or shorter drafts",
            )
        return Arm(name, fixed(pair, k), answer, draft_max=k)
    possible = [DEFAULT, *drafters(pair), *rules(pair, answer), "kN" if pair.draft else "", "all"]
    raise UsageError(
        f"--arms {name} is not possible here",
        f"possible: {', '.join(filter(None, possible))}",
    )


def fixed(pair: PairSettings, k: int) -> PairSettings:
    """The draft model alone, always ``k`` tokens."""
    return replace(
        pair,
        drafter=registry.MODEL.name,
        draft_min=0,
        draft_max=k,
        draft_p_min=0.0,
        adaptive=False,
    )


def _longest(pair: PairSettings) -> int:
    """The longest draft a batch holds, along with the pending token and padding."""
    return pair.context.n_batch - SPARE_ROWS

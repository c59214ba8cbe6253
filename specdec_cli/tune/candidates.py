"""Settings that are worth a try, each as what it changes of others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import get_args

from specdec_cli.core.limits import DRAFT_MAX, SPARE_ROWS
from specdec_cli.core.verify import Rule
from specdec_cli.drafters import registry
from specdec_cli.drafters.registry import DrafterSpec
from specdec_cli.engine.settings import AnswerSettings, PairSettings, available, chosen_drafter

DEFAULT = "default"
_FIXED = ((2, 0.0), (4, 0.0), (8, 0.0), (16, 0.5))
"""Fixed draft lengths, and the least probability of a token that is drafted."""

_SHORTER = 6


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to run a pair.

    Args:
        changes: what it sets other than the default does, by option name.
    """

    name: str
    pair: PairSettings
    answer: AnswerSettings
    changes: Mapping[str, object] = field(default_factory=dict)

    def but(
        self, name: str, changes: Mapping[str, object], pair: PairSettings | None = None
    ) -> Candidate:
        """The same with more changes; its name says all of them."""
        named = name if self.name == DEFAULT else f"{self.name}, {name}"
        return replace(
            self, name=named, pair=pair or self.pair, changes={**self.changes, **changes}
        )


def with_threads(of: Candidate, target: int | None, draft: int | None) -> Candidate:
    """The same on other numbers of threads; ``None`` leaves one as it is."""
    pair, changes, words = of.pair, dict[str, object](), []
    if target is not None:
        pair = replace(
            pair,
            target=replace(pair.target, threads=target),
            context=replace(pair.context, threads_batch=target),
        )
        changes["threads"] = target
        words.append("1 thread" if target == 1 else f"{target} threads")
    if draft is not None and pair.draft:
        pair = replace(pair, draft=replace(pair.draft, threads=draft))
        changes["threads-draft"] = draft
        words.append(f"{draft} for the draft model")
    return of.but(" and ".join(words), changes, pair)


def drafting(of: Candidate) -> list[Candidate]:
    """Other drafters, draft lengths, and nothing drafted at all."""
    found = []
    own = replace(of.pair, drafter=chosen_drafter(of.pair).name)
    for name, pair in _ways(own):
        if pair != own:
            found.append(of.but(name, _changes(own, pair), pair))
    return found


def rules(of: Candidate) -> list[Candidate]:
    """The rules of verification, where they make a difference."""
    if of.answer.sampling.temperature == 0 or of.pair.exact:
        return []
    return [
        replace(of.but(f"rule {rule}", {"verify": rule}), answer=replace(of.answer, verify=rule))
        for rule in get_args(Rule)
    ]


def thread_counts(usual: int, allowed: int) -> list[int]:
    """Numbers of threads to try.

    Args:
        usual: the default, one for each physical core.
        allowed: processors this program may use.
    """
    counts = {usual, allowed, usual // 4, usual // 2, 3 * usual // 4, usual - 1}
    return sorted(count for count in counts if count >= 1)


def widest(of: Candidate, others: list[Candidate]) -> PairSettings:
    """What to load so that each of them can be tried."""
    every = [of, *others]
    drafter = max(map(chosen_drafter, (each.pair for each in every)), key=_loads)
    return replace(
        of.pair,
        drafter=drafter.name,
        draft_min=0,
        draft_max=max(each.pair.draft_max for each in every),
        adaptive=False,
    )


def _loads(drafter: DrafterSpec) -> tuple[int, bool]:
    """Orders drafters by how much has to be loaded for them."""
    return len(drafter.needs), drafter.drafts


def _ways(own: PairSettings) -> Iterator[tuple[str, PairSettings]]:
    room = own.context.n_batch - SPARE_ROWS
    longest = min(DRAFT_MAX, room)
    if longest < 1:
        return
    free = replace(own, adaptive=True, draft_min=0, draft_p_min=0.0)
    usual = own.draft_max if own.adaptive and own.draft_max else longest
    there = available(own)
    for name in [spec.name for spec in registry.possible(there)]:
        yield name, replace(free, drafter=name, draft_max=usual)
    if own.draft and usual > _SHORTER:
        yield (
            f"at most {_SHORTER} tokens",
            replace(free, drafter=registry.automatic(there).name, draft_max=_SHORTER),
        )
    yield "no drafts", replace(own, drafter=registry.NONE.name)
    if own.draft:
        for k, p_min in _FIXED:
            if k <= longest:
                stop = f", stopped below {p_min:g}" if p_min else ""
                yield (
                    f"always {k} tokens{stop}",
                    replace(
                        own,
                        drafter=registry.MODEL.name,
                        adaptive=False,
                        draft_min=0,
                        draft_max=k,
                        draft_p_min=p_min,
                    ),
                )


def _changes(own: PairSettings, pair: PairSettings) -> dict[str, object]:
    """What is to be saved: all that belongs together where the mode changes, else what differs."""
    values: dict[str, tuple[object, object]] = {
        "drafter": (own.drafter, pair.drafter),
        "adaptive": (own.adaptive, pair.adaptive),
        "draft-min": (own.draft_min, pair.draft_min),
        "draft-max": (own.draft_max, pair.draft_max),
        "draft-p-min": (own.draft_p_min, pair.draft_p_min),
    }
    whole = own.adaptive != pair.adaptive
    return {name: new for name, (old, new) in values.items() if whole or old != new}

"""Ways of drafting side by side: the same prompts, one after the other, in one process."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from math import exp, log

from specdec_cli.engine.build import AnswerSettings, Pair, PairSettings
from tools.measure.answers import answer, encode
from tools.measure.prompts import Prompt

PLAIN = "plain"
MODES = ("adaptive", "hybrid", "ngram", *map(str, (1, 2, 3, 4, 6, 8, 12, 16)))


def report(
    settings: PairSettings,
    prompts: Sequence[Prompt],
    modes: Sequence[str],
    answering: AnswerSettings,
    max_tokens: int,
) -> None:
    """Print speed against plain decoding, by kind and mode.

    Args:
        modes: names of ``MODES``; a number is a fixed draft length.
    """
    with ExitStack() as stack:
        pairs = {mode: stack.enter_context(Pair(_settings(settings, mode))) for mode in modes}
        pairs[PLAIN] = stack.enter_context(Pair(replace(settings, drafter="none")))
        names = list(pairs)
        spent: dict[tuple[str, str], list[float]] = {}
        for number, prompt in enumerate(prompts):
            # Every mode comes early and late; all meet the same state of the machine.
            shift = number % len(names)
            for mode in [*names[shift:], *names[:shift]]:
                pair = pairs[mode]
                run = answer(
                    pair,
                    encode(pair, prompt.text),
                    answering,
                    plain=mode == PLAIN,
                    max_tokens=max_tokens,
                )
                sums = spent.setdefault((prompt.kind, mode), [0.0, 0.0])
                sums[0] += run.stats.decode_seconds
                sums[1] += run.stats.completion_tokens
    _print(list(dict.fromkeys(prompt.kind for prompt in prompts)), list(modes), spent)


def _settings(settings: PairSettings, mode: str) -> PairSettings:
    if mode.isdigit():
        return replace(settings, drafter="model", draft_max=int(mode), adaptive=False)
    drafter = {"adaptive": "model", "hybrid": "hybrid", "ngram": "ngram"}[mode]
    return replace(settings, drafter=drafter, draft_max=16, draft_p_min=0.0, adaptive=True)  # type: ignore[arg-type]


def _print(
    kinds: Sequence[str], modes: Sequence[str], spent: dict[tuple[str, str], list[float]]
) -> None:
    print(f"{'kind':>9} " + " ".join(f"{mode:>8}" for mode in modes) + "  best fixed, against it")
    ratios: dict[str, list[float]] = {}
    for kind in kinds:
        rates = {mode: spent[kind, mode][1] / spent[kind, mode][0] for mode in (*modes, PLAIN)}
        speeds = {mode: rates[mode] / rates[PLAIN] for mode in modes}
        line = f"{kind:>9} " + " ".join(f"{speeds[mode]:>8.2f}" for mode in modes)
        fixed = [mode for mode in modes if mode.isdigit()]
        if fixed:
            best = max(fixed, key=speeds.__getitem__)
            line += f"  k={best}"
            for mode in modes:
                if not mode.isdigit():
                    ratio = speeds[mode] / speeds[best]
                    ratios.setdefault(mode, []).append(ratio)
                    line += f"  {mode} {ratio:.3f}"
        print(line)
    for mode, found in ratios.items():
        mean = exp(sum(map(log, found)) / len(found))
        print(f"{mode}: {mean:.3f} of the best fixed length in the geometric mean")

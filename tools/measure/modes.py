"""Ways of drafting side by side: the same prompts, one after the other, in one process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from math import exp, log
from statistics import median

from specdec_cli.engine.decoder import Decoder
from specdec_cli.engine.settings import AnswerSettings, PairSettings
from tools.measure.answers import answer, encode
from tools.measure.edits import edits, with_old_version
from tools.measure.prompts import Prompt

PLAIN = "plain"
MODES = ("adaptive", "hybrid", "ngram", *map(str, (1, 2, 3, 4, 6, 8, 12, 16)))


def report(
    settings: PairSettings,
    prompts: Sequence[Prompt],
    modes: Sequence[str],
    answering: AnswerSettings,
    max_tokens: int,
    repeats: int,
) -> None:
    """Print speed against plain decoding, by kind and mode; to the kinds given comes editing.

    Args:
        modes: names of ``MODES``; a number is a fixed draft length.
    """
    with ExitStack() as stack:
        decoders = {
            mode: stack.enter_context(Decoder.load(_settings(settings, mode))) for mode in modes
        }
        decoders[PLAIN] = stack.enter_context(Decoder.load(replace(settings, drafter="none")))
        prompts = [*prompts, *edits(decoders[PLAIN], prompts, answering, max_tokens)]
        names = list(decoders)
        times: dict[tuple[str, str, str], list[float]] = {}
        for number, prompt in enumerate([*prompts] * repeats):
            # Every mode comes early and late; all meet the same state of the machine.
            shift = number % len(names)
            for mode in [*names[shift:], *names[:shift]]:
                decoder = decoders[mode]
                run = answer(
                    decoder,
                    encode(decoder, prompt.text),
                    with_old_version(answering, prompt),
                    plain=mode == PLAIN,
                    max_tokens=max_tokens,
                )
                seconds = run.stats.decode_seconds / run.stats.completion_tokens
                times.setdefault((prompt.kind, mode, prompt.text), []).append(seconds)
    _print(list(dict.fromkeys(prompt.kind for prompt in prompts)), list(modes), times)


def _settings(settings: PairSettings, mode: str) -> PairSettings:
    if mode.isdigit():
        return replace(settings, drafter="model", draft_max=int(mode), adaptive=False)
    drafter = {"adaptive": "model", "hybrid": "hybrid", "ngram": "ngram"}[mode]
    return replace(settings, drafter=drafter, draft_max=16, draft_p_min=0.0, adaptive=True)


def _print(
    kinds: Sequence[str],
    modes: Sequence[str],
    times: Mapping[tuple[str, str, str], Sequence[float]],
) -> None:
    print(f"{'kind':>9} " + " ".join(f"{mode:>8}" for mode in modes) + "  best fixed, against it")
    ratios: dict[str, list[float]] = {}
    for kind in kinds:
        spent = dict.fromkeys((*modes, PLAIN), 0.0)
        for (of, mode, _), seconds in times.items():
            if of == kind:
                spent[mode] += median(seconds)
        speeds = {mode: spent[PLAIN] / spent[mode] for mode in modes}
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

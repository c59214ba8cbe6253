"""The options of ``specdec bench``."""

from __future__ import annotations

from dataclasses import dataclass

from specdec_cli.drafters import registry
from specdec_cli.drafters.registry import Need
from specdec_cli.options.option import Group, OptionSet, option
from specdec_cli.options.table import (
    ANSWER,
    DRAFTING,
    HARDWARE,
    MODELS,
    OUTPUT,
    PROMPT,
    SAMPLING,
    CommandOptions,
)
from specdec_cli.options.values import Number, Switch, Whole, Words

_DRAFTERS = ", ".join(spec.name for spec in registry.possible(list(Need)))


@dataclass(frozen=True, slots=True)
class MeasuringOptions:
    """What is measured, and how thoroughly."""

    input: str | None = option(
        Words("FILE", some=True),
        "Prompts to use instead of the built-in ones: JSON lines with prompt and kind, or a "
        "file of Spec-Bench, MT-Bench or HumanEval",
    )
    kinds: str | None = option(Words("KIND,…", some=True), "Only these kinds of task")
    per_kind: int | None = option(Whole(1), "At most this many prompts of each kind")
    repeats: int = option(
        Whole(1, 1000), "How often each prompt is decoded both ways, there and back", 1
    )
    seeds: int = option(Whole(1, 1000), "Seeds for each prompt; at temperature 0 one is enough", 2)
    arms: str | None = option(
        Words("ARM,…", some=True),
        f"What to compare with plain decoding: default (the settings given), {_DRAFTERS}, "
        "match, rejection, block, k4 (or another fixed length), all",
        shown="default; with --report also k2,k4,k8,k16",
    )
    bandwidth: float | None = option(
        Number(0.001, 1e6, "GB/S"),
        "Memory bandwidth, to tell what share of it is used",
        shown="measured on the CPU, as stated by its maker on a GPU",
    )
    quick: bool = option(Switch(), "A short look: few prompts, short answers", False)
    report: str | None = option(
        Words("DIR", some=True), "Also write a page with charts into a folder"
    )
    assert_speedup: float | None = option(Number(0.0, 1e6), "Fail if the overall speed-up is less")
    assert_equal: bool = option(Switch(), "Fail if an answer differs from the plain one", False)


BenchOptions = CommandOptions[MeasuringOptions]
BENCH = OptionSet(
    "bench",
    MeasuringOptions,
    (
        Group.of("Measuring", MeasuringOptions),
        MODELS,
        DRAFTING,
        PROMPT.only("system", "raw"),
        ANSWER.without("stop"),
        SAMPLING,
        HARDWARE,
        OUTPUT.only("json", "color", "quiet", "verbose", "print-config"),
    ),
)

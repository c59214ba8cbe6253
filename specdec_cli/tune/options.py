"""The options of ``specdec tune``."""

from __future__ import annotations

from dataclasses import dataclass

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
    measured_length,
)
from specdec_cli.options.values import Switch, Whole, Words


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """What is measured while searching, and what becomes of it."""

    quick: bool = option(Switch(), "A short look: few prompts, short answers", False)
    dry_run: bool = option(Switch(), "Show what would be written, and write nothing", False)
    input: str | None = option(
        Words("FILE", some=True),
        "Prompts to use instead of the built-in ones, as for bench --input",
    )
    per_kind: int | None = option(Whole(1), "At most this many prompts of each kind")
    predict: int | None = measured_length("Tokens of each answer", "64; --quick: 32", least=1)


TuneOptions = CommandOptions[SearchOptions]
TUNE = OptionSet(
    "tune",
    SearchOptions,
    (
        Group.of("Measuring", SearchOptions),
        MODELS,
        DRAFTING.without("expect"),
        PROMPT.only("system", "raw"),
        ANSWER.without("stop", "predict"),
        SAMPLING,
        HARDWARE,
        OUTPUT.only("json", "color", "quiet", "verbose", "print-config"),
    ),
)

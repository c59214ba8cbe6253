"""The options of ``specdec doctor``."""

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
class ProbeOptions:
    """What a pair is asked to find out why it is not faster."""

    per_kind: int = option(Whole(1), "Prompts of each kind of task", 1)
    predict: int | None = measured_length("Tokens of each answer", "32")
    input: str | None = option(
        Words("FILE", some=True),
        "Prompts to use instead of the built-in ones, as for bench --input",
    )
    forget: bool | None = option(
        Switch(),
        "Only forget what was learnt of costs and acceptance: of this pair, or of all",
    )


DoctorOptions = CommandOptions[ProbeOptions]
DOCTOR = OptionSet(
    "doctor",
    ProbeOptions,
    (
        Group.of("Probe", ProbeOptions),
        MODELS,
        DRAFTING.without("expect"),
        PROMPT.only("system", "raw"),
        ANSWER.without("stop", "predict"),
        SAMPLING,
        HARDWARE,
        OUTPUT.only("json", "color", "quiet", "verbose"),
    ),
)

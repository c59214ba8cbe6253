"""The options of ``specdec verify``."""

from __future__ import annotations

from dataclasses import dataclass

from specdec_cli.options.option import Group, OptionSet, option
from specdec_cli.options.table import (
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
class CheckOptions:
    """What is checked, and how thoroughly."""

    quick: bool | None = option(Switch(), "Fewer and shorter answers: a first look in seconds")
    predict: int | None = measured_length("Tokens of each greedy answer", "48; --quick: 24")
    draws: int | None = option(
        Whole(0, 1 << 30),
        "Answers sampled for each rule and context; 0 leaves the statistical tests out",
        shown="1000; --quick: 400",
    )
    contexts: int | None = option(
        Whole(1, 1024), "Texts whose continuation is sampled", shown="3; --quick: 1"
    )
    input: str | None = option(
        Words("FILE"), "Prompts of your own, one JSON object per line; - for stdin"
    )


VerifyOptions = CommandOptions[CheckOptions]
# Fixed draft lengths: a controller follows the clock, and may find that drafting does not pay. Then
# the same check would not repeat itself, and might look at plain decoding only.
_DRAFTING = DRAFTING.but(
    "adaptive",
    help="Let the controller choose draft lengths as run does; it may choose not to draft, which "
    "leaves little to check. --fixed drafts --draft-max tokens where --draft-p-min does not "
    "stop earlier",
    default=False,
    shown="--fixed",
)
VERIFY = OptionSet(
    "verify",
    CheckOptions,
    (
        Group.of("Checks", CheckOptions, *PROMPT.only("system", "raw").options),
        MODELS,
        _DRAFTING,
        SAMPLING,
        HARDWARE,
        OUTPUT.only("json", "color", "quiet", "verbose", "print-config"),
    ),
)

"""``specdec verify``: show that the output is the target's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from specdec_cli.errors import Exit
from specdec_cli.options.chosen import pair
from specdec_cli.options.layers import gather_options
from specdec_cli.options.print_config import print_config
from specdec_cli.options.table import (
    DRAFTING,
    HARDWARE,
    MODELS,
    OUTPUT,
    PROMPT,
    SAMPLING,
    Group,
    Option,
)
from specdec_cli.options.values import Switch, Whole, Words
from specdec_cli.terminal.console import Streams

WORDS = "The profile of the pair to check; the built-in pair without one"
EXAMPLES = """\
Examples:
  specdec verify
  specdec verify --quick
  specdec verify -m target.gguf -md draft.gguf --draws 4000
  specdec verify --exact --draft-max 8
  specdec verify --verify block --temp 0.8 --json > verified.json

Exit code 0 says that nothing was found, 7 that the output is not the target's own. The report says
how small a deviation would have been found.
"""
BRIEF = (
    "model",
    "draft-model",
    "quick",
    "predict",
    "draws",
    "exact",
    "temp",
    "verify",
    "ctx-size",
    "gpu-layers",
    "json",
    "quiet",
)
"""Options that the short help shows."""


def _drafting() -> Group:
    """Fixed draft lengths: a controller follows the clock, and may find that drafting does not pay.

    Then the same check would not repeat itself, and might look at plain decoding only.
    """
    words = (
        "Let the controller choose draft lengths as run does; it may choose not to draft, which "
        "leaves little to check. --fixed drafts --draft-max tokens where --draft-p-min does not "
        "stop earlier"
    )
    fixed = Option("adaptive", Switch(), words, False, shown="--fixed", off="fixed")
    return Group(
        DRAFTING.title,
        tuple(fixed if option.name == fixed.name else option for option in DRAFTING.options),
    )


CHECKS = Group(
    "Checks",
    (
        Option("quick", Switch(), "Fewer and shorter answers: a first look in seconds"),
        Option(
            "predict",
            Whole(2, 1 << 20),
            "Tokens of each greedy answer",
            short="-n",
            also=("--max-tokens", "--n-predict"),
            shown="48; --quick: 24",
        ),
        Option(
            "draws",
            Whole(0, 1 << 30),
            "Answers sampled for each rule and context; 0 leaves the statistical tests out",
            shown="1000; --quick: 400",
        ),
        Option(
            "contexts",
            Whole(1, 1024),
            "Texts whose continuation is sampled",
            shown="3; --quick: 1",
        ),
        Option(
            "input",
            Words("FILE"),
            "Prompts of your own, one JSON object per line; - for stdin",
        ),
        *PROMPT.only("system", "raw").options,
    ),
)

VERIFY = (
    CHECKS,
    MODELS,
    _drafting(),
    SAMPLING,
    HARDWARE,
    OUTPUT.only("json", "color", "quiet", "verbose", "print-config"),
)


def verify(words: Sequence[str], flags: Mapping[str, object]) -> int:
    """Show that the output is the target's own: exact and statistical checks.

    Greedy answers with drafts are compared with plain ones, token by token; sampled ones are
    counted and tested against the target's own probabilities. The report goes to stdout.
    """
    hint = "give one profile, or -m FILE -md FILE; prompts come with --input"
    named, flags = pair(words, flags, hint)
    options, profile = gather_options(VERIFY, "verify", named, flags)
    streams = Streams.standard()
    if options["print-config"]:
        print_config(options, profile, streams.out, as_json=bool(options["json"]))
        return Exit.OK
    from specdec_cli.verify.action import verify_pair

    return verify_pair(options, profile, streams)

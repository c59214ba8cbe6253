"""``specdec tune``: measure this machine, choose the best settings, save them for a profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from specdec_cli.errors import Exit
from specdec_cli.options.chosen import pair
from specdec_cli.options.layers import gather_options
from specdec_cli.options.print_config import print_config
from specdec_cli.options.table import (
    ANSWER,
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

WORDS = "The profile to tune; the built-in pair without one"
ARGUMENTS = ("[PROFILE]",)
EXAMPLES = """\
Examples:
  specdec tune
  specdec tune qwen3-8b --quick
  specdec tune qwen3-8b --temp 0.8
  specdec tune --dry-run
  specdec tune -m target.gguf -md draft.gguf --json > tuned.json

It searches the numbers of threads, what drafts and how far, and, above temperature 0, the rule of
verification. What you set yourself is kept and not searched. A setting replaces the default only
where it is faster beyond doubt; often none is, since drafting adapts by itself. With -m the options
to use are printed, as there is no profile to save them for.
"""
BRIEF = (
    "model",
    "draft-model",
    "quick",
    "dry-run",
    "input",
    "temp",
    "ctx-size",
    "gpu-layers",
    "json",
    "quiet",
)
"""Options that the short help shows."""
_COMMAND = "tune"


SEARCH = Group(
    "Measuring",
    (
        Option("quick", Switch(), "A short look: few prompts, short answers", False),
        Option("dry-run", Switch(), "Show what would be written, and write nothing", False),
        Option(
            "input",
            Words("FILE", some=True),
            "Prompts to use instead of the built-in ones, as for bench --input",
        ),
        Option("per-kind", Whole(1), "At most this many prompts of each kind"),
        Option(
            "predict",
            Whole(1, 1 << 20),
            "Tokens of each answer",
            short="-n",
            also=("--max-tokens", "--n-predict"),
            shown="64; --quick: 32",
        ),
    ),
)

TUNE = (
    SEARCH,
    MODELS,
    DRAFTING.without("expect"),
    PROMPT.only("system", "raw"),
    ANSWER.without("stop", "predict"),
    SAMPLING,
    HARDWARE,
    OUTPUT.only("json", "color", "quiet", "verbose", "print-config"),
)


def tune(words: Sequence[str], flags: Mapping[str, object]) -> int:
    """Measure this machine, choose the best settings, and save them for a profile.

    They hold for this machine, this build of llama.cpp and these two files; run and the other
    commands use them there and nowhere else. Each candidate answers the same prompts as the default
    settings do, in turn, there and back. Ctrl-C leaves everything as it was.
    """
    hint = "give one profile, or -m FILE -md FILE; prompts come with --input"
    named, flags = pair(words, flags, hint)
    options, profile = gather_options(TUNE, _COMMAND, named, flags, tuned=False)
    streams = Streams.standard()
    if options["print-config"]:
        print_config(options, profile, streams.out, as_json=bool(options["json"]))
        return Exit.OK
    from specdec_cli.tune.action import tune_pair

    return tune_pair(options, profile, streams)

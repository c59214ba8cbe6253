"""``specdec tune``: measure this machine, choose the best settings, save them for a profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from specdec_cli.options.command import Command
from specdec_cli.options.print_config import print_config
from specdec_cli.options.resolve import resolve_pair
from specdec_cli.terminal.console import Streams
from specdec_cli.tune.options import TUNE

WORDS = "The profile to tune; the built-in pair without one"
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
BRIEF = "model draft-model quick dry-run input temp ctx-size gpu-layers json quiet"


def tune(words: Sequence[str], flags: Mapping[str, object]) -> int:
    """Measure this machine, choose the best settings, and save them for a profile.

    They hold for this machine, this build of llama.cpp and these two files; run and the other
    commands use them there and nowhere else. Each candidate answers the same prompts as the default
    settings do, in turn, there and back. Ctrl-C leaves everything as it was.
    """
    hint = "give one profile, or -m FILE -md FILE; prompts come with --input"
    options = resolve_pair(TUNE, words, flags, hint, tuned=False)
    streams = Streams.standard()
    if options.output.print_config:
        return print_config(TUNE, options, streams.out)
    from specdec_cli.tune.action import tune_pair

    return tune_pair(options, streams)


COMMAND = Command(tune, TUNE, WORDS, EXAMPLES, brief=BRIEF)

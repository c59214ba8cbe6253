"""``specdec verify``: show that the output is the target's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from specdec_cli.options.command import Command
from specdec_cli.options.print_config import print_config
from specdec_cli.options.resolve import resolve_pair
from specdec_cli.terminal.console import Streams
from specdec_cli.verify.options import VERIFY

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
BRIEF = "model draft-model quick predict draws exact temp verify ctx-size gpu-layers json quiet"


def verify(words: Sequence[str], flags: Mapping[str, object]) -> int:
    """Show that the output is the target's own: exact and statistical checks.

    Greedy answers with drafts are compared with plain ones, token by token; sampled ones are
    counted and tested against the target's own probabilities. The report goes to stdout.
    """
    hint = "give one profile, or -m FILE -md FILE; prompts come with --input"
    options = resolve_pair(VERIFY, words, flags, hint)
    streams = Streams.standard()
    if options.output.print_config:
        return print_config(VERIFY, options, streams.out)
    from specdec_cli.verify.action import verify_pair

    return verify_pair(options, streams)


COMMAND = Command(verify, VERIFY, WORDS, EXAMPLES, brief=BRIEF)

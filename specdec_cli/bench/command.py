"""``specdec bench``: with and without speculation, side by side, per kind of task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from specdec_cli.bench.options import BENCH
from specdec_cli.options.command import Command
from specdec_cli.options.print_config import print_config
from specdec_cli.options.resolve import resolve_pair
from specdec_cli.terminal.console import Streams

WORDS = "The profile to measure"
EXAMPLES = """\
Examples:
  specdec bench
  specdec bench --quick --assert-speedup 1.2 --assert-equal
  specdec bench --arms all --report report/
  specdec bench -m target.gguf -md draft.gguf --temp 0.8 --seeds 3
  specdec bench --input question.jsonl --per-kind 5 --json > bench.json

The table is on stdout, in tokens per second of decoding. n is the number of prompts, accept the
share of drafted tokens that was kept, tok/pass the tokens a target pass gave; draft, verify and
other share the decoding time; same counts the answers that equal the plain one.
Exit code 7: an assertion does not hold.
"""
BRIEF = (
    "model draft-model quick arms input per-kind predict temp gpu-layers ctx-size report "
    "assert-speedup json"
)


def bench(words: Sequence[str], flags: Mapping[str, object]) -> int:
    """Measure decoding with and without drafts, side by side, per kind of task.

    Every prompt is read cold and decoded plainly and with drafts in turn, there and back, in one
    process. For each kind: the median speed-up over its prompts with a 95 % interval, what was
    accepted, where the time went, and whether the answers are the same.
    """
    hint = "prompts to measure come from a file: specdec bench --input prompts.jsonl"
    options = resolve_pair(BENCH, words, flags, hint)
    streams = Streams.standard()
    if options.output.print_config:
        return print_config(BENCH, options, streams.out)
    from specdec_cli.bench.action import measure

    return measure(options, streams)


COMMAND = Command(bench, BENCH, WORDS, EXAMPLES, alias="benchmark", brief=BRIEF)

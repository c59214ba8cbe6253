"""``specdec bench``: with and without speculation, side by side, per kind of task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from specdec_cli.drafters import registry
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
from specdec_cli.options.values import Number, Switch, Whole, Words
from specdec_cli.terminal.console import Streams

WORDS = "The profile to measure"
ARGUMENTS = ("[PROFILE]",)
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
    "model",
    "draft-model",
    "quick",
    "arms",
    "input",
    "per-kind",
    "predict",
    "temp",
    "gpu-layers",
    "ctx-size",
    "report",
    "assert-speedup",
    "json",
)
"""Options that the short help shows."""
_COMMAND = "bench"
_DRAFTERS = ", ".join(spec.name for spec in registry.possible(draft_model=True))


MEASURING = Group(
    "Measuring",
    (
        Option(
            "input",
            Words("FILE", some=True),
            "Prompts to use instead of the built-in ones: JSON lines with prompt and kind, or a "
            "file of Spec-Bench, MT-Bench or HumanEval",
        ),
        Option("kinds", Words("KIND,…", some=True), "Only these kinds of task"),
        Option("per-kind", Whole(1), "At most this many prompts of each kind"),
        Option(
            "repeats",
            Whole(1, 1000),
            "How often each prompt is decoded both ways, there and back",
            1,
        ),
        Option("seeds", Whole(1, 1000), "Seeds for each prompt; at temperature 0 one is enough", 2),
        Option(
            "arms",
            Words("ARM,…", some=True),
            f"What to compare with plain decoding: default (the settings given), {_DRAFTERS}, "
            "match, rejection, block, k4 (or another fixed length), all",
            shown="default; with --report also k2,k4,k8,k16",
        ),
        Option(
            "bandwidth",
            Number(0.001, 1e6, "GB/S"),
            "Memory bandwidth, to tell what share of it is used",
            shown="measured on the CPU, as stated by its maker on a GPU",
        ),
        Option("quick", Switch(), "A short look: few prompts, short answers", False),
        Option("report", Words("DIR", some=True), "Also write a page with charts into a folder"),
        Option("assert-speedup", Number(0.0, 1e6), "Fail if the overall speed-up is less"),
        Option("assert-equal", Switch(), "Fail if an answer differs from the plain one", False),
    ),
)

BENCH = (
    MEASURING,
    MODELS,
    DRAFTING,
    PROMPT.only("system", "raw"),
    ANSWER.without("stop"),
    SAMPLING,
    HARDWARE,
    OUTPUT.only("json", "color", "quiet", "verbose", "print-config"),
)


def bench(words: Sequence[str], flags: Mapping[str, object]) -> int:
    """Measure decoding with and without drafts, side by side, per kind of task.

    Every prompt is read cold and decoded plainly and with drafts in turn, there and back, in one
    process. For each kind: the median speed-up over its prompts with a 95 % interval, what was
    accepted, where the time went, and whether the answers are the same.
    """
    hint = "prompts to measure come from a file: specdec bench --input prompts.jsonl"
    named, flags = pair(words, flags, hint)
    options, profile = gather_options(BENCH, _COMMAND, named, flags)
    streams = Streams.standard()
    if options["print-config"]:
        print_config(options, profile, streams.out, as_json=bool(options["json"]))
        return Exit.OK
    from specdec_cli.bench.action import measure

    return measure(options, profile, streams)

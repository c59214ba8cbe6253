"""``specdec doctor``: what is installed and found here, and why a pair is not faster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from specdec_cli.options.chosen import pair
from specdec_cli.options.layers import gather_options
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

WORDS = "A profile whose pair is to be examined; without one, and without -m, only this machine is"
ARGUMENTS = ("[PROFILE]",)
EXAMPLES = """\
Examples:
  specdec doctor
  specdec doctor tiny
  specdec doctor qwen3-8b --temp 0.8
  specdec doctor -m target.gguf -md draft.gguf
  specdec doctor --json > machine.json
  specdec doctor --forget
  specdec doctor --forget qwen3-8b

No token and no text is in the report, so that it can be shown to others. It ends with 6 if
llama.cpp cannot be loaded.
"""
BRIEF = (
    "model",
    "draft-model",
    "input",
    "predict",
    "temp",
    "ctx-size",
    "gpu-layers",
    "json",
    "verbose",
)
"""Options that the short help shows."""
_COMMAND = "doctor"

DOCTOR = (
    Group(
        "Probe",
        (
            Option("per-kind", Whole(1), "Prompts of each kind of task", 1),
            Option(
                "predict",
                Whole(2, 1 << 20),
                "Tokens of each answer",
                short="-n",
                also=("--max-tokens", "--n-predict"),
                shown="32",
            ),
            Option(
                "input",
                Words("FILE", some=True),
                "Prompts to use instead of the built-in ones, as for bench --input",
            ),
            Option(
                "forget",
                Switch(),
                "Only forget what was learnt of costs and acceptance: of this pair, or of all",
            ),
        ),
    ),
    MODELS,
    DRAFTING.without("expect"),
    PROMPT.only("system", "raw"),
    ANSWER.without("stop", "predict"),
    SAMPLING,
    HARDWARE,
    OUTPUT.only("json", "color", "quiet", "verbose"),
)


def doctor(words: Sequence[str], flags: Mapping[str, object]) -> int:
    """Examine this machine: build, devices, folders; and, for a pair, why it is not faster.

    A pair is loaded and answers a few prompts plainly and with drafts in turn. Where that is no
    faster, the measured cause is named, and what to do about it.
    """
    named, flags = pair(words, flags, "give one profile, or -m FILE -md FILE")
    streams = Streams.standard()
    if flags.get("forget"):
        from specdec_cli.doctor.forgetting import forget

        asked = named is not None or "model" in flags
        options = gather_options(DOCTOR, _COMMAND, named, flags)[0] if asked else None
        return forget(options, streams, as_json=bool(flags.get("json")))
    from specdec_cli.doctor.action import examine

    return examine(DOCTOR, _COMMAND, named, flags, streams)

"""``specdec doctor``: what is installed and found here, and why a pair is not faster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from specdec_cli.doctor.options import DOCTOR
from specdec_cli.options.chosen import pair
from specdec_cli.options.command import Command
from specdec_cli.options.resolve import resolve_named
from specdec_cli.terminal.console import Streams

WORDS = "A profile whose pair is to be examined; without one, and without -m, only this machine is"
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
BRIEF = "model draft-model input predict temp ctx-size gpu-layers json verbose"


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
        options = resolve_named(DOCTOR, named, flags) if asked else None
        return forget(options, streams, as_json=bool(flags.get("json")))
    from specdec_cli.doctor.action import examine

    return examine(named, flags, streams)


COMMAND = Command(doctor, DOCTOR, WORDS, EXAMPLES, alias="env", brief=BRIEF)

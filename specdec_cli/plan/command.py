"""``specdec plan``: what a pair needs in memory, where it would go, and what to expect of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from specdec_cli.errors import UsageError
from specdec_cli.options.command import Command
from specdec_cli.options.resolve import resolve_named
from specdec_cli.plan.options import PLAN
from specdec_cli.profiles import store
from specdec_cli.profiles.by_word import meant
from specdec_cli.terminal.console import Streams

WORDS = (
    "A profile; or a target and a draft, each a file or a model on the Hub: "
    "OWNER/NAME/FILE.gguf or OWNER/NAME:QUANT. The built-in pair without one"
)
EXAMPLES = """\
Examples:
  specdec plan qwen3-8b
  specdec plan qwen3-32b --gpu 24 -c 16384
  specdec plan llama3.3-70b --gpu 24 --gpu 24 --ram 64
  specdec plan -m target.gguf -md draft.gguf -ctk q8_0 -ctv q8_0
  specdec plan Qwen/Qwen3-14B-GGUF:Q4_K_M Qwen/Qwen3-0.6B-GGUF:Q8_0 --json

No weights are loaded or fetched. Of models that are not on this machine the headers are read from
the Hub, some megabytes of each. It ends with 6 if they do not fit.
"""
BRIEF = "model draft-model gpu ram ctx-size gpu-layers cache-type-k cache-type-v draft-max json"


def plan(words: Sequence[str], flags: Mapping[str, object]) -> int:
    """Plan the memory of a pair: weights, caches and compute buffers on each device.

    It chooses the layers on GPUs, the draft's first, as -ngl auto does, and says what would help
    where something does not fit, and what speed to expect.
    """
    named, flags = _named(words, flags)
    options = resolve_named(PLAN, named, flags, by_role=True)
    from specdec_cli.plan.action import plan_pair

    return plan_pair(options, Streams.standard())


def _named(
    words: Sequence[str], flags: Mapping[str, object]
) -> tuple[str | None, Mapping[str, object]]:
    """The profile, or the flags that name the models."""
    if len(words) > 2 or (words and "model" in flags):
        raise UsageError(
            f"there is one word too many: {words[-1]!r}",
            "give a profile, or a target and a draft",
        )
    if not words:
        return None, flags
    target, *rest = words
    found = meant(target)
    if not rest and "draft-model" not in flags and found.kind == "profile":
        return found.name, flags
    for word in words:
        if meant(word).kind in ("unknown", "text"):
            raise store.unknown(word)
    drafts = {"draft-model": rest[0]} if rest else {}
    return None, {**flags, "model": target, **drafts}


COMMAND = Command(
    plan, PLAN, WORDS, EXAMPLES, arguments=("[PROFILE|TARGET]", "[DRAFT]"), brief=BRIEF
)

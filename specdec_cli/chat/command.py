"""``specdec chat``: a conversation with a pair of models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from specdec_cli.chat.options import CHAT
from specdec_cli.errors import UsageError
from specdec_cli.options.chosen import pair
from specdec_cli.options.command import Command
from specdec_cli.options.print_config import print_config
from specdec_cli.options.resolve import resolve, resolve_named
from specdec_cli.terminal.console import Streams

WORDS = (
    "The profile to talk to, or a GGUF file, or a model of the Hub that is downloaded; the "
    "built-in pair without one"
)
EXAMPLES = """\
Examples:
  specdec chat
  specdec chat qwen3-8b -sys "Answer briefly."
  specdec chat -m target.gguf -md draft.gguf --temp 0.8 --show-drafts
  specdec chat --resume
  specdec chat --load plan.json
  printf 'Hi\\n/stats\\n' | specdec chat

Within it, /help lists the commands: /set changes options, /compare answers with and without
drafts side by side, /stats shows what they gained. Ctrl-C stops an answer, Ctrl-D leaves.
"""
BRIEF = (
    "model draft-model system resume load temp ctx-size gpu-layers predict show-drafts "
    "fold-thinking quiet verbose"
)


def chat(words: Sequence[str], flags: Mapping[str, object]) -> int:
    """Talk with a model, while a smaller one drafts its answers.

    The prompt is there at once; the models load behind it. Lines of a pipe are answered one by
    one. Answers go to stdout, everything else to stderr.
    """
    named, flags = pair(words, flags, 'messages are typed, or piped; one alone: specdec run "…"')
    streams = Streams.standard()
    gather = partial(resolve_named, CHAT, named, flags)
    options = resolve(CHAT, flags)  # as far as they are known at once: reading a profile takes long
    if options.output.print_config:
        return print_config(CHAT, gather(), streams.out)
    if options.own.load is not None and options.own.resume:
        raise UsageError("--load and --resume exclude each other", "give one of them")
    from specdec_cli.chat.named_files import require_named_files

    require_named_files(options.models)
    from specdec_cli.chat.action import converse

    return converse(gather, options, streams)


COMMAND = Command(chat, CHAT, WORDS, EXAMPLES, brief=BRIEF)

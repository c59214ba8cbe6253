"""``specdec chat``: a conversation with a pair of models."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial

from specdec_cli import paths
from specdec_cli.chat.named_files import require_named_files
from specdec_cli.chat.options import CHAT
from specdec_cli.errors import Exit, UsageError
from specdec_cli.options.chosen import pair
from specdec_cli.options.config_file import from_file
from specdec_cli.options.layers import gather_options
from specdec_cli.options.print_config import print_config
from specdec_cli.options.resolved import Layer, Resolved, from_environment, resolve
from specdec_cli.terminal.console import Streams

WORDS = (
    "The profile to talk to, or a GGUF file, or a model of the Hub that is downloaded; the "
    "built-in pair without one"
)
ARGUMENTS = ("[PROFILE]",)
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
    "model",
    "draft-model",
    "system",
    "resume",
    "load",
    "temp",
    "ctx-size",
    "gpu-layers",
    "predict",
    "show-drafts",
    "fold-thinking",
    "quiet",
    "verbose",
)
"""Options that the short help shows."""
_COMMAND = "chat"


def chat(words: Sequence[str], flags: Mapping[str, object]) -> int:
    """Talk with a model, while a smaller one drafts its answers.

    The prompt is there at once; the models load behind it. Lines of a pipe are answered one by
    one. Answers go to stdout, everything else to stderr.
    """
    named, flags = pair(words, flags, 'messages are typed, or piped; one alone: specdec run "…"')
    streams = Streams.standard()
    gather = partial(gather_options, CHAT, _COMMAND, named, flags)
    options = _without_profile(flags)
    if options["print-config"]:
        print_config(*gather(), streams.out, as_json=False)
        return Exit.OK
    if options["load"] is not None and options["resume"]:
        raise UsageError("--load and --resume exclude each other", "give one of them")
    require_named_files(options)
    from specdec_cli.chat.action import converse

    return converse(gather, options, streams)


def _without_profile(flags: Mapping[str, object]) -> Resolved:
    """The options as far as they can be told at once: reading a profile takes a while."""
    layers = [
        Layer("config", from_file(paths.user_config(), CHAT, _COMMAND), str(paths.user_config())),
        Layer("environment", from_environment(CHAT, _COMMAND, os.environ)),
        Layer("flag", flags),
    ]
    return resolve(CHAT, _COMMAND, layers)

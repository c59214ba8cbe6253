"""``specdec chat``: a conversation with a pair of models."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial

from specdec_cli import paths
from specdec_cli.errors import Exit, UsageError
from specdec_cli.options.chosen import pair
from specdec_cli.options.config_file import from_file
from specdec_cli.options.layers import gather_options
from specdec_cli.options.print_config import print_config
from specdec_cli.options.resolved import Layer, Resolved, from_environment, resolve
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
from specdec_cli.options.values import Switch, Words
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

CONVERSATION = Group(
    "Conversation",
    (
        *PROMPT.only("system").options,
        Option("load", Words("FILE", some=True), "Go on with a conversation that /save wrote"),
        Option("resume", Switch(), "Go on with the last conversation", False),
        Option(
            "history",
            Switch(),
            "Remember what was typed, and keep conversations safe from a crash; --no-history "
            "leaves no trace on disk",
            True,
        ),
        Option(
            "context-shift",
            Switch(),
            "Drop the oldest turns when the context is full; --no-context-shift stops instead",
            True,
        ),
    ),
)
SCREEN = Group(
    "Screen",
    (
        Option("markdown", Switch(), "Render Markdown, in a terminal", True),
        Option("fold-thinking", Switch(), "Show only that the model thinks, not what", False),
        Option(
            "multiline", Switch(), "Enter begins a new line, Alt-Enter sends; else the reverse",
            False,
        ),
        *OUTPUT.only("stats", "show-drafts").options,
    ),
)  # fmt: skip
CHAT = (
    CONVERSATION,
    MODELS,
    DRAFTING,
    ANSWER,
    SAMPLING,
    HARDWARE,
    SCREEN,
    OUTPUT.only("color", "quiet", "verbose", "print-config"),
)


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

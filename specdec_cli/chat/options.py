"""The options of ``specdec chat``."""

from __future__ import annotations

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

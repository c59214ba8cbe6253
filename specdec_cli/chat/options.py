"""The options of ``specdec chat``."""

from __future__ import annotations

from dataclasses import dataclass

from specdec_cli.options.option import Group, OptionSet, option
from specdec_cli.options.table import (
    ANSWER,
    DRAFTING,
    HARDWARE,
    MODELS,
    OUTPUT,
    PROMPT,
    SAMPLING,
    CommandOptions,
)
from specdec_cli.options.values import Switch, Words


@dataclass(frozen=True, slots=True)
class ConversationOptions:
    """What a conversation begins with, what is kept of it, and how it looks."""

    load: str | None = option(
        Words("FILE", some=True), "Go on with a conversation that /save wrote"
    )
    resume: bool = option(Switch(), "Go on with the last conversation", False)
    history: bool = option(
        Switch(),
        "Remember what was typed, and keep conversations safe from a crash; --no-history "
        "leaves no trace on disk",
        True,
    )
    context_shift: bool = option(
        Switch(),
        "Drop the oldest turns when the context is full; --no-context-shift stops instead",
        True,
    )
    markdown: bool = option(Switch(), "Render Markdown, in a terminal", True)
    fold_thinking: bool = option(Switch(), "Show only that the model thinks, not what", False)
    multiline: bool = option(
        Switch(), "Enter begins a new line, Alt-Enter sends; else the reverse", False
    )


ChatOptions = CommandOptions[ConversationOptions]
_SCREEN = ("markdown", "fold-thinking", "multiline")
_OWN = Group.of("Conversation", ConversationOptions)
SCREEN = Group(
    "Screen", (*_OWN.only(*_SCREEN).options, *OUTPUT.only("stats", "show-drafts").options)
)
CHAT = OptionSet(
    "chat",
    ConversationOptions,
    (
        Group(_OWN.title, (*PROMPT.only("system").options, *_OWN.without(*_SCREEN).options)),
        MODELS,
        DRAFTING,
        ANSWER,
        SAMPLING,
        HARDWARE,
        SCREEN,
        OUTPUT.only("color", "quiet", "verbose", "print-config"),
    ),
)

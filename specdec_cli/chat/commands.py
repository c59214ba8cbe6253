"""The table of slash commands."""

from __future__ import annotations

from specdec_cli.chat import completion as offers
from specdec_cli.chat import files, reports, tuning
from specdec_cli.chat import turn_commands as turns
from specdec_cli.chat.session import Chat, Leave
from specdec_cli.chat.slash_command import Command, find
from specdec_cli.chat.view.lists import two_columns


def _help(chat: Chat, rest: str) -> None:
    if rest:
        command = find(COMMANDS, rest.lstrip("/"))
        chat.show(two_columns([(command.usage, command.help)], chat.width))
        return
    chat.show(two_columns([(each.usage, each.help) for each in COMMANDS], chat.width))
    chat.show(["", *two_columns(_KEYS, chat.width)])


def _exit(_chat: Chat, _rest: str) -> None:
    raise Leave


_KEYS = (
    ('"""', "begins and ends a message of several lines; Alt-Enter begins a new line"),
    ("//", "at the beginning of a message sends a slash"),
    ("Ctrl-C", "stops an answer, and keeps what was said"),
    ("Ctrl-X Ctrl-E", "opens what is typed in the editor, then sends it"),
    ("Ctrl-R", "searches what was typed before"),
    ("Ctrl-D", "leaves"),
)

COMMANDS: tuple[Command, ...] = (
    Command("help", "this list, or one command", _help, "[COMMAND]", lambda *_: [
        command.name for command in COMMANDS
    ], also=("?",)),
    Command("clear", "forget the conversation; system message and settings stay", turns.clear),
    Command("reset", "forget the conversation, and everything that was set", turns.reset),
    Command("system", "the system message; off for none", turns.system,
            "[TEXT|off]"),
    Command("set", "change an option; the value default takes it back; alone lists all",
            tuning.assign, "[OPTION [VALUE]]", offers.settings),
    Command("show", "settings (alone), system, models, or history: the whole conversation",
            reports.show, "[TOPIC]", offers.topics),
    Command("save", "write the conversation to a file (JSON)", files.save, "FILE", offers.paths,
            needs=True),
    Command("load", "go on with a conversation from a file", files.load, "FILE", offers.paths,
            needs=True),
    Command("stats", "what drafting gained: last answer and conversation", reports.stats),
    Command("drafter", "what drafts; alone shows it", tuning.drafter, "[NAME]", offers.drafters),
    Command("draft-max", "most tokens drafted in a round", tuning.draft_max, "[N]"),
    Command("draft-min", "least tokens drafted in a round", tuning.draft_min, "[N]"),
    Command("compare", "answer with and without drafts, side by side; the conversation stays as "
            "it is", reports.compare, "[MESSAGE]"),
    Command("regen", "answer the last message again", turns.regen),
    Command("undo", "take the last turn back", turns.undo),
    Command("edit", "change the last message, in the editor or to TEXT, and answer it again",
            turns.edit, "[TEXT]"),
    Command("read", "send a file, with a message or in front of the next one", files.read,
            "FILE [MESSAGE]", offers.paths, needs=True),
    Command("multiline", "whether Enter begins a new line, and Alt-Enter sends",
            tuning.multiline, "[on|off]", lambda *_: ["on", "off"]),
    Command("copy", "copy the last answer, or its last block of code", files.copy, "[code]",
            lambda *_: ["code"]),
    Command("exit", "leave; so do exit and quit without a slash", _exit, also=("quit", "bye", "q")),
)  # fmt: skip

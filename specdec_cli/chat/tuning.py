"""Commands that change options."""

from __future__ import annotations

from specdec_cli.chat.session import Chat
from specdec_cli.chat.view.lists import columns


def assign(chat: Chat, rest: str) -> None:
    """``/set``: show all options, one of them, or change it."""
    chat.ready()
    from specdec_cli.chat.settings import CHANGEABLE, changed, option_named, shown

    name, _, text = rest.partition(" ")
    if not name:
        options = chat.options
        rows = [
            (each.name, shown(options.value(each)), options.origins[each.name])
            for each in CHANGEABLE
        ]
        chat.show(columns(rows, chat.width))
        return
    option = option_named(name)
    text = text.strip()
    if not text:
        origin = chat.options.origins[option.name]
        chat.show([f"{option.name} {shown(chat.options.value(option))} ({origin})", option.help])
        return
    if text == "default":
        start = chat.started_with
        options = chat.options.with_value(option, start.value(option), start.origins[option.name])
    else:
        options = changed(chat.options, option, text)
    chat.change(options)
    chat.note(f"{option.name} {shown(chat.options.value(option))}")


def drafter(chat: Chat, rest: str) -> None:
    """``/drafter``: who drafts."""
    if rest:
        assign(chat, f"drafter {rest}")
    chat.note(f"drafting: {chat.ready().loaded.decoder.spec.name}")


def draft_max(chat: Chat, rest: str) -> None:
    """``/draft-max``: the most tokens of a draft."""
    assign(chat, f"draft-max {rest}")


def draft_min(chat: Chat, rest: str) -> None:
    """``/draft-min``: the least tokens of a draft."""
    assign(chat, f"draft-min {rest}")


def multiline(chat: Chat, rest: str) -> None:
    """``/multiline``: turn it on or off, or the other way round."""
    text = rest or ("off" if chat.options.own.multiline else "on")
    assign(chat, f"multiline {text}")
    if chat.options.own.multiline:
        chat.note("Enter begins a new line, Alt-Enter (or Esc, then Enter) sends")

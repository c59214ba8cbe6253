"""What ``/set`` may change while a conversation is under way, and what a change takes."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from specdec_cli.chat.loading import Loaded, Loader
from specdec_cli.chat.options import CHAT, SCREEN, ChatOptions
from specdec_cli.chat.wanted import wanted_pair
from specdec_cli.drafters.registry import Need
from specdec_cli.engine.decoder import Decoder
from specdec_cli.engine.settings import PairSettings, chosen_drafter
from specdec_cli.errors import UsageError
from specdec_cli.options.option import Option
from specdec_cli.options.settings import answer_settings
from specdec_cli.options.table import ANSWER, DRAFTING, HARDWARE, SAMPLING

CHANGEABLE: tuple[Option, ...] = tuple(
    option for group in (SAMPLING, ANSWER, DRAFTING, HARDWARE, SCREEN) for option in group.options
)
_BY_NAME = {
    spelling.lstrip("-"): option
    for option in CHANGEABLE
    for spelling in (f"--{option.name}", *option.also)
}


def option_named(name: str) -> Option:
    """The option that ``/set`` calls so.

    Raises:
        UsageError: there is none, or it cannot be changed.
    """
    wanted = name.lstrip("-").replace("_", "-")
    option = _BY_NAME.get(wanted)
    if option is not None:
        return option
    if any(wanted == each.name for each in CHAT.options):
        raise UsageError(
            f"{wanted} cannot be changed during a conversation",
            f"start again with it, and go on: specdec chat --resume --{wanted} …",
        )
    near = get_close_matches(wanted, _BY_NAME, 1)
    raise UsageError(
        f"there is no setting {wanted!r}", f"did you mean {near[0]}?" if near else "see /set"
    )


def changed(options: ChatOptions, option: Option, text: str) -> ChatOptions:
    """The options with one value as it was written.

    Raises:
        UsageError: it is no such value.
    """
    try:
        value = option.kind.read(text)
    except ValueError as error:
        example = f"/set {option.name} {option.kind.metavar or 'on|off'}"
        raise UsageError(f"{option.name}: {error}", example) from error
    return options.with_value(option, value, "chat")


def adapted(loaded: Loaded, loader: Loader, options: ChatOptions) -> Loaded | None:
    """The loaded pair under other options; ``None`` if it must be reloaded.

    Args:
        loader: has loaded it.

    Raises:
        UsageError: the options contradict each other, or are not possible.
    """
    answer = answer_settings(options)
    if options.sampling.seed is None and not answer.repeatable and answer.sampling.temperature > 0:
        answer = replace(answer, seed=loaded.settings.seed)
    wanted = wanted_pair(options)
    if wanted == loaded.decoder.asked:
        return replace(loaded, options=options, settings=answer)
    if loader.loaded is None or not _fits(loader.loaded.decoder, wanted):
        return None
    decoder = loader.decoder(wanted)
    return replace(loaded, options=options, settings=answer, decoder=decoder)


def _fits(base: Decoder, wanted: PairSettings) -> bool:
    """Whether a loaded pair can be used in another way without loading."""
    was = base.asked
    same = replace(
        wanted,
        drafter=was.drafter,
        draft=was.draft,
        draft_min=was.draft_min,
        draft_max=was.draft_max,
        draft_p_min=was.draft_p_min,
        adaptive=was.adaptive,
    )
    drafter = chosen_drafter(wanted)
    needs_draft = Need.DRAFT_MODEL in drafter.needs
    if needs_draft and (not base.settings.draft or wanted.draft != was.draft):
        return False
    longest = base.models.resolve(wanted).draft_max
    return same == was and (not drafter.drafts or longest < base.models.layout.rows)


def shown(value: Any) -> str:
    """A value as ``/set`` takes it."""
    if value is None or value == ():
        return "-"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ", ".join(map(shown, value))
    return str(value)

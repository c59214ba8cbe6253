"""Commands that show something."""

from __future__ import annotations

from specdec_cli.chat.conversation import Conversation
from specdec_cli.chat.session import Chat
from specdec_cli.chat.tuning import assign
from specdec_cli.chat.view.compare import Side, show_sides
from specdec_cli.chat.view.stats import stats_lines
from specdec_cli.core.events import Event
from specdec_cli.core.limits import DRAFT_MAX
from specdec_cli.core.stats import RunStats
from specdec_cli.errors import Cancelled, UsageError
from specdec_cli.terminal import keys
from specdec_cli.terminal.signals import Interrupts
from specdec_cli.terminal.view import ViewOptions, make_view

_TO_DRAFT = "let something draft, if only repetitions in the text: /drafter ngram"
TOPICS = ("settings", "system", "models", "history")


def show(chat: Chat, rest: str) -> None:
    """Show what the conversation is and how it goes on."""
    topic = rest or "settings"
    if topic == "settings":
        assign(chat, "")
    elif topic == "system":
        chat.show((chat.conversation.system or "there is no system message").splitlines())
    elif topic == "models":
        chat.show([f"{role:<6}  {path or '-'}" for role, path in chat.models.items()])
        chat.show([chat.status()])
    elif topic == "history":
        _history(chat)
    else:
        raise UsageError(f"there is no /show {topic}", f"/show {'|'.join(TOPICS)}")


def stats(chat: Chat, _rest: str) -> None:
    """Show what drafting gained."""
    if not chat.turns:
        raise UsageError("there are no statistics yet", "send a message first")
    chat.show(stats_lines([turn.stats for turn in chat.turns], chat.total, chat.width))


def compare(chat: Chat, rest: str) -> None:
    """Answer a message with and without drafts."""
    last = chat.conversation.last
    if not rest and last is None:
        raise UsageError("there is no message to compare answers of", "/compare MESSAGE")
    responder = chat.ready()
    decoder = responder.loaded.decoder
    if not decoder.spec.drafts or not decoder.settings.draft_max:
        way = f"/draft-max {DRAFT_MAX}" if decoder.spec.drafts else _TO_DRAFT
        raise UsageError("nothing drafts, so there is nothing to compare", way)
    conversation = Conversation(chat.conversation.system, chat.conversation)
    conversation.first = chat.conversation.first
    if rest:
        conversation.ask(rest)
    elif last is not None and last.answer is not None:
        conversation.reopen()
    view = make_view(
        ViewOptions(output="json", quiet=bool(chat.options.output.quiet)), chat.streams
    )

    def observe(_response: object, event: Event) -> None:
        view.observe(event)

    with keys.unseen() as restore, Interrupts(restore) as stop:
        try:
            drafted, plain = responder.compare(conversation, observe, stop.asked)
        finally:
            view.close()
    if stop.asked():
        chat.note("stopped; there is nothing to compare")
        raise Cancelled
    sides = (
        Side(f"with drafts ({responder.loaded.decoder.spec.name})", drafted.text, drafted.stats),
        Side("plain", plain.text, plain.stats),
    )
    console = chat.streams.rich(chat.options.output.color)
    show_sides(sides, _verdict(sides, sampled=_samples(chat)), console)


def _verdict(sides: tuple[Side, Side], *, sampled: bool) -> str:
    drafted, plain = sides
    gain = _gain(drafted.stats, plain.stats)
    if drafted.text == plain.text:
        return f"the texts are equal · {gain}"
    why = (
        "drawn from the same distribution, with other random numbers"
        if sampled
        else "which only near ties may bring about; see: specdec verify"
    )
    return f"the texts differ, {why} · {gain}"


def _gain(drafted: RunStats, plain: RunStats) -> str:
    """How many times as fast one was, or why the speeds above do not tell."""
    if not drafted.could_draft:
        return "nothing was drafted"
    if drafted.too_busy or plain.too_busy:
        return "other programs interrupted these answers, so no × is given"
    ratio = drafted.speedup_over(plain)
    return "too short to compare speeds" if ratio is None else f"with drafts ×{ratio:.2f} as fast"


def _samples(chat: Chat) -> bool:
    temperature: float = chat.ready().loaded.settings.sampling.temperature
    return temperature > 0.0


def _history(chat: Chat) -> None:
    conversation = chat.conversation
    if conversation.system:
        chat.show([f"system: {line}" for line in conversation.system.splitlines()])
    for number, turn in enumerate(conversation):
        if number == conversation.first and number:
            chat.show(["", "(the model sees what follows)"])
        chat.show(["", *(f">>> {line}" for line in turn.user.splitlines())])
        if turn.answer is not None:
            chat.show(turn.answer.splitlines())

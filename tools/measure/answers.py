"""Answers timed in a loaded pair, with and without drafts in turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from specdec_cli.core.events import PromptDone, Round
from specdec_cli.core.stats import RunStats
from specdec_cli.engine.decoder import Decoder
from specdec_cli.engine.loop import generate
from specdec_cli.engine.session import Session
from specdec_cli.engine.settings import AnswerSettings
from specdec_cli.templates.encode import encode as encode_messages
from specdec_cli.templates.message import Message


@dataclass(slots=True)
class Timed:
    """One answer: its tokens, its statistics, and the part of decoding spent in llama.cpp."""

    tokens: list[int]
    stats: RunStats
    backend_seconds: float


def encode(decoder: Decoder, text: str) -> list[int]:
    """Prompt tokens as ``specdec run`` has them."""
    return encode_messages(
        decoder.models.vocab, decoder.models.chat_template(), [Message("user", text)], raw=False
    )


def answer(
    decoder: Decoder,
    prompt: Sequence[int],
    settings: AnswerSettings,
    *,
    plain: bool,
    max_tokens: int,
) -> Timed:
    """Answer a prompt that is read anew, so that no answer profits from the one before."""
    decoder.forget()
    return answer_in(decoder, decoder.session(settings, plain=plain), prompt, max_tokens)


def answer_in(decoder: Decoder, session: Session, prompt: Sequence[int], max_tokens: int) -> Timed:
    """The same in a session of one's own."""
    timed = Timed([], RunStats(), 0.0)
    began = decoder.models.backend_seconds
    for event in generate(session, prompt, max_tokens=max_tokens):
        timed.stats.observe(event)
        if isinstance(event, PromptDone):
            began = decoder.models.backend_seconds
        elif isinstance(event, Round):
            timed.tokens += event.tokens
    timed.backend_seconds = decoder.models.backend_seconds - began
    return timed


@dataclass(slots=True)
class Compared:
    """The same prompt decoded plainly and with drafts, as often and in turn (A B B A)."""

    plain: list[Timed]
    drafted: list[Timed]

    @property
    def speedup(self) -> float:
        """Plain decoding time over drafted decoding time, per token."""
        return _seconds_per_token(self.plain) / _seconds_per_token(self.drafted)


def compare(decoder: Decoder, text: str, settings: AnswerSettings, max_tokens: int) -> Compared:
    """Decode a prompt plainly, drafted, drafted, plainly."""
    prompt = encode(decoder, text)
    runs = [
        answer(decoder, prompt, settings, plain=plain, max_tokens=max_tokens)
        for plain in (True, False, False, True)
    ]
    return Compared([runs[0], runs[3]], runs[1:3])


def _seconds_per_token(runs: Sequence[Timed]) -> float:
    seconds = sum(run.stats.decode_seconds for run in runs)
    return seconds / sum(run.stats.completion_tokens for run in runs)

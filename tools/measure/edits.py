"""Edit tasks for any pair: an answer is written by somebody who has an older version of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from specdec_cli.engine.decoder import Decoder
from specdec_cli.engine.settings import AnswerSettings
from tools.measure.answers import answer, encode
from tools.measure.prompts import Prompt

KIND = "edit"
_OF = ("code", "tech")
_NAME = "entry"
_TIMES = 2
_WORD = re.compile(r"[A-Za-z_]{3,}")


@dataclass(frozen=True, slots=True)
class Edit(Prompt):
    """A prompt with the old version of its answer."""

    expect: str = ""


def edits(
    decoder: Decoder, prompts: Sequence[Prompt], answering: AnswerSettings, max_tokens: int
) -> list[Edit]:
    """Prompts with old versions: the target's own answers, with a name changed that occurs twice.

    The built-in target was never taught to edit. But what it is about to write is known, so that an
    older version of it can be made which differs as a renamed variable does.
    """
    return [
        Edit(KIND, prompt.text, _older(decoder, prompt, answering, max_tokens))
        for prompt in prompts
        if prompt.kind in _OF
    ]


def with_old_version(answering: AnswerSettings, prompt: Prompt) -> AnswerSettings:
    """How a prompt is answered: with the old version, where it has one."""
    return replace(answering, expect=prompt.expect) if isinstance(prompt, Edit) else answering


def _older(decoder: Decoder, prompt: Prompt, answering: AnswerSettings, max_tokens: int) -> str:
    tokens = encode(decoder, prompt.text)
    plain = answer(decoder, tokens, answering, plain=True, max_tokens=max_tokens).tokens
    text = b"".join(map(decoder.models.vocab.piece, plain)).decode("utf-8", "replace")
    counts = Counter(_WORD.findall(text))
    name = next((word for word, count in counts.items() if count == _TIMES), None)
    return re.sub(rf"\b{name}\b", _NAME, text) if name else text

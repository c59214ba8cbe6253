"""The stream of conversations: kinds mixed, some with a system prompt, split by first prompt."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from hashlib import blake2b
from random import Random

from tools.tinypair.text import code, facts, smalltalk, stories, tech
from tools.tinypair.text.turns import Conversation, Exchange, Message, Request, Split
from tools.tinypair.text.words import casual

__all__ = ["KINDS", "Conversation", "Message", "conversations", "heldout_prompts", "is_heldout"]

_MAKE: dict[str, Callable[[Request], list[Exchange]]] = {
    "code": code.make,
    "facts": facts.make,
    "stories": stories.make,
    "tech": tech.make,
    "smalltalk": smalltalk.make,
}
_SHARE = {"code": 30, "facts": 25, "stories": 20, "tech": 20, "smalltalk": 5}
KINDS = tuple(_MAKE)

_NEUTRAL = [
    "You are a helpful assistant.",
    "You are a friendly assistant.",
    "You are a small and helpful language model.",
    "Answer the questions of the user.",
    "Be kind and clear.",
    "You are an assistant that gives correct answers.",
]
_BRIEF = {
    "code": ["Reply with code only.", "Answer with code only.", "Only show the code."],
    "facts": ["Answer in one sentence.", "Be brief.", "Use one short sentence."],
    "stories": ["Keep stories very short.", "Be brief.", "Use only a few sentences."],
    "tech": ["Answer in one sentence.", "Be brief.", "Use one short sentence."],
    "smalltalk": ["Answer in one sentence.", "Be brief."],
}
_HELD_OUT_IN_1000 = 30


def is_heldout(prompt: str) -> bool:
    """Which side of the split a first prompt is on, whatever its case and punctuation."""
    plain = " ".join(re.findall(r"[a-z0-9]+", prompt.lower()))
    digest = blake2b(plain.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % 1000 < _HELD_OUT_IN_1000


def conversations(seed: int, split: Split, kind: str | None = None) -> Iterator[Conversation]:
    """An endless stream, the same for the same arguments."""
    rng = Random(f"{seed}/{split}")
    kinds, weights = list(_SHARE), list(_SHARE.values())
    while True:
        chosen = kind or rng.choices(kinds, weights)[0]
        while True:
            conversation = _conversation(rng, chosen)
            if is_heldout(_first_prompt(conversation)) == (split == "heldout"):
                break
        yield conversation


def heldout_prompts(per_kind: int) -> list[tuple[str, str]]:
    """Distinct held-out first prompts of the four kinds, always the same ones."""
    found: list[tuple[str, str]] = []
    for kind in ("code", "facts", "stories", "tech"):
        prompts: dict[str, str] = {}
        for conversation in conversations(7, "heldout", kind):
            prompt = _first_prompt(conversation)
            prompts.setdefault(prompt.lower().rstrip("?.!"), prompt)
            if len(prompts) >= per_kind:
                break
        found += [(kind, prompt) for prompt in prompts.values()]
    return found


def _first_prompt(conversation: Conversation) -> str:
    return next(m.content for m in conversation.messages if m.role == "user")


def _conversation(rng: Random, kind: str) -> Conversation:
    turns = rng.choice((2, 2, 2, 3, 3, 4)) if rng.random() < 0.26 else 1
    system = ""
    brief = False
    if rng.random() < 0.10:
        brief = rng.random() < 0.5
        system = rng.choice(_BRIEF[kind] if brief else _NEUTRAL)
    request = Request(rng, turns, brief)
    messages = [Message("system", system)] if system else []
    exchanges = _MAKE[kind](request)
    if turns > 1 and kind != "smalltalk" and rng.random() < 0.08:
        exchanges[-1] = smalltalk.thanks(request)
    for prompt, answer in exchanges:
        messages.append(Message("user", casual(rng, prompt)))
        messages.append(Message("assistant", answer))
    return Conversation(kind, messages)

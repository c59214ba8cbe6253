"""Messages to prompt tokens, so that no content can pass for the template's marks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from specdec_cli.engine.chat import ChatTemplate, Message


class PromptVocabulary(Protocol):
    """What encoding needs of a vocabulary."""

    @property
    def bos(self) -> str: ...

    @property
    def adds_bos(self) -> bool: ...

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]: ...


def encode_chat(
    vocab: PromptVocabulary, template: ChatTemplate, messages: Sequence[Message]
) -> list[int]:
    """Tokens of a conversation by its template.

    Contents without the text of a special token, nearly all, are tokenised together with the
    template, as other programs do. Otherwise the template is rendered around placeholders, and
    the contents are tokenised by themselves as plain text. A piece of the vocabulary might have
    crossed the border between the two; templates put newlines and special tokens there, which
    pieces do not cross.
    """
    text = template.render(messages)
    if all(_is_plain(vocab, message.content) for message in messages):
        return _with_bos(vocab, text, vocab.tokenize(text, add_special=False, parse_special=True))
    names = [_placeholder(i, messages) for i in range(len(messages))]
    framed = template.render(
        [Message(message.role, name) for message, name in zip(messages, names, strict=True)]
    )
    contents = {name: message.content for name, message in zip(names, messages, strict=True)}
    tokens: list[int] = []
    for part in re.split(f"({'|'.join(names)})", framed):
        if part:
            content = contents.get(part)
            tokens += vocab.tokenize(
                part if content is None else content,
                add_special=False,
                parse_special=content is None,
            )
    return _with_bos(vocab, framed, tokens)


def encode_raw(vocab: PromptVocabulary, text: str, *, marks: bool) -> list[int]:
    """Tokens of a text without a template.

    Args:
        marks: whether special tokens written in it count as such; a person who writes the whole
            prompt writes the template's marks too.
    """
    return _with_bos(vocab, text, vocab.tokenize(text, add_special=False, parse_special=marks))


def _with_bos(vocab: PromptVocabulary, text: str, tokens: list[int]) -> list[int]:
    """Many templates write the beginning-of-sequence token themselves; it must not stand twice."""
    if not vocab.adds_bos or not vocab.bos or text.startswith(vocab.bos):
        return tokens
    return [*vocab.tokenize(vocab.bos, add_special=False, parse_special=True), *tokens]


def _is_plain(vocab: PromptVocabulary, text: str) -> bool:
    as_text = vocab.tokenize(text, add_special=False, parse_special=False)
    return vocab.tokenize(text, add_special=False, parse_special=True) == as_text


def _placeholder(i: int, messages: Sequence[Message]) -> str:
    """Letters and digits that no message contains, so that no template changes or splits them."""
    name = f"content{i}x"
    while any(name in message.content for message in messages):
        name += "x"
    return name + "q"

"""Messages to prompt tokens, so that no content can pass for the template's marks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from specdec_cli.templates.message import Message
from specdec_cli.templates.template import ChatTemplate


class PromptVocabulary(Protocol):
    """What encoding needs of a vocabulary."""

    @property
    def bos(self) -> str: ...

    @property
    def adds_bos(self) -> bool: ...

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]: ...


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a prompt's text; special tokens written in it count as such with ``marks``."""

    text: str
    marks: bool


def encode(
    vocab: PromptVocabulary,
    template: ChatTemplate | None,
    messages: Sequence[Message],
    *,
    raw: bool = False,
) -> list[int]:
    """Prompt tokens of a conversation; otherwise as ``layout``."""
    return encode_parts(vocab, layout(vocab, template, messages, raw=raw))


def layout(
    vocab: PromptVocabulary,
    template: ChatTemplate | None,
    messages: Sequence[Message],
    *,
    raw: bool = False,
) -> list[Part]:
    """The text of a conversation by its template, with its contents' marks kept from its own.

    Contents without the text of a special token, nearly all, are tokenised together with the
    template, as other programs do. The others are rendered as placeholders, and are tokenised by
    themselves as plain text. A piece of the vocabulary might have crossed the border between the
    two; templates put newlines and special tokens there, which pieces do not cross.

    Args:
        template: without one, contents are set apart by blank lines.
        raw: without a template, special tokens written in contents count as such; a person who
            writes the whole prompt writes a template's marks too.
    """
    if template is None:
        return [Part("\n\n".join(message.content for message in messages), marks=raw)]
    hostile = {
        _placeholder(i, messages): message.content
        for i, message in enumerate(messages)
        if not _is_plain(vocab, message.content)
    }
    if not hostile:
        return [Part(template.write(messages), marks=True)]
    names = {content: name for name, content in hostile.items()}
    framed = template.write(
        [Message(each.role, names.get(each.content, each.content)) for each in messages]
    )
    return [
        Part(hostile.get(part, part), marks=part not in hostile)
        for part in re.split(f"({'|'.join(hostile)})", framed)
        if part
    ]


def encode_parts(
    vocab: PromptVocabulary, parts: Sequence[Part], *, begins: bool = True
) -> list[int]:
    """Tokens of a text in parts.

    Args:
        begins: whether a sequence starts here, with the token that says so if the model wants one.
    """
    tokens: list[int] = []
    for part in parts:
        tokens += vocab.tokenize(part.text, add_special=False, parse_special=part.marks)
    if not begins or not vocab.adds_bos or not vocab.bos:
        return tokens
    # Many templates write the beginning-of-sequence token themselves; it must not stand twice.
    if parts and parts[0].marks and parts[0].text.startswith(vocab.bos):
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

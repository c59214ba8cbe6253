"""The tokens of a conversation, kept as they were generated.

Encoding a text may give other tokens than the model generated for it. If each turn encoded the
whole conversation again, the result could differ from the caches in the middle of an old answer,
and everything after that would be read again. So tokens are kept with their text, and only the new
end of a prompt is encoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from specdec_cli.templates.encode import Part, PromptVocabulary, encode_parts

Span = tuple[int, int]


class PieceVocabulary(PromptVocabulary, Protocol):
    """What a transcript needs of a vocabulary."""

    def piece(self, token: int) -> bytes: ...


class Transcript:
    """One sequence of tokens with its text.

    It is cut at marks only: the end of a prompt, and the end of an answer with and without the
    white space it ends in, which some templates strip.
    """

    def __init__(self, vocab: PieceVocabulary) -> None:
        self._vocab = vocab
        self._text = ""
        self._plain: list[Span] = []  # where special tokens' texts are only text
        self._tokens: list[int] = []
        self._marks: list[tuple[int, int]] = []  # characters, tokens
        # Some vocabularies put a space before whatever they encode, unless a mark comes first.
        self._adds_space = self._bytes(self._encode("a")) != b"a"

    def encode(self, parts: Sequence[Part]) -> list[int]:
        """The tokens of a prompt, those of its known beginning as they were."""
        known, rest = self._split(parts)
        return [*self._tokens[: known[1]], *rest]

    def follow(self, parts: Sequence[Part]) -> list[int]:
        """The same, of a prompt that is answered next."""
        known, rest = self._split(parts)
        self._text, self._plain = "".join(part.text for part in parts), _plain(parts)
        self._tokens = [*self._tokens[: known[1]], *rest]
        self._marks = [mark for mark in self._marks if mark <= known]
        self._mark()
        return list(self._tokens)

    def answered(self, text: str, tokens: Sequence[int]) -> None:
        """Add an answer: its text, and the tokens it was generated in.

        Those that end it, with a mark or the text of a stop string, are left out; if no others
        make up exactly the text, none are kept.
        """
        data = text.encode()
        lengths: list[int] = []
        size = 0
        for token in tokens:
            size += len(self._vocab.piece(token))
            lengths.append(size)
        said = _first(lengths, len(data)) + 1
        if not data or not said or self._bytes(tokens[:said]) != data:
            return
        stripped = data.rstrip()
        before = len(self._text), len(self._tokens)
        at = _first(lengths, len(stripped)) + 1
        if stripped and at and stripped != data:
            self._marks.append((before[0] + len(stripped.decode()), before[1] + at))
        self._text += text
        self._tokens += tokens[:said]
        self._mark()

    def _split(self, parts: Sequence[Part]) -> tuple[tuple[int, int], list[int]]:
        """Characters and tokens of a prompt's known beginning, and the tokens of its rest."""
        known = self._known("".join(part.text for part in parts), _plain(parts))
        rest = encode_parts(self._vocab, _after(parts, known[0]), begins=not known[1])
        if known[1] and self._adds_space and rest and self._vocab.piece(rest[0]):
            return (0, 0), encode_parts(self._vocab, parts)
        return known, rest

    def _known(self, text: str, plain: Sequence[Span]) -> tuple[int, int]:
        """The last mark up to which a text is the one that is known."""
        for characters, tokens in reversed(self._marks):
            same = _until(self._plain, characters) == _until(plain, characters)
            if same and text.startswith(self._text[:characters]):
                return characters, tokens
        return 0, 0

    def _mark(self) -> None:
        mark = len(self._text), len(self._tokens)
        if mark not in self._marks[-1:]:
            self._marks.append(mark)

    def _encode(self, text: str) -> list[int]:
        return self._vocab.tokenize(text, add_special=False, parse_special=False)

    def _bytes(self, tokens: Sequence[int]) -> bytes:
        return b"".join([self._vocab.piece(token) for token in tokens])


def _plain(parts: Sequence[Part]) -> list[Span]:
    spans: list[Span] = []
    at = 0
    for part in parts:
        if not part.marks:
            spans.append((at, at + len(part.text)))
        at += len(part.text)
    return spans


def _until(spans: Sequence[Span], end: int) -> list[Span]:
    return [(low, min(high, end)) for low, high in spans if low < end]


def _after(parts: Sequence[Part], start: int) -> list[Part]:
    """The parts of a text from a character on."""
    rest: list[Part] = []
    at = 0
    for part in parts:
        text = part.text[max(start - at, 0) :]
        if text:
            rest.append(Part(text, part.marks))
        at += len(part.text)
    return rest


def _first(values: Sequence[int], wanted: int) -> int:
    """Where a rising sequence first has a value; -1 if it does not."""
    return next((i for i, value in enumerate(values) if value == wanted), -1)

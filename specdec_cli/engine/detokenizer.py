"""From committed tokens to text: whole characters only, and nothing of a stop string."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass, replace

from specdec_cli.core.events import Text
from specdec_cli.models.base import Vocabulary
from specdec_cli.templates.thinking import Thoughts


@dataclass(frozen=True, slots=True)
class TextDelta:
    """What a round's tokens came to.

    ``used`` of them belong to the answer; ``ended`` tells that the last of these ends it, by the
    stop string ``stop`` or, where that is ``None``, by an end-of-generation token.
    """

    used: int
    texts: tuple[Text, ...]
    ended: bool = False
    stop: str | None = None


class Detokenizer:
    """The text of one answer, as its tokens are committed.

    A character split across tokens is held back until it is whole, and text that may be the
    beginning of a stop string until it is known not to be. Bytes that never become UTF-8 are
    replaced by U+FFFD, as decoding them all at once would.

    Args:
        stops: strings that end the answer and are not part of it; empty ones are ignored.
        thoughts: tells what the model thinks from its answer.
    """

    def __init__(
        self, vocab: Vocabulary, stops: Sequence[str] = (), thoughts: Thoughts | None = None
    ) -> None:
        self._vocab = vocab
        self._thoughts = thoughts
        self._stops = tuple(stop for stop in stops if stop)
        self._incomplete = b""  # the beginning of a character
        self._held = ""

    def push(self, tokens: Sequence[int], drafted: int) -> TextDelta:
        """Add a round's tokens, the first ``drafted`` of which were accepted draft tokens."""
        delta = self._push(tokens, drafted)
        if self._thoughts is None or self._thoughts.answering:
            return delta
        return replace(delta, texts=self._parted(delta.texts))

    def _push(self, tokens: Sequence[int], drafted: int) -> TextDelta:
        used, ended = self._until_end(tokens)
        tokens = tokens[:used]
        if self._stops:
            return self._push_watching(tokens, drafted, ended)
        texts: tuple[Text, ...] = ()
        if drafted and (text := self._decode(tokens[:drafted])):
            texts = (Text(text, drafted=True),)
        if used > drafted and (text := self._decode(tokens[drafted:])):
            texts += (Text(text, drafted=False),)
        return TextDelta(used, texts, ended)

    def finish(self) -> tuple[Text, ...]:
        """The text that was still held back when the answer ended; ends the answer."""
        rest = self._held + self._incomplete.decode("utf-8", "replace")
        self._held, self._incomplete = "", b""
        texts = (Text(rest, drafted=False),) if rest else ()
        if self._thoughts is None or self._thoughts.answering:
            return texts
        held = self._parted(texts)
        return (*held, *(Text(text, False, part) for part, text in self._thoughts.end()))

    def _parted(self, texts: Sequence[Text]) -> tuple[Text, ...]:
        """Texts by what they are; of what was held back, the last token's way counts."""
        assert self._thoughts is not None
        feed = self._thoughts.feed
        return tuple(
            Text(text, each.drafted, part) for each in texts for part, text in feed(each.text)
        )

    def _until_end(self, tokens: Sequence[int]) -> tuple[int, bool]:
        for i, token in enumerate(tokens):
            if self._vocab.is_end(token):
                return i + 1, True
        return len(tokens), False

    def _decode(self, tokens: Sequence[int]) -> str:
        piece = self._vocab.piece
        if self._thoughts is not None and (marks := self._thoughts.silent):
            data = b"".join([marks.get(token) or piece(token) for token in tokens])
        else:
            data = b"".join([piece(token) for token in tokens])
        data = self._incomplete + data
        text, used = codecs.utf_8_decode(data, "replace", False)
        self._incomplete = data[used:]
        return text

    def _push_watching(self, tokens: Sequence[int], drafted: int, ended: bool) -> TextDelta:
        """Token by token, since a stop string must cut the tokens where it ends."""
        texts: list[Text] = []
        for i, token in enumerate(tokens):
            self._held += self._decode((token,))
            found = self._find_stop()
            if found is not None:
                at, stop = found
                if at:
                    texts.append(Text(self._held[:at], i < drafted))
                self._held, self._incomplete = "", b""
                return TextDelta(i + 1, tuple(texts), True, stop)
            safe = len(self._held) - self._may_become_stop()
            if safe:
                texts.append(Text(self._held[:safe], i < drafted))
                self._held = self._held[safe:]
        return TextDelta(len(tokens), tuple(texts), ended)

    def _find_stop(self) -> tuple[int, str] | None:
        """Where the earliest stop string begins in the held text, and which."""
        found = [(at, stop) for stop in self._stops if (at := self._held.find(stop)) >= 0]
        return min(found, default=None)

    def _may_become_stop(self) -> int:
        """Length of the longest end of the held text that some stop string begins with."""
        longest = max(map(len, self._stops)) - 1
        for length in range(min(longest, len(self._held)), 0, -1):
            end = self._held[-length:]
            if any(stop.startswith(end) for stop in self._stops):
                return length
        return 0

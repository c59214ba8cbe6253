"""A language model whose cache follows a token sequence by the longest common prefix."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from specdec_cli.core.types import Logits
from specdec_cli.models.base import LanguageModel
from specdec_cli.models.rewind import Cut, Rewind, joins


class CachedModel:
    """Knows which tokens a model's cache holds, and decodes only what is missing.

    Both sides of speculation use it. For the target the rejected end of a draft, for the draft
    model its own last token after full acceptance, for both an edited conversation: all are one
    case, a cache and a sequence that share a prefix.

    Args:
        rewind: how the model's cache is brought back to where a sequence parts from what is held;
            by default it is cut.
    """

    def __init__(self, model: LanguageModel, *, rewind: Rewind | None = None) -> None:
        self.model = model
        self._rewind = rewind or Cut(model)
        self._keeps = self._rewind.keeps
        self._seconds: Callable[[int], float] | None = None
        self._largest = 0
        self._held: list[int] = []
        self._agreed = 0  # a prefix of ``_held`` known to be a prefix of the sequence followed

    def restart(self, tokens: Sequence[int]) -> int:
        """Follow a sequence that may differ from the last one anywhere.

        Returns:
            How many of its tokens are in the cache already.
        """
        self._keep(len(self._held))  # a decode that failed may have emptied the cache
        self._agreed = common_prefix(self._held, tokens)
        return self._reached(self._agreed)

    def missing(self, tokens: Sequence[int]) -> int:
        """How many of ``tokens``, the sequence followed, have to be decoded yet."""
        return len(tokens) - self._reached(common_prefix(self._held, tokens, self._agreed))

    def follow_costs(self, seconds: Callable[[int], float], largest: int) -> None:
        """Take the best way by what a pass over so many rows takes, known up to ``largest``."""
        self._seconds, self._largest = seconds, largest

    def covers(self, tokens: int) -> bool:
        """Whether the last ``tokens`` of a pass can be taken back at no cost."""
        return self._rewind.covers(tokens)

    def forget(self) -> None:
        """Drop the whole cache, so that nothing of an earlier sequence is used again."""
        # Whatever is held: an exception may have come between a decode and the note of it.
        self.model.truncate(0)
        self._rewind.forget()
        self._held.clear()
        self._agreed = 0

    def prefill(
        self, tokens: Sequence[int], cancelled: Callable[[], bool] | None = None
    ) -> Iterator[int]:
        """Bring the cache to exactly ``tokens``, yielding after each batch how many it holds.

        Raises:
            Cancelled: ``cancelled`` answered True; what was read until then is kept.
        """
        shared = common_prefix(self._held, tokens, self._agreed)
        done = self._keep(shared)
        self.model.interrupt_when(cancelled)
        try:
            while done < len(tokens):
                # Where texts have parted they are likely to part again.
                if done == shared:
                    self._rewind.at_border()
                end = shared if done < shared else len(tokens)
                batch = tokens[done : min(done + self.model.n_batch, end)]
                if cancelled:
                    self._rewind.mark()  # what was read until then is kept
                self.model.decode(batch, 0)
                self._held.extend(batch)
                done = self._agreed = len(self._held)
                yield done
        finally:
            self.model.interrupt_when(None)
        self._rewind.at_border()

    def score(
        self, tokens: Sequence[int], tail: Sequence[int] = (), rows: int | None = None
    ) -> Logits:
        """Bring the cache to ``tokens`` and ``tail`` and return the logits from the last token on.

        Args:
            tokens: the sequence followed; since ``restart`` it may only have grown.
            tail: tokens that are not part of it yet, a draft.
            rows: how many rows to compute, if more. Some sizes of a batch cost less than smaller
                ones; it is filled up with tokens that nobody asked about, where these can be
                taken back at no cost.

        Returns:
            Rows after the last of ``tokens`` and after each of ``tail``, shape
            (1 + len(tail), n_vocab), valid until the next decode.
        """
        # The last token is always decoded, since the logits after it are asked for.
        last = len(tokens) - 1
        kept = self._keep(min(common_prefix(self._held, tokens, self._agreed), last))
        if last - kept + 1 + len(tail) > self.model.n_batch:  # a drafter that slept for long
            for _ in self.prefill(tokens[:last]):
                pass
            kept = last
        wanted = 1 + len(tail)
        if self._keeps and tail:
            kept = self._secure(tokens, kept, len(tail))
        missing = [*tokens[kept:], *tail]
        if rows is not None and rows > wanted and self._rewind.covers(rows - 1):
            logits = self._decode_filled(missing, wanted, rows)
        else:
            logits = self.model.decode(missing, wanted)
        self._held.extend(missing)
        self._agreed = len(tokens)
        return logits

    def _decode_filled(self, missing: list[int], wanted: int, rows: int) -> Logits:
        """Add a few tokens, where they fit into the cache and into the batch."""
        room = min(self.model.n_ctx - self.model.length, self.model.n_batch) - len(missing)
        filled = max(min(rows - wanted, room), 0)
        missing += missing[-1:] * filled
        return self.model.decode(missing, wanted + filled)[:wanted]

    def cut(self, tokens: Sequence[int]) -> None:
        """Hold nothing that is not of ``tokens``, a beginning of the sequence followed."""
        self._keep(common_prefix(self._held, tokens, self._agreed))

    def step(self, token: int) -> Logits:
        """Decode one more token that is not part of the sequence yet; returns one row."""
        if self._keeps and self._agreed == len(self._held):
            self._rewind.mark()  # the first of a draft, which one decode each takes a step
        row: Logits = self.model.decode((token,), 1)[0]
        self._held.append(token)
        return row

    def _keep(self, length: int) -> int:
        """Bring the cache back to the first ``length`` tokens; returns how many are left."""
        held = len(self._held)
        if length < held or self.model.length < held:
            length = self._rewind.back(length)
            del self._held[length:]
        return length

    def _reached(self, length: int) -> int:
        """How many tokens would be left of the first ``length``."""
        return length if length == len(self._held) else self._rewind.reach(length)

    def _secure(self, tokens: Sequence[int], kept: int, tail: int) -> int:
        """Let the last ``tail`` tokens of a pass be such as can be taken back.

        Returns:
            How many tokens are held; a few that were decoded before may have been once more.
        """
        if self._rewind.covers(tail):
            return kept
        last = len(tokens) - 1
        if kept < last and not joins(last - kept, 1 + tail, self._seconds, self._largest):
            self.model.decode(tokens[kept:last], 0)
            self._held.extend(tokens[kept:last])
            kept = last
        self._rewind.mark()
        return kept


def common_prefix(a: Sequence[int], b: Sequence[int], known: int = 0) -> int:
    """How many tokens two sequences share from the beginning; ``known`` of them are known to be."""
    end = min(len(a), len(b))
    known = min(known, end)
    while known < end and a[known] == b[known]:
        known += 1
    return known

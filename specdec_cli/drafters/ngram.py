"""Drafting without a model: what followed the longest earlier occurrence of the last tokens.

Prompt lookup with a suffix automaton, trimmed by how often matches of that length came true. It
also follows an expected output, such as the old version of a file that is being edited, and finds
its place again after a change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from specdec_cli.core.events import Round
from specdec_cli.core.suffix import SuffixAutomaton
from specdec_cli.core.types import NO_DRAFT, Draft
from specdec_cli.drafters.base import Parts
from specdec_cli.drafters.expectation import Expectation
from specdec_cli.drafters.free import FreeDrafter
from specdec_cli.drafters.matches import EXPECTATION_PRIOR, MATCH_PRIOR, MatchCalibration
from specdec_cli.errors import Cancelled

PATH_MIN = 0.3
"""Less likely tokens are not drafted where the cost of verifying them is not known."""

_CHUNK = 1024  # tokens read between two checks of ``cancelled``


def make(parts: Parts) -> FreeDrafter:
    """The drafter of an answer."""
    assert parts.history is not None
    return FreeDrafter(parts.history, parts.length)


class NgramDrafter:
    """Proposes the continuation of the longest match of at least ``min_match`` tokens.

    Drafts are a deterministic function of the tokens, so ``q`` is a point mass. Each token's
    confidence is the rate at which predictions by a match of that length came true, learnt from
    every committed token of an answer, whichever drafter it came from. This is the probability of
    acceptance itself and needs no correction for censoring: tokens after the first rejection are
    never compared, and learning goes on while the drafter proposes nothing.

    Args:
        expect: an output that is likely, of each answer from its beginning; also searched for
            matches like any earlier text.
        min_match: shorter matches are not drafted from, except those with ``expect``, which are
            searched only near the place where it was left.
        path_min: stop before a token whose probability of being reached *and* accepted is less; 0
            where a policy of draft lengths trims the draft instead.
        memory: how many tokens of earlier prompts and answers to search as well.
        is_end: whether a token ends an answer; nothing is drafted behind one.
    """

    name = "ngram"

    def __init__(
        self,
        *,
        expect: Sequence[int] = (),
        min_match: int = 2,
        path_min: float = PATH_MIN,
        memory: int = 1 << 17,
        is_end: Callable[[int], bool] = lambda _token: False,
    ) -> None:
        self._expect = list(expect)
        self._min_match = max(min_match, 1)
        self._path_min = path_min
        self._memory = memory
        self._is_end = is_end
        self._by_match = MatchCalibration(MATCH_PRIOR)
        self._by_expectation = MatchCalibration(EXPECTATION_PRIOR)
        # Predictions not yet learnt from: the length of the match, and whether it came true.
        self._matched: list[tuple[int, bool]] = []
        self._expectations: list[tuple[int, bool]] = []
        self.forget()

    def start(self, prompt: Sequence[int], cancelled: Callable[[], bool]) -> None:
        new = self._continue_with(prompt)
        for i in range(0, len(new), _CHUNK):
            if cancelled():
                raise Cancelled
            self._texts.extend_many(new[i : i + _CHUNK])
        self._begin_answer()

    def draft(self, tokens: Sequence[int], limit: int) -> Draft:
        self._catch_up(tokens)
        if limit < 1:
            return NO_DRAFT
        if self._expected.is_ahead and self._trusts_expectation():
            ahead = self._expected.ahead(limit)
            return self._trim(
                ahead, self._by_expectation.confidences(self._expected.length, len(ahead))
            )
        if self._length < self._min_match:
            return NO_DRAFT
        ahead = self._texts.continuation(self._at, limit)
        return self._trim(ahead, self._by_match.confidences(self._length, len(ahead)))

    def observe(self, outcome: Round) -> None:  # noqa: ARG002
        """Learn from the tokens that the last draft was begun with.

        Tokens of this round are followed when the next draft begins. Where nothing repeats that is
        rare, and following every round at once would cost more.
        """
        if self._matched:
            self._by_match.learn(self._matched)
            self._matched.clear()
        if self._expectations:
            self._by_expectation.learn(self._expectations)
            self._expectations.clear()

    def close(self) -> None:
        """Nothing: it lives as long as the pair."""

    def as_dict(self) -> dict[str, Any]:
        """Return how often matches came true, for a cache; nothing of the texts."""
        return {
            "match": self._by_match.as_dict(),
            "expectation": self._by_expectation.as_dict(),
        }

    def restore(self, cached: Mapping[str, Any]) -> None:
        """Take over what ``as_dict`` gave.

        Raises:
            ValueError: it is no such dict; nothing is taken over.
        """
        try:
            found = [
                MatchCalibration(prior, cached[name])
                for name, prior in (("match", MATCH_PRIOR), ("expectation", EXPECTATION_PRIOR))
            ]
        except (KeyError, TypeError) as error:
            raise ValueError(f"not what was learnt of matches: {error}") from error
        self._by_match, self._by_expectation = found

    def forget(self, expect: Sequence[int] | None = None) -> None:
        """Forget all texts, and expect another output, if one is given.

        How often matches came true is not forgotten.
        """
        if expect is not None:
            self._expect = list(expect)
        self._texts = SuffixAutomaton()
        self._texts.extend_many(self._expect)
        self._texts.separate()
        self._begin = len(self._texts)  # of the present conversation
        self._begin_answer()

    def _begin_answer(self) -> None:
        self._at, self._length = self._texts.at, self._texts.length
        self._expected = Expectation(self._expect)

    def _continue_with(self, prompt: Sequence[int]) -> list[int]:
        """Make a prompt the current text and return what is yet to be added to it."""
        held = self._texts.tokens[self._begin :]
        if held == list(prompt[: len(held)]):
            return list(prompt[len(held) :])
        if len(self._texts) + len(prompt) > len(self._expect) + self._memory:
            self.forget()
        else:
            self._texts.separate()
            self._begin = len(self._texts)
        return list(prompt)

    def _catch_up(self, tokens: Sequence[int]) -> None:
        """Follow tokens that no round reported; since ``start`` they have only grown."""
        held = len(self._texts) - self._begin
        if held <= len(tokens) and (not held or self._texts.tokens[-1] == tokens[held - 1]):
            self._follow(tokens[held:])
        else:
            self._texts.extend_many(self._continue_with(tokens))
            self._begin_answer()

    def _follow(self, tokens: Sequence[int]) -> None:
        """Follow committed tokens of an answer, and note for each whether it was predicted."""
        texts, expected = self._texts, self._expected
        for token in tokens:
            agrees = texts.tokens[self._at] == token if self._length else False
            if self._length:
                self._matched.append((self._length, agrees))
            texts.extend(token)
            # The same place as before, unless another has a longer match.
            if agrees and self._length + 1 >= texts.length and texts.tokens[self._at + 1] >= 0:
                self._at += 1
                self._length += 1
            else:
                self._at, self._length = texts.at, texts.length
            if self._expect:
                length, predicts = expected.length, expected.is_ahead
                agrees = expected.follow(token)
                if predicts:
                    self._expectations.append((length, agrees))

    def _trusts_expectation(self) -> bool:
        if self._length < self._min_match:
            return True
        expected = self._by_expectation.confidence(self._expected.length)
        return expected >= self._by_match.confidence(self._length)

    def _trim(self, tokens: Sequence[int], confidence: Sequence[float]) -> Draft:
        kept, path = 0, 1.0
        for token, p in zip(tokens, confidence, strict=False):
            path *= p
            if path < self._path_min:
                break
            kept += 1
            if self._is_end(token):
                break
        if not kept:
            return NO_DRAFT
        return Draft(tuple(tokens[:kept]), None, self.name, tuple(confidence[:kept]))

"""Drafting without a model: what followed the longest earlier occurrence of the last tokens.

Prompt lookup, done with a suffix automaton and stopped by what matches of that length have been
worth so far. An expected output, say the old version of a file that is being edited, is followed
as well: through an edit, and on past it.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specdec_cli.core.events import Round
from specdec_cli.core.suffix import SuffixAutomaton
from specdec_cli.core.types import NO_DRAFT, Draft
from specdec_cli.errors import Cancelled

PATH_MIN = 0.3
"""Less likely tokens are not drafted, where nothing is known of what verifying them costs."""

_CHUNK = 1024  # tokens read between two looks at ``cancelled``


class NgramDrafter:
    """Proposes the continuation of the longest match of at least ``min_match`` tokens.

    Drafts are a deterministic function of the tokens, so ``q`` is a point mass. Each token's
    confidence is the share of tokens that came out as predicted by a match as long as the one
    before it: what is learnt from every committed token of an answer, whoever drafted it. That is
    the law of acceptance itself, and it needs no correction for censoring: tokens behind the first
    rejection are never compared, and a drafter that fell silent goes on learning.

    Args:
        expect: an output that is likely, of each answer from its beginning; also searched for
            matches like any earlier text.
        min_match: shorter matches are not drafted from. Those with ``expect`` are excepted, as
            they are looked for near where it was left only.
        p_min: stop before a token with less confidence than this.
        path_min: stop before a token whose chance of being reached *and* kept is less than this;
            0 where a ``Length`` cuts the draft instead.
        memory: how many tokens of earlier prompts and answers to search too; with 0 none.
    """

    name = "ngram"

    def __init__(
        self,
        *,
        expect: Sequence[int] = (),
        min_match: int = 2,
        p_min: float = 0.0,
        path_min: float = PATH_MIN,
        memory: int = 1 << 17,
    ) -> None:
        self._expect = list(expect)
        self._min_match = max(min_match, 1)
        self._p_min = p_min
        self._path_min = path_min
        self._memory = memory
        self._by_match = MatchCalibration(_MATCH_PRIOR)
        self._by_expectation = MatchCalibration(_EXPECTATION_PRIOR)
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
            return self._cut(ahead, self._by_expectation.along(self._expected.length, len(ahead)))
        if self._length < self._min_match:
            return NO_DRAFT
        ahead = self._texts.continuation(self._at, limit)
        return self._cut(ahead, self._by_match.along(self._length, len(ahead)))

    def observe(self, outcome: Round) -> None:
        self._learn(outcome.tokens)

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
                for name, prior in (("match", _MATCH_PRIOR), ("expectation", _EXPECTATION_PRIOR))
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
        """Follow tokens that no round told of; since ``start`` they have only grown."""
        held = len(self._texts) - self._begin
        if held <= len(tokens) and (not held or self._texts.tokens[-1] == tokens[held - 1]):
            self._learn(tokens[held:])
        else:
            self._texts.extend_many(self._continue_with(tokens))
            self._begin_answer()

    def _learn(self, tokens: Sequence[int]) -> None:
        """Follow committed tokens of an answer, comparing each with what was predicted."""
        texts, expected = self._texts, self._expected
        for token in tokens:
            agrees = texts.tokens[self._at] == token if self._length else False
            if self._length:
                self._by_match.score(self._length, agrees)
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
                    self._by_expectation.score(length, agrees)

    def _trusts_expectation(self) -> bool:
        if self._length < self._min_match:
            return True
        expected = self._by_expectation.confidence(self._expected.length)
        return expected >= self._by_match.confidence(self._length)

    def _cut(self, tokens: Sequence[int], confidence: Sequence[float]) -> Draft:
        kept, path = 0, 1.0
        for p in confidence:
            path *= p
            if p < self._p_min or path < self._path_min:
                break
            kept += 1
        if not kept:
            return NO_DRAFT
        return Draft(tuple(tokens[:kept]), None, self.name, tuple(confidence[:kept]))


# Matches of 0, 1, 2, 3, 4, 5-6, 7-8, 9-12, 13-16, 17-24 and 25 or more tokens.
_BINS = (1, 2, 3, 4, 5, 7, 9, 13, 17, 25)
_BIN = [bisect_right(_BINS, length) for length in range(_BINS[-1] + 1)]
_LONGEST = _BINS[-1]
_MATCH_PRIOR = (0.01, 0.15, 0.37, 0.50, 0.60, 0.67, 0.71, 0.74, 0.82, 0.88, 0.94)
_EXPECTATION_PRIOR = (0.20, 0.41, 0.60, 0.68, 0.80, 0.88, 0.93, 0.96, 0.97, 0.98, 0.995)
_PRIOR_WEIGHT = 8.0
_KEPT = 0.995  # of the old counts when a new one comes: the last two hundred or so count
_MOST_RESTORED = 32.0
_NEWS = 8  # scores until the table is worked out anew


class MatchCalibration:
    """What a prediction is worth, by the length of the match it rests on.

    Beta posteriors per bin of lengths, with forgetting, made to rise with the length.

    Args:
        prior: the probability per bin before anything was seen; it never loses its weight.
        cached: what another's ``as_dict`` gave; of each bin it counts for a few dozen predictions.

    Raises:
        ValueError: ``cached`` is no such dict.
    """

    def __init__(
        self, prior: Sequence[float], cached: Mapping[str, Sequence[float]] | None = None
    ) -> None:
        self._prior = prior
        self._seen = [0.0] * len(prior)
        self._right = [0.0] * len(prior)
        if cached is not None:
            self._restore(cached)
        self._news = 0  # scores that the table does not know of yet
        self._table = self._rising()

    def as_dict(self) -> dict[str, list[float]]:
        """Return what was seen, for a cache."""
        return {"seen": list(self._seen), "right": list(self._right)}

    def _restore(self, cached: Mapping[str, Sequence[float]]) -> None:
        try:
            pairs = [
                (float(seen), float(right))
                for seen, right in zip(cached["seen"], cached["right"], strict=True)
            ]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"not a calibration: {error}") from error
        possible = all(0.0 <= right <= seen < math.inf for seen, right in pairs)
        if len(pairs) != len(self._prior) or not possible:
            raise ValueError("not a calibration: impossible counts")
        for i, (seen, right) in enumerate(pairs):
            share = min(1.0, _MOST_RESTORED / max(seen, 1.0))
            self._seen[i], self._right[i] = seen * share, right * share

    def score(self, length: int, right: bool) -> None:
        """Count one prediction that rested on a match of ``length`` tokens."""
        at = _BIN[min(length, _LONGEST)]
        self._seen[at] = self._seen[at] * _KEPT + 1.0
        self._right[at] = self._right[at] * _KEPT + right
        self._news += 1

    def confidence(self, length: int) -> float:
        """Return the probability that the next prediction is right."""
        return self._refreshed()[min(length, _LONGEST)]

    def along(self, length: int, count: int) -> list[float]:
        """Return it for ``count`` predictions, each after the one before was right."""
        table = self._refreshed()
        found = table[length : length + count]
        return found + [table[-1]] * (count - len(found))

    def _refreshed(self) -> list[float]:
        if self._news >= _NEWS:
            self._news = 0
            self._table = self._rising()
        return self._table

    def _rising(self) -> list[float]:
        """The bins' means by length, pooled where longer did worse (adjacent violators)."""
        pools: list[tuple[float, float, int]] = []  # right, seen, bins
        for prior, right, seen in zip(self._prior, self._right, self._seen, strict=True):
            pool = (right + prior * _PRIOR_WEIGHT, seen + _PRIOR_WEIGHT, 1)
            while pools and pools[-1][0] * pool[1] >= pool[0] * pools[-1][1]:
                last = pools.pop()
                pool = (last[0] + pool[0], last[1] + pool[1], last[2] + pool[2])
            pools.append(pool)
        means = [right / seen for right, seen, bins in pools for _ in range(bins)]
        return [means[at] for at in _BIN]


_NEAR = 512  # tokens searched on either side when the expected text has been left
_PATIENCE = 32  # tokens that differ before as many more are searched
_SURE = 4  # a match as long as this tells where in the expected text the answer is
_COMPARED = 16  # tokens compared to choose between places


class Expectation:
    """Where an answer is in the text it is expected to repeat with changes.

    After a token that differs it looks for the longest match near the place it left, the nearest
    among equals, and takes one token for another (the most common edit) where there is none.

    Attributes:
        at: the position in the expected text that comes next.
        length: how many of the last tokens agree with it up to there.
    """

    def __init__(self, tokens: Sequence[int]) -> None:
        self._tokens = list(tokens)
        self._searched: NDArray[np.int64] = np.asarray(tokens, np.int64)
        self._answer: list[int] = []
        self._left = 0  # where the answer was when its place was last known for sure
        self._lost = 0  # tokens that differed since then
        self.at = 0
        self.length = 1  # that both begin counts as one token

    @property
    def is_ahead(self) -> bool:
        """Whether there is anything left to expect."""
        return self.at < len(self._tokens)

    def ahead(self, limit: int) -> list[int]:
        """Return up to ``limit`` expected tokens."""
        return self._tokens[self.at : self.at + limit]

    def follow(self, token: int) -> bool:
        """The answer goes on with ``token``; tell whether that was expected."""
        self._answer.append(token)
        if self.is_ahead and self._tokens[self.at] == token:
            self.at += 1
            self.length += 1
            return True
        self._lost += 1
        if self.length >= _SURE:
            self._left, self._lost = self.at, 0
        at, length = self._search(token)
        if not length:
            at = min(self.at + 1, len(self._tokens))
        self.at, self.length = at, length
        return False

    def _search(self, token: int) -> tuple[int, int]:
        """Find the best place to go on from, and how many tokens before it agree."""
        near = _NEAR * (1 + self._lost // _PATIENCE)
        low = max(self._left - near, 0)
        ends = np.flatnonzero(self._searched[low : self._left + near] == token) + low + 1
        if not len(ends):
            return 0, 0
        length = 1
        while length < min(_COMPARED, len(self._answer)):
            longer = ends[ends > length]
            longer = longer[self._searched[longer - 1 - length] == self._answer[-1 - length]]
            if not len(longer):
                break
            ends = longer
            length += 1
        return int(ends[np.abs(ends - self._left).argmin()]), length

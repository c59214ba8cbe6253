"""An online suffix automaton over tokens: the longest suffix of a text that occurred before.

Blumer et al., "The smallest automaton recognizing the subwords of a text" (1985); for drafting
SAM-Decoding, arXiv 2411.10666. A state stands for the substrings that end at the same positions.
After every token the suffix link of the newest state *is* the answer: the longest suffix that also
ends somewhere earlier. No cursor has to be maintained.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable

_ROOT = 0
_RECENT_DEPTH = 16  # suffix links walked per token to note the newest occurrence
_BLOCK = 1024  # states are made room for in blocks: appending to six arrays costs a microsecond


class SuffixAutomaton:
    """Texts that only grow, one after the other, and the last one's longest earlier suffix.

    Between two texts ``separate`` puts a mark that occurs once, so that no match holds tokens of
    two texts and no continuation runs from one into the next. Every text is searched, the current
    one too.

    There is no undo. A text that does not continue the current one is added as a new text, which
    costs as much as a rebuild and keeps the old one searchable.

    Amortised O(1) per token, about 3 us in CPython; at most two states per token, in text 1.4,
    which makes about 120 bytes per token.

    Attributes:
        tokens: all texts; marks are negative.
        length: of the longest suffix that occurred earlier and was followed by something; 0 when
            there is none.
        at: where that occurrence was followed, an index into ``tokens``. It is the most recent one,
            unless the suffix has more than 16 shorter suffixes with different occurrences, as in
            ``a a a a ...``; then it may be an older one.
    """

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.length = 0
        self.at = 0
        self._marks = 0
        # Per state. The first transition lies in two arrays: most states never have another, and
        # a dictionary costs more than everything else together.
        self._len = array("i")
        self._link = array("i")  # 0 for none: the root, whose own is -1
        self._recent = array("i")  # the end of the newest occurrence known
        self._token = array("i")
        self._next = array("i")  # 0 for none: nothing leads to the root
        self._others: list[dict[int, int] | None] = []
        self._states = 1
        self._last = _ROOT
        self._make_room()
        self._link[_ROOT] = -1

    def __len__(self) -> int:
        return len(self.tokens)

    def separate(self) -> None:
        """End the current text and begin another."""
        if self.tokens and self.tokens[-1] >= 0:
            self._marks += 1
            self.extend(-self._marks)

    def extend_many(self, tokens: Iterable[int]) -> None:
        """Append tokens to the current text."""
        extend = self.extend
        for token in tokens:
            extend(token)

    def extend(self, token: int) -> None:
        """Append one token to the current text."""
        new = self._states
        if new + 2 > len(self._others):
            self._make_room()
        link, nexts, first, others = self._link, self._next, self._token, self._others
        self.tokens.append(token)
        self._states = new + 1
        self._len[new] = self._recent[new] = end = len(self.tokens)

        # Every suffix can now go on with the token; where one could before, all shorter ones could.
        state = self._last
        while state >= 0:
            found = nexts[state]
            if not found:
                first[state] = token
                nexts[state] = new
            elif first[state] == token:
                break
            else:
                more = others[state]
                if more is None:
                    others[state] = {token: new}
                elif token in more:
                    found = more[token]
                    break
                else:
                    more[token] = new
            state = link[state]
        if state >= 0:
            if self._len[found] != self._len[state] + 1:
                found = self._split(state, token, found)
            link[new] = found
        self._last = new
        self._note(link[new], end)

    def continuation(self, at: int, limit: int) -> list[int]:
        """Return up to ``limit`` tokens from ``at`` on, within one text.

        At the end of everything they start over from ``at``: a text that repeats itself is expected
        to go on doing so.
        """
        tokens = self.tokens
        read = tokens[at : at + limit]
        if read and min(read) < 0:
            return read[: next(i for i, token in enumerate(read) if token < 0)]
        period = len(tokens) - at
        while 0 < period <= len(read) < limit:
            read += read[: limit - len(read)]
        return read

    def _make_room(self) -> None:
        for values in (self._len, self._link, self._recent, self._token, self._next):
            values.frombytes(bytes(_BLOCK * values.itemsize))
        self._others += [None] * _BLOCK

    def _split(self, state: int, token: int, whole: int) -> int:
        """Give the shorter substrings of ``whole`` a state of their own.

        They just occurred without the longer ones.
        """
        link, nexts, first, others = self._link, self._next, self._token, self._others
        part = self._states
        self._states = part + 1
        self._len[part] = self._len[state] + 1
        self._recent[part] = self._recent[whole]
        first[part] = first[whole]
        nexts[part] = nexts[whole]
        more = others[whole]
        others[part] = None if more is None else more.copy()
        link[part] = link[whole]
        link[whole] = part
        while state >= 0:
            if first[state] == token and nexts[state] == whole:
                nexts[state] = part
            else:
                known = others[state]
                if known is None or known.get(token) != whole:
                    break
                known[token] = part
            state = link[state]
        return part

    def _note(self, state: int, end: int) -> None:
        """Find the match, then note that it and its own suffixes occurred once more."""
        recent, link, tokens = self._recent, self._link, self.tokens
        self.length = 0
        found = state
        for _ in range(_RECENT_DEPTH):
            if found <= _ROOT:
                break
            at = recent[found]
            if tokens[at] >= 0:
                self.length, self.at = self._len[found], at
                break
            found = link[found]  # it ended a text: nothing follows
        for _ in range(_RECENT_DEPTH):
            if state <= _ROOT:
                break
            recent[state] = end
            state = link[state]

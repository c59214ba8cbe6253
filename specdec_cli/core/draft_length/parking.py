"""When drafting is parked, and when it is tried again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from specdec_cli.core.events import Parked

_GAP, _LONGEST_GAP = 8, 128
"""Tokens between two probes while no gain is expected, at first and at most."""

_FORCED_PROBE = 4
"""One probe in so many verifies its token however unsure the drafter is."""

_TELLING = 4.0
"""Tokens looked at recently, after forgetting, from which the acceptance rate is known."""

_FORGET = 1 / 50
"""Decay of the acceptance counts, by drafted token."""


class Parking:
    """Whether drafting is parked, and when a parked drafter is probed.

    Args:
        needed: the acceptance rate from which drafting would pay.

    Attributes:
        reason: why nothing is drafted at present, if so.
        probing, forcing: this round is a probe, and one that verifies whatever is drafted.
        since_drafted: tokens since a drafter that must read what it missed last worked.
    """

    def __init__(self, needed: Callable[[], float]) -> None:
        self._needed = needed
        self.reason: Parked | None = None
        self.probing = self.forcing = False
        self.since_drafted = 0
        self._since_resumed = 0
        self._gap = _GAP
        self._probes = 0
        self._accepted = self._rejected = 0.0

    @property
    def for_no_gain(self) -> bool:
        """Whether nothing is drafted as no gain is expected."""
        return self.reason is not None and self.reason.reason == "no gain"

    @property
    def waits(self) -> bool:
        """Whether it is parked, and too early for a probe."""
        return self.for_no_gain and self.since_drafted < self._gap

    @property
    def rest(self) -> int:
        """Tokens until the next probe, while no gain is expected."""
        return max(self._gap - self.since_drafted, 0) if self.for_no_gain else 0

    def begin_probe(self) -> None:
        """This round is a probe."""
        self.probing = True
        self.forcing = (self._probes + 1) % _FORCED_PROBE == 0

    def no_probe(self) -> None:
        """This round is none, or no longer."""
        self.probing = self.forcing = False

    def passed(self, tokens: int, *, drafted: bool) -> None:
        """A round committed so many tokens, and a drafter worked in it or did not."""
        self.since_drafted = 0 if drafted else self.since_drafted + tokens
        self._since_resumed += tokens

    def probed(self) -> None:
        """A probe has been made."""
        self._probes += 1

    def learn(self, accepted: int, *, rejected: bool) -> None:
        """So many drafted tokens were accepted, and then one rejected or none."""
        kept = (1 - _FORGET) ** (accepted + rejected)
        self._accepted = (self._accepted + accepted) * kept
        self._rejected = (self._rejected + rejected) * kept

    def adjust_gap(self, *, paid: bool) -> None:
        """Probe more often after a probe that paid, and less often after one that did not."""
        self._gap = max(self._gap // 2, _GAP) if paid else min(self._gap * 2, _LONGEST_GAP)

    def park(self, reason: Literal["no gain", "losing"]) -> None:
        """Draft no more for the time being."""
        if self.reason is None and self._since_resumed > _LONGEST_GAP:
            self._gap = _GAP
        looked = self._accepted + self._rejected
        accepted = self._accepted / looked if looked >= _TELLING else None
        self.reason = Parked(reason, accepted, self._needed())

    def resume(self) -> None:
        """Draft again."""
        self.reason = None
        self._since_resumed = 0

"""Retries requests that fail for a passing reason."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from specdec_cli.hub.client import Hub
from specdec_cli.hub.failures import HubError
from specdec_cli.hub.remote import HubFile

ATTEMPTS = 5
"""Failures in a row, without progress between them, before giving up."""

LONGEST_WAIT = 60
"""Seconds. If the Hub asks for a longer pause, the request fails."""

Answer = TypeVar("Answer")


def _silent(_: str) -> None:
    pass


@dataclass(slots=True)
class RetryPolicy:
    """Counts failures about one file.

    Args:
        note: told in a sentence why it waits.
        pause: waits so many seconds.
        had: something of the file was here before.
    """

    hub: Hub
    file: HubFile
    note: Callable[[str], None] = _silent
    pause: Callable[[float], None] = time.sleep
    failures: int = 0
    has_gained: bool = False
    had: bool = False

    def ask(self, action: Callable[[], Answer]) -> Answer:
        """Do something, again while that may help.

        Raises:
            NetworkError, NotFoundError: it does not, or not any more.
        """
        while True:
            try:
                return action()
            except HubError as error:
                self.after(error)

    def after(self, error: HubError) -> None:
        """Wait before the next attempt.

        Raises:
            NetworkError, NotFoundError: there is none.
        """
        failure = error.failure
        self.failures += 1
        wait = failure.retry_after
        too_long = wait is not None and wait > LONGEST_WAIT
        # A name that does not resolve at first is wrong, or there is no network; later it may pass.
        passes = failure.passes or (failure.cause == "unresolved" and self.has_gained)
        if not passes or too_long or self.failures >= ATTEMPTS:
            raise self.hub.reported(error, self.file, kept=self.has_gained or self.had) from error
        if wait is not None:
            self.note(f"the Hub asks to wait {wait} s")
            self.pause(wait)
            return
        self.note(f"{self.hub.reported(error, self.file).message}; trying again")
        self.pause(0.5 * 2 ** (self.failures - 1))

    def gained(self) -> None:
        """Something was gained, so that earlier failures no longer count."""
        self.failures = 0
        self.has_gained = True

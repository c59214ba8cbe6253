"""The answer on its way to the screen."""

from __future__ import annotations

from collections.abc import Callable

from specdec_cli.core.events import Event
from specdec_cli.render.console import ColorChoice, Streams
from specdec_cli.render.view import ViewOptions, make_view


class AnswerView:
    """One answer, by the view that ``run`` has."""

    def __init__(
        self,
        streams: Streams,
        color: ColorChoice,
        *,
        markdown: bool,
        show_drafts: bool,
        fold_thinking: bool,
        footer: Callable[[], str] | None = None,
    ) -> None:
        options = ViewOptions(
            stats=False, show_drafts=show_drafts, color=color, quiet=footer is None
        )
        self._view = make_view(options, streams)

    def feed(self, event: Event) -> None:
        """Show one event of the engine."""
        self._view.observe(event)

    def close(self, *, cancelled: bool = False) -> None:
        """End the answer; the cursor is on a fresh line."""
        self._view.close()

"""Loads the pair in a background thread, which also does the slow imports."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from specdec_cli.chat.options import ChatOptions
from specdec_cli.errors import Cancelled

if TYPE_CHECKING:
    from specdec_cli.engine.decoder import Decoder
    from specdec_cli.engine.settings import AnswerSettings, Loading, PairSettings
    from specdec_cli.templates.template import ChatTemplate

Gather = Callable[[], ChatOptions]
"""Every option, those of the profile as well; raises what is wrong with them."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A pair that is ready, and all that goes with it."""

    options: ChatOptions
    settings: AnswerSettings
    decoder: Decoder
    template: ChatTemplate | None
    warnings: list[str]


class Loader:
    """One loading, from its options to a pair.

    Args:
        gather: run in the thread.
        colours: make ready what colours code as well, which the first block would wait for.

    Attributes:
        progress: by role, the file's name and the fraction that is there.
    """

    def __init__(self, gather: Gather, *, colours: bool = False) -> None:
        self._gather = gather
        self._colours = colours
        self._changed: Callable[[], None] = lambda: None
        self._over = threading.Event()
        self._given_up = False
        self._loaded: Loaded | None = None
        self._decoders: dict[PairSettings, Decoder] = {}
        self._thread: threading.Thread | None = None
        self.error: Exception | None = None
        self.progress: dict[str, tuple[str, float]] = {}

    def start(self) -> None:
        """Begin, if it has not begun."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="loading", daemon=True)
            self._thread.start()

    def when_changed(self, tell: Callable[[], None]) -> None:
        """Call this in the thread when there is progress, and at the end."""
        self._changed = tell

    @property
    def over(self) -> bool:
        """Whether it has ended, well or not."""
        return self._over.is_set()

    @property
    def loaded(self) -> Loaded | None:
        """The pair, once it is there."""
        return self._loaded

    def wait(self, asked: Callable[[], bool], tick: Callable[[], None]) -> Loaded:
        """Wait for the pair.

        Args:
            asked: whether the person wants to wait no longer; loading goes on.
            tick: called now and then.

        Raises:
            Cancelled: the person did not wait.
            Exception: whatever ended it.
        """
        self.start()
        while not self._over.wait(0.05):
            if asked():
                raise Cancelled
            tick()
        if self.error is not None:
            raise self.error
        assert self._loaded is not None
        return self._loaded

    def require_models(self) -> None:
        """Report a missing or bad model now, even where nothing asked for one.

        Raises:
            SpecdecError: a file is missing, not downloaded or damaged, or the two do not fit.
        """
        if self._thread is not None:
            return
        from specdec_cli.chat.wanted import wanted_pair
        from specdec_cli.gguf.check import validate
        from specdec_cli.gguf.compat import require_pair
        from specdec_cli.terminal import logs

        options = self._gather()
        logs.start(level=options.output.verbose, keep=options.own.history)
        settings = wanted_pair(options)
        target = validate(settings.target.path)
        require_pair(target, validate(settings.draft.path) if settings.draft else None)

    def decoder(self, settings: PairSettings) -> Decoder:
        """A decoder on the models that are loaded: the one that had these settings, or a new one.

        Raises:
            UsageError: the drafter needs a draft model, and none was given.
            BackendError: there is not enough memory for it.
        """
        from specdec_cli.engine.decoder import Decoder

        assert self._loaded is not None
        decoder = self._decoders.pop(settings, None)
        decoder = decoder or Decoder(self._loaded.decoder.models, settings)
        self._decoders[settings] = decoder  # last: what the last one in use learnt is kept last
        return decoder

    def close(self) -> None:
        """Give up, or free the models; what each decoder learnt is kept."""
        self._given_up = True
        if self._thread is not None:
            self._thread.join()
        if self._loaded is not None:
            for decoder in self._decoders.values():
                decoder.keep()
            self._loaded.decoder.models.close()
            self._decoders.clear()
            self._loaded = None

    def _run(self) -> None:
        try:
            self._loaded = self._load()
            self._decoders = {self._loaded.decoder.asked: self._loaded.decoder}
        except Exception as error:  # noqa: BLE001 - raised for whoever waits
            self.error = error
        finally:
            self._over.set()
            self._changed()
        if self._colours:
            from specdec_cli.chat.view.code import prepare

            prepare()

    def _load(self) -> Loaded:
        options = self._gather()
        from specdec_cli.chat.wanted import wanted_pair
        from specdec_cli.engine.decoder import Decoder
        from specdec_cli.options.settings import answer_settings
        from specdec_cli.run.action import warnings_of
        from specdec_cli.terminal import logs

        logs.start(level=options.output.verbose, keep=options.own.history)
        settings = answer_settings(options)
        decoder = Decoder.load(wanted_pair(options), self._observe)
        warnings: list[str] = []
        try:
            template = decoder.models.chat_template() or _by_marks(decoder, warnings)
        except Exception:
            decoder.close()
            raise
        warnings += warnings_of(decoder, options.profile, template)
        return Loaded(options, settings, decoder, template, warnings)

    def _observe(self, loading: Loading) -> bool:
        self.progress[loading.role] = (loading.path.name, loading.fraction)
        self._changed()
        return not self._given_up


def _by_marks(decoder: Decoder, warnings: list[str]) -> ChatTemplate | None:
    """The format that the target's vocabulary gives away, for a file without a template."""
    from specdec_cli.templates.format_marks import format_of
    from specdec_cli.templates.template import BuiltinTemplate

    name = format_of(decoder.models.vocab)
    if name is None:
        return None
    warnings.append(
        f"{decoder.settings.target.path.name} has no chat template; its vocabulary has the marks "
        f"of {name}, which is used. Another one: --chat-template NAME"
    )
    return BuiltinTemplate(name)

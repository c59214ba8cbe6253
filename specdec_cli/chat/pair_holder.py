"""The pair a conversation uses: waits for it, changes its settings, reloads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specdec_cli.chat.loading import Gather, Loaded, Loader
from specdec_cli.chat.messages import Messages
from specdec_cli.chat.options import ChatOptions
from specdec_cli.errors import Cancelled, SpecdecError
from specdec_cli.run.banner import banner
from specdec_cli.terminal import keys
from specdec_cli.terminal.console import Streams
from specdec_cli.terminal.signals import Interrupts
from specdec_cli.terminal.view import ViewOptions, make_view

if TYPE_CHECKING:
    from specdec_cli.chat.responder import Responder
    from specdec_cli.engine.decoder import Decoder


class PairHolder(Messages):
    """A pair with the current options.

    Args:
        options: those known before the pair; the loaded pair's replace them.
        gather: how to come to all of them.
    """

    def __init__(self, options: ChatOptions, gather: Gather, streams: Streams) -> None:
        super().__init__(options, streams)
        self.loader = Loader(gather, colours=streams.out_tty)
        self.responder: Responder | None = None
        self._started_with: ChatOptions | None = None
        self._described: Decoder | None = None

    @property
    def started_with(self) -> ChatOptions:
        """The options before anything was set."""
        return self._started_with or self.options

    @property
    def loaded(self) -> Loaded | None:
        """The pair in use, once it is there."""
        return self.responder.loaded if self.responder else self.loader.loaded

    @property
    def models(self) -> dict[str, str | None]:
        """The files of the pair by role, as far as they are known."""
        if self.loaded is None:
            return {"target": self.options.models.model, "draft": self.options.models.draft_model}
        settings = self.loaded.decoder.settings
        return {
            "target": str(settings.target.path),
            "draft": str(settings.draft.path) if settings.draft else None,
        }

    def ready(self) -> Responder:
        """The pair, waited for if need be.

        Raises:
            Cancelled: the person did not wait.
            Exception: it cannot be loaded.
        """
        if self.responder is None:
            view = make_view(ViewOptions(quiet=bool(self.options.output.quiet)), self.streams)

            def show() -> None:
                for role, (name, fraction) in dict(self.loader.progress).items():
                    view.loading(role, name, fraction)

            with keys.unseen() as restore, Interrupts(restore) as stop:
                try:
                    loaded = self.loader.wait(stop.asked, show)
                finally:
                    view.close()
            if self.responder is None:
                self._adopt(loaded)
        assert self.responder is not None
        for warning in self.responder.loaded.warnings:
            self.warn(warning)
        self.responder.loaded.warnings.clear()
        if self.options.output.verbose and self._described is not self.responder.loaded.decoder:
            self._described = self.responder.loaded.decoder
            self._tell_particulars(self.responder.loaded)
        return self.responder

    def _tell_particulars(self, loaded: Loaded) -> None:
        from specdec_cli.run.particulars import particulars

        for line in particulars(loaded.decoder, loaded.settings):
            self.note(line)

    def change(self, options: ChatOptions) -> None:
        """Use other options from now on; the pair is reloaded if they require it.

        Raises:
            UsageError: they contradict each other; the old ones stay.
            SpecdecError: the pair cannot be loaded so; the old one is loaded again.
        """
        responder = self.ready()
        from specdec_cli.chat.settings import adapted

        before = responder.loaded
        loaded = adapted(before, self.loader, options)
        if loaded is None:
            self.note("the pair is reloaded")
            loaded = self._reload(options, before)
        elif loaded.decoder is before.decoder:  # the caches hold what they held
            responder.loaded = loaded
            self.options = options
            return
        responder.use(loaded)
        self.options = loaded.options

    def _adopt(self, loaded: Loaded) -> None:
        from specdec_cli.chat.responder import Responder

        self.options = loaded.options
        self._started_with = self._started_with or loaded.options
        self.responder = Responder(loaded, self.note)
        self.note(banner(loaded.decoder.settings, loaded.options.profile))
        self._adopted()

    def _adopted(self) -> None:
        """Told when a pair has been loaded; its options are known now."""

    def _reload(self, options: ChatOptions, before: Loaded) -> Loaded:
        self.loader.close()
        self.loader = Loader(lambda: options)
        self.responder = None
        try:
            self.ready()
        except Exception as error:
            self.loader.close()
            self.loader = Loader(lambda: before.options)
            self.responder = None
            self.ready()
            if isinstance(error, Cancelled | SpecdecError):
                raise
            raise SpecdecError(f"the pair cannot be loaded so: {error}") from error
        assert self.loader.loaded is not None
        return self.loader.loaded

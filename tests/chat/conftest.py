"""A pair as ``chat`` loads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from specdec_cli.chat.loading import Loaded, Loader
from specdec_cli.chat.options import CHAT
from specdec_cli.options.resolve import resolve_named

Load = Callable[..., Loaded]


@pytest.fixture
def load() -> Iterator[Load]:
    """Loads the embedded pair with flags, as written on a command line."""
    loaders: list[Loader] = []

    def load(**flags: object) -> Loaded:
        given = {name.replace("_", "-"): value for name, value in flags.items()}
        loader = Loader(lambda: resolve_named(CHAT, None, given))
        loaders.append(loader)
        return loader.wait(lambda: False, lambda: None)

    yield load
    for loader in loaders:
        loader.close()

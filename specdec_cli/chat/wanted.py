"""The pair that a conversation's options ask for."""

from __future__ import annotations

from dataclasses import replace

from specdec_cli.chat.options import ChatOptions
from specdec_cli.engine.settings import PairSettings
from specdec_cli.options.settings import pair_settings


def wanted_pair(options: ChatOptions) -> PairSettings:
    """What to load; nothing of it is remembered where no trace may be left.

    Raises:
        SpecdecError: as ``pair_settings``.
    """
    return replace(pair_settings(options), remember=options.own.history)

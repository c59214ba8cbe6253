"""Where files live: what ships with the program, and what belongs to the person."""

from __future__ import annotations

from pathlib import Path

import platformdirs

_PACKAGE = Path(__file__).resolve().parent
_APP = "specdec"


def embedded() -> Path:
    """The folder of the models that ship with the program."""
    return _PACKAGE / "embedded"


def shipped_profiles() -> Path:
    """The folder of the profiles that ship with the program.

    An installed package has them inside; a source tree has them at its top.
    """
    inside = _PACKAGE / "profiles" / "shipped"
    return inside if inside.is_dir() else _PACKAGE.parent / "profiles"


def user_config() -> Path:
    """The person's own defaults; the file need not exist."""
    return Path(platformdirs.user_config_dir(_APP, appauthor=False)) / "config.yaml"


def user_profiles() -> Path:
    """The folder of the person's own profiles; it need not exist."""
    return Path(platformdirs.user_config_dir(_APP, appauthor=False)) / "profiles"


def tuned() -> Path:
    """The folder of what ``tune`` found for each profile; it need not exist."""
    return Path(platformdirs.user_config_dir(_APP, appauthor=False)) / "tuned"


def cost_cache() -> Path:
    """The folder of what was learnt of pairs on this machine; it need not exist."""
    return Path(platformdirs.user_cache_dir(_APP, appauthor=False)) / "learnt"


def conversations() -> Path:
    """The folder of conversations that ``chat`` keeps by itself; it need not exist."""
    return Path(platformdirs.user_state_dir(_APP, appauthor=False)) / "conversations"


def chat_history() -> Path:
    """What was typed into ``chat``, over all runs; neither file nor folder need exist."""
    return Path(platformdirs.user_state_dir(_APP, appauthor=False)) / "chat-history"


def log_file() -> Path:
    """Where llama.cpp's log goes; neither the file nor its folder need exist."""
    return Path(platformdirs.user_log_dir(_APP, appauthor=False)) / "llama.log"

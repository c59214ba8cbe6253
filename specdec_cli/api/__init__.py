"""What ``specdec_cli`` offers to programs, gathered from where it lives.

Modules may move and be renamed; these names stay.
"""

from __future__ import annotations

from specdec_cli.api.loaded import LoadedPair, load
from specdec_cli.api.options import AnswerOptions, LoadOptions
from specdec_cli.core.events import (
    Baseline,
    Event,
    Finished,
    Parked,
    PromptDone,
    PromptProgress,
    Resumed,
    Round,
    Text,
)
from specdec_cli.core.stats import RunStats
from specdec_cli.engine.settings import Loading
from specdec_cli.errors import Cancelled, SpecdecError
from specdec_cli.run.answer import Result as Answer
from specdec_cli.templates.message import Message

__all__ = [
    "Answer",
    "AnswerOptions",
    "Baseline",
    "Cancelled",
    "Event",
    "Finished",
    "LoadOptions",
    "LoadedPair",
    "Loading",
    "Message",
    "Parked",
    "PromptDone",
    "PromptProgress",
    "Resumed",
    "Round",
    "RunStats",
    "SpecdecError",
    "Text",
    "load",
]

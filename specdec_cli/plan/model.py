"""A model that is planned for."""

from __future__ import annotations

from dataclasses import dataclass

from specdec_cli.gguf.values import Header
from specdec_cli.profiles.model_ref import ModelRef


@dataclass(frozen=True, slots=True)
class Model:
    """One model to plan for.

    Args:
        header: with the tensors of all parts.
        fetched: bytes that reading the header took.
    """

    ref: ModelRef
    header: Header
    fetched: int

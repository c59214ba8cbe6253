"""Everything one answer needs, put together; the loop in ``loop.py`` drives it."""

from __future__ import annotations

from dataclasses import dataclass, field

from specdec_cli.core.draft_length.costs import CostModel
from specdec_cli.core.draft_length.policy import DraftLengthPolicy
from specdec_cli.drafters.base import Drafter
from specdec_cli.engine.interruptions import Meter, NoMeter
from specdec_cli.engine.verifier import Verifier
from specdec_cli.models.base import Vocabulary
from specdec_cli.models.cached import CachedModel


@dataclass(frozen=True, slots=True)
class Session:
    """A target, its drafter, the policy of draft lengths, and the verifier.

    Args:
        reuse: start from what the cache shares with the prompt. Without it every prompt is read
            whole, in batches that depend on nothing but the prompt (``--exact``).
        costs: what passes cost, as the length measures them; plain decoding is compared by it.
        meter: says which rounds were interrupted.
    """

    target: CachedModel
    vocab: Vocabulary
    drafter: Drafter
    length: DraftLengthPolicy
    verifier: Verifier
    reuse: bool = True
    costs: CostModel = field(default_factory=lambda: CostModel(1))
    meter: Meter = field(default_factory=NoMeter)

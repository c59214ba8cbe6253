"""What was learnt about a pair on this machine, kept from one run to the next.

Costs of passes and steps relative to a plain pass, and how often confidences come true; nothing of
any text. The file only saves a start the learning: a bad one is ignored. Each start checks the
costs with a few passes, and nothing is kept from a time when other programs had the processors.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from specdec_cli import atomic, paths
from specdec_cli.core.draft_length.adaptive import AdaptiveLength
from specdec_cli.drafters.ngram import NgramDrafter
from specdec_cli.engine import fingerprint
from specdec_cli.engine.settings import ModelChoice, PairSettings
from specdec_cli.models.settings import ContextSettings

_VERSION = 2
_LARGEST = 1 << 20  # bytes; a file of ours has a few thousand


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A file that was removed: of which models it told, empty where it did not say."""

    target: str
    draft: str


def forget(target: Path | None = None) -> list[Forgotten]:
    """Remove what was learnt, of all pairs with a target or of all there are.

    Raises:
        OSError: a file cannot be removed.
    """
    gone = []
    for file in sorted(paths.cost_cache().glob("*.json")):
        of_target, of_draft = _models_of(file)
        if target is None or of_target == str(target.resolve()):
            file.unlink(missing_ok=True)
            gone.append(Forgotten(of_target, of_draft))
    return gone


def _models_of(file: Path) -> tuple[str, str]:
    try:
        about = _read(file)["about"]
        draft = about["draft"]
        return str(about["target"]["path"]), str(draft["path"]) if draft else ""
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "", ""


def _read(file: Path) -> Any:
    with file.open("rb") as opened:
        text = opened.read(_LARGEST + 1)
    if len(text) > _LARGEST:
        raise ValueError("too large to be ours")
    return json.loads(text)


class CostCache:
    """The file of one pair, on one machine, with one layout.

    Args:
        drafter: the name of the one that was chosen.
        layout: of the target's context.
        rows: the most rows of a pass.
    """

    def __init__(
        self, settings: PairSettings, drafter: str, layout: ContextSettings, rows: int
    ) -> None:
        self._about = _about(settings, drafter, layout, rows)
        text = json.dumps(self._about, sort_keys=True)
        self._path = paths.cost_cache() / f"{sha256(text.encode()).hexdigest()[:24]}.json"

    def load(self, length: AdaptiveLength, ngrams: NgramDrafter | None = None) -> bool:
        """Give a controller and a drafter what was learnt; tell whether there was anything.

        Either both are given all of it or neither anything. What a plain pass costs must have been
        measured, as what is kept of costs is relative to it.
        """
        try:
            found = _read(self._path)
            if found["v"] != _VERSION or found["about"] != self._about:
                return False
            learnt = found["learnt"]
            if ngrams is not None:
                NgramDrafter().restore(found["ngrams"])  # whether it can be
            length.restore(learnt)
            if ngrams is not None:
                ngrams.restore(found["ngrams"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return False
        return True

    def save(self, length: AdaptiveLength, ngrams: NgramDrafter | None = None) -> None:
        """Keep what was learnt, if there is room for it anywhere."""
        known = length.as_dict()
        learnt = {
            "v": _VERSION,
            "about": self._about,
            "taken": {"passes": length.costs.passes, "interrupted": length.costs.interrupted},
            "learnt": known,
            "ngrams": ngrams.as_dict() if ngrams is not None else None,
        }
        text = json.dumps(learnt)
        with contextlib.suppress(OSError):
            atomic.write_text(self._path, text)


def _about(
    settings: PairSettings, drafter: str, layout: ContextSettings, rows: int
) -> dict[str, Any]:
    """Everything that costs depend on: the files, the build, the machine, the layout."""
    return {
        "target": _model(settings.target, layout.threads),
        "draft": _model(settings.draft, layout.threads) if settings.draft else None,
        **fingerprint.build(),
        "machine": fingerprint.machine(),
        # Attention over a longer cache costs more: contexts within a factor of two are alike.
        "context": layout.n_ctx.bit_length(),
        "flash_attention": layout.flash_attention,
        "cache": [layout.cache_type_k, layout.cache_type_v],
        "pad": layout.pad,
        "kernels": settings.kernels,
        "rows": rows,
        "drafter": drafter,
    }


def _model(choice: ModelChoice, threads: int) -> Mapping[str, Any]:
    return {**fingerprint.model(choice), "threads": choice.threads or threads}

"""vLLM: the original weights, and a draft of fixed length."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from specdec_cli.export import notes, sampling
from specdec_cli.export.served import Exported, Served

_RULES = {"rejection": "standard", "block": "block"}
_LOOKUP = {"prompt_lookup_max": 4, "prompt_lookup_min": 2}


def vllm(served: Served) -> Exported:
    """The command that serves this pair."""
    return Exported(
        ("vllm", "serve", served.base),
        tuple(_options(served)),
        tuple(
            notes.of_original_weights(served, "vLLM", "--pipeline-parallel-size", _notes(served))
        ),
        "model",
    )


def _options(served: Served) -> Iterator[tuple[str, str]]:
    if served.n_ctx:
        yield "--max-model-len", str(served.n_ctx)
    drafting = _drafting(served)
    if drafting:
        yield "--speculative-config", json.dumps(drafting)
    devices = served.target.load.devices or served.target.load.tensor_split
    if len(devices) > 1:
        yield "--tensor-parallel-size", str(len(devices))
    if defaults := sampling.defaults(served):
        yield "--override-generation-config", json.dumps(defaults)
    if served.template:
        yield "--chat-template", served.template
    if served.template_variables:
        yield "--default-chat-template-kwargs", served.template_variables


def _drafting(served: Served) -> dict[str, Any]:
    if served.plainly:
        return {}
    found: dict[str, Any] = {"num_speculative_tokens": served.length}
    if served.drafts:
        found = {"method": "draft_model", "model": served.draft_base, **found}
        if served.verify in _RULES:
            found["rejection_sample_method"] = _RULES[served.verify]
        return found
    if served.has_head:
        return {"method": "mtp", **found}
    return {"method": "ngram", **found, **_LOOKUP}


def _notes(served: Served) -> Iterator[str]:
    if served.verify == "match" and served.steps:
        yield "--verify match has no equivalent: drafts are verified by rejection sampling"

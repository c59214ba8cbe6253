"""SGLang: the original weights, and a chain of drafted tokens of fixed length."""

from __future__ import annotations

import json
from collections.abc import Iterator

from specdec_cli.export import notes, sampling
from specdec_cli.export.served import Exported, Served


def sglang(served: Served) -> Exported:
    """The command that serves this pair."""
    return Exported(
        ("python", "-m", "sglang.launch_server", "--model-path", served.base),
        tuple(_options(served)),
        tuple(notes.of_original_weights(served, "SGLang", "--nnodes", _notes(served))),
        "model-path",
    )


def _options(served: Served) -> Iterator[tuple[str, str]]:
    if served.n_ctx:
        yield "--context-length", str(served.n_ctx)
    if served.steps:
        yield "--speculative-algorithm", "EAGLE" if served.has_head else "STANDALONE"
        if served.drafts:
            yield "--speculative-draft-model-path", served.draft_base
        yield "--speculative-num-steps", str(served.length)
        yield "--speculative-eagle-topk", "1"
        # The token that is checked along with its drafts counts too.
        yield "--speculative-num-draft-tokens", str(served.length + 1)
    elif served.looks_up:
        yield "--speculative-algorithm", "NGRAM"
        yield "--speculative-num-draft-tokens", str(served.length + 1)
    devices = served.target.load.devices or served.target.load.tensor_split
    if len(devices) > 1:
        yield "--tp-size", str(len(devices))
    if defaults := sampling.defaults(served):
        yield "--preferred-sampling-params", json.dumps(defaults)
    if served.template:
        yield "--chat-template", served.template


def _notes(served: Served) -> Iterator[str]:
    if served.looks_up and not served.steps:
        yield "n-grams need a CUDA device there"
    if served.verify != "auto" and served.steps:
        yield f"--verify {served.verify} has no equivalent"
    if served.template_variables:
        yield "--chat-template-kwargs has no equivalent; send chat_template_kwargs with requests"

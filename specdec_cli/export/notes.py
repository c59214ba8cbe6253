"""Sentences about what gets lost on the way to any server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from specdec_cli.export import sampling
from specdec_cli.export.served import Served


def of_original_weights(
    served: Served, engine: str, spread: str, own: Iterable[str]
) -> Iterator[str]:
    """All there is to say of a server that loads original weights.

    Args:
        spread: its option that takes the place of ``--rpc``.
        own: what is to be said of this one alone.
    """
    yield (
        f"{engine} loads the original weights, which need far more memory than a quantized GGUF; "
        "--quantization makes them smaller"
    )
    yield from of_lengths(served, p_min=False)
    if served.looks_up and served.steps:
        yield "n-grams beside other drafts have no equivalent"
    yield from own
    yield from _of_cache(served)
    if lost := sampling.lost(served):
        yield f"no equivalent: {lost}"
    load = served.target.load
    if load.servers:
        yield f"--rpc has no equivalent; {engine} spreads a model with {spread}"
    if load.gpu_layers not in ("auto", -1) or load.devices == ():
        yield "layers in main memory have no equivalent, see --cpu-offload-gb"
    yield from served.left_out


def of_lengths(served: Served, *, p_min: bool) -> Iterator[str]:
    """What becomes of draft lengths.

    Args:
        p_min: the server stops a draft at an unsure token.
    """
    if not served.drafter.drafts:
        yield "nothing drafts in these settings, so the server decodes plainly"
        return
    if served.plainly:
        yield f"--drafter {served.drafter.name} has no equivalent, so the server decodes plainly"
        return
    if served.adaptive:
        yield (
            f"draft lengths that follow the text have no equivalent: every draft has "
            f"{served.length} tokens, {served.length_from}"
        )
    if served.steps and not p_min and served.draft_p_min:
        yield f"--draft-p-min {served.draft_p_min:g} has no equivalent"
    if not p_min and served.draft_min:
        yield f"--draft-min {served.draft_min} has no equivalent"


def _of_cache(served: Served) -> Iterator[str]:
    """What becomes of the cache's types, where a server has others."""
    context = served.context
    types = {context.cache_type_k, context.cache_type_v}
    if types - {"auto", "f16", "bf16"}:
        yield f"a cache in {' and '.join(sorted(types))} has no equivalent, see --kv-cache-dtype"

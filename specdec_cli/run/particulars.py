"""What ``-v`` tells of a loaded pair: models, memory, drafting, sampling, and how long it took."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from specdec_cli.engine.decoder import Decoder
from specdec_cli.engine.settings import AnswerSettings
from specdec_cli.gguf.header import Header
from specdec_cli.terminal.sizes import size


def particulars(decoder: Decoder, answer: AnswerSettings) -> Iterator[str]:
    """A line on each."""
    yield f"target: {_model(decoder.settings.target.path, decoder.models.target_header)}"
    draft = decoder.settings.draft
    if draft and decoder.models.draft_header:
        yield f"draft: {_model(draft.path, decoder.models.draft_header)}"
    yield _memory(decoder)
    yield _drafting(decoder, answer)
    yield _sampling(answer)
    plain = decoder.costs.seconds(1)
    passes = f", a pass over one token takes {1e3 * plain:.1f} ms" if plain else ""
    yield f"loaded in {decoder.models.load_seconds:.2f} s{passes}"


def _model(path: Path, header: Header) -> str:
    count = header.parameter_count
    parts = [
        header.architecture,
        f"{count / 1e6:,.0f} M parameters" if count else "",
        size(path.stat().st_size),
        f"{header.n_vocab:,} tokens",
        f"trained for a context of {header.context_length:,}" if header.context_length else "",
    ]
    return f"{path} ({', '.join(filter(None, parts))})"


def _memory(decoder: Decoder) -> str:
    plan = decoder.models.plan
    placed = plan.choice.placement
    shares = [placed.target, *([placed.draft] if placed.draft else [])]
    needs = [
        f"{size(needed)} in {store.name}"
        for i, store in enumerate(plan.machine.stores)
        if (needed := sum(each.shares[i].total for each in shares))
    ]
    layout = decoder.settings.context
    types = {layout.cache_type_k, layout.cache_type_v} - {"auto"}
    caches = f", caches {' and '.join(sorted(types))}" if types else ""
    return (
        f"memory: a context of {decoder.models.n_ctx:,} tokens{caches}; {', '.join(needs)}; "
        f"{plan.choice.layers[0]} of "
        f"{plan.target.n_layers} layers of the target on GPUs"
    )


def _drafting(decoder: Decoder, answer: AnswerSettings) -> str:
    settings = decoder.settings
    drafted = f"drafting: {decoder.spec.help}"
    if not decoder.spec.drafts:
        return drafted
    how = "as many as pay" if decoder.length is not None else "always as many as that"
    return (
        f"{drafted}, {settings.draft_min} to {settings.draft_max} tokens a round, {how}; "
        f"verified by the rule {decoder.rule(answer)}"
    )


def _sampling(answer: AnswerSettings) -> str:
    sampling = answer.sampling
    if sampling.temperature == 0:
        return "sampling: temperature 0, the most likely token"
    return (
        f"sampling: temperature {sampling.temperature:g}, top-k {sampling.top_k}, top-p "
        f"{sampling.top_p:g}, min-p {sampling.min_p:g}, seed {answer.seed}"
    )

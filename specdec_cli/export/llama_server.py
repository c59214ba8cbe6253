"""llama.cpp's ``llama-server``: the same files, and most of the same options."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from specdec_cli.engine.llama_flags import device_flags
from specdec_cli.export import notes
from specdec_cli.export.served import Exported, Served


def llama_server(served: Served) -> Exported:
    """The command that serves this pair."""
    return Exported(("llama-server",), tuple(_options(served)), tuple(_notes(served)))


def _options(served: Served) -> Iterator[tuple[str, str]]:
    draft = served.draft if served.steps else None
    yield "-m", str(served.target.path)
    if draft:
        yield "-md", str(draft.path)
    yield from _drafting(served)
    yield from device_flags(served.target, draft).items()
    yield "-c", str(served.n_ctx)
    if served.target.threads:
        yield "-t", str(served.target.threads)
    if draft and draft.threads:
        yield "-td", str(draft.threads)
    yield from _layout(served)
    for name, value in served.sampling.items():
        yield f"--{name}", f"{value:g}"  # these options have llama.cpp's names
    if served.predict is not None:
        yield "-n", str(served.predict)
    yield from _template(served)


def _layout(served: Served) -> Iterator[tuple[str, str]]:
    context = served.context
    if served.batches:
        yield "-b", str(context.n_batch)
        yield "-ub", str(context.n_ubatch)
    if context.flash_attention != "auto":
        yield "-fa", context.flash_attention
    for option, kind in (("-ctk", context.cache_type_k), ("-ctv", context.cache_type_v)):
        if kind not in ("auto", "f16"):
            yield option, kind
            if served.steps:
                yield f"{option}d", kind


def _template(served: Served) -> Iterator[tuple[str, str]]:
    if served.template:
        named = not Path(served.template).is_file()
        yield "--chat-template" if named else "--chat-template-file", served.template
    if served.template_variables:
        yield "--chat-template-kwargs", served.template_variables


def _drafting(served: Served) -> Iterator[tuple[str, str]]:
    if served.steps:
        yield "--spec-type", "draft-mtp" if served.has_head else "draft-simple"
        yield "--spec-draft-n-max", str(served.length)
        if served.draft_min:
            yield "--spec-draft-n-min", str(served.draft_min)
        if served.draft_p_min:
            yield "--spec-draft-p-min", f"{served.draft_p_min:g}"
    elif served.looks_up:
        yield "--spec-type", "ngram-simple"
        yield "--spec-ngram-simple-size-m", str(served.length)


def _notes(served: Served) -> Iterator[str]:
    yield from notes.of_lengths(served, p_min=True)
    kind = "draft-mtp" if served.has_head else "draft-simple"
    if served.looks_up and served.steps:
        yield (
            "choosing between n-grams and the model's drafts by what they gain has no equivalent; "
            f"--spec-type ngram-simple,{kind} tries both"
        )
    elif served.looks_up:
        yield "n-grams are matched otherwise: --spec-ngram-simple-size-n tokens, not the longest"
    if served.verify in ("rejection", "block") and served.steps:
        yield f"--verify {served.verify} has no equivalent: a draft is kept where sampling meets it"
    load = served.draft.load if served.steps and served.draft else None
    if load and load.stays_local and load.devices is None:
        yield "name this machine's GPUs with -devd, or the draft model goes to --rpc too"
    yield from served.left_out

"""From resolved options to the engine's settings, refusing what cannot be."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path

from specdec_cli.core.limits import DRAFT_MAX, DRAFT_MAX_FIXED, SPARE_ROWS
from specdec_cli.core.sampling import WHOLE_CONTEXT, Sampling
from specdec_cli.drafters import registry
from specdec_cli.drafters.registry import DrafterSpec, Need
from specdec_cli.engine.settings import AnswerSettings, ModelChoice, PairSettings, in_files
from specdec_cli.errors import NotFoundError, UsageError
from specdec_cli.gguf.header import read_header
from specdec_cli.memory.plan import default_context
from specdec_cli.models.settings import ContextSettings
from specdec_cli.options.chat_template import chat_template
from specdec_cli.options.loading import loads
from specdec_cli.options.table import AnswerOptions, DraftingOptions, HardwareOptions, Options
from specdec_cli.profiles.local import local_file
from specdec_cli.reading import RULES, read_file
from specdec_cli.terminal.utf8 import decode


def pair_settings(options: Options) -> PairSettings:
    """What to load.

    Raises:
        UsageError: options that contradict each other.
        NotFoundError, DamagedFileError: the target is missing or not a sound GGUF.
    """
    refuse_contradictions(options)
    models, drafting, hardware = options.models, options.drafting, options.hardware
    assert models.model is not None  # without one of their own, people have that of a profile
    target = local_file(models.model)
    drafts = registry.may_draft(drafting.drafter)
    draft = local_file(models.draft_model) if models.draft_model and drafts else None
    load, load_draft = loads(hardware)
    return PairSettings(
        target=ModelChoice(target, load, hardware.threads),
        draft=ModelChoice(draft, load_draft, hardware.threads_draft) if draft else None,
        n_ctx=_context(hardware.ctx_size, target),
        shrinks=hardware.ctx_size is None,
        context=context_settings(hardware),
        drafter=drafting.drafter,
        draft_min=drafting.draft_min,
        draft_max=most_drafted(drafting),
        draft_p_min=_draft_p_min(options),
        exact=drafting.exact,
        kernels=hardware.kernels,
        **chat_template(models),
        adaptive=drafting.adaptive,
        proven=options.origins.get("draft-model") == "profile",
        keeps_schema=options.answer.json_schema is not None,
    )


def context_settings(hardware: HardwareOptions) -> ContextSettings:
    """How contexts are laid out, but for their length."""
    return ContextSettings(
        n_ctx=0,
        n_batch=hardware.batch_size,
        n_ubatch=hardware.ubatch_size,
        threads_batch=hardware.threads,
        flash_attention=hardware.flash_attn,
        cache_type_k=hardware.cache_type_k,
        cache_type_v=hardware.cache_type_v,
    )


def answer_settings(options: Options) -> AnswerSettings:
    """How answers are drawn. Without a seed a new one is taken where it matters.

    Raises:
        UsageError: a value out of range, or a grammar or schema that is not valid.
        NotFoundError: a grammar's or schema's file is missing.
    """
    given = options.sampling
    try:
        sampling = Sampling(
            temperature=given.temp,
            top_k=given.top_k,
            top_p=given.top_p,
            min_p=given.min_p,
            typical_p=given.typical,
            repeat_penalty=given.repeat_penalty,
            repeat_last_n=_window(given.repeat_last_n),
            presence_penalty=given.presence_penalty,
            frequency_penalty=given.frequency_penalty,
            dry_multiplier=given.dry_multiplier,
            dry_base=given.dry_base,
            dry_allowed_length=given.dry_allowed_length,
            dry_last_n=_window(given.dry_penalty_last_n),
            logit_bias=dict(given.logit_bias),
            **_constraint(options.answer),
            ignore_end=options.answer.ignore_eos,
        )
    except ValueError as error:
        raise UsageError(str(error), "see: specdec run --help") from error
    seed = _new_seed(sampling) if given.seed is None else given.seed
    repeatable = given.seed is not None
    expect = _expected(options.drafting)
    return AnswerSettings(sampling, options.drafting.verify, seed, repeatable, expect)


def _window(tokens: int) -> int:
    """How far penalties look back, of which -1 is all."""
    return WHOLE_CONTEXT if tokens < 0 else tokens


def _new_seed(sampling: Sampling) -> int:
    return secrets.randbelow(1 << 32) if sampling.temperature > 0 else 1


def with_seed(settings: AnswerSettings, seed: int | None) -> AnswerSettings:
    """The same settings for another answer: with this seed, or a new one if none was ever given."""
    if seed is not None:
        return replace(settings, seed=seed, repeatable=True)
    return settings if settings.repeatable else replace(settings, seed=_new_seed(settings.sampling))


def refuse_contradictions(options: Options) -> None:
    """Refuse options that cannot be meant together.

    Raises:
        UsageError: there are some.
    """
    drafting, hardware = options.drafting, options.hardware
    low, high = drafting.draft_min, most_drafted(drafting)
    if low > high:
        raise UsageError(
            f"--draft-min {low} is more than --draft-max {high}",
            f"use --draft-max {low}, or a smaller --draft-min",
        )
    drafts = high > 0 and registry.may_draft(drafting.drafter)
    if drafts and high + SPARE_ROWS > hardware.batch_size:
        raise UsageError(
            f"a draft of {high} tokens does not fit into a batch of {hardware.batch_size}",
            f"use -b {high + SPARE_ROWS} or more, or a smaller --draft-max",
        )
    if drafting.exact and options.sampling.temp > 0 and drafting.verify in ("rejection", "block"):
        raise UsageError(
            f"--exact promises the same answer whatever drafts, --verify {drafting.verify} only "
            "the same distribution",
            "leave one of them out; --verify match keeps the promise",
        )
    quantized = hardware.cache_type_v not in ("auto", "f32", "f16", "bf16")
    if hardware.flash_attn == "off" and quantized:
        raise UsageError(
            f"-ctv {hardware.cache_type_v} needs flash attention", "use -fa on, or -ctv f16"
        )
    if drafting.exact:
        if hardware.flash_attn == "off":
            raise UsageError("--exact needs flash attention", "leave -fa off out")
        if hardware.kernels == "fast":
            raise UsageError(
                "--exact promises the same bits, which --kernels fast gives up",
                "leave one of them out",
            )


def drafter_of(options: Options, *, head: bool | None = None) -> DrafterSpec:
    """The drafter that is meant, by the names of what there is.

    Args:
        head: whether what drafts is a head, of the target's file or of its own. If that is not
            known, the files say so that are here.

    Raises:
        UsageError: it needs something that is not named.
    """
    target, draft = options.models.model, options.models.draft_model
    if head:
        there = frozenset({Need.HEAD})
    elif head is None:
        there = in_files(_place(target or ""), _place(draft) if draft else None)
    else:
        there = frozenset({Need.DRAFT_MODEL} if draft else ())
    return registry.resolve(options.drafting.drafter, there)


def _place(name: str) -> Path:
    """Where a model lies; one that was not downloaded lies nowhere, which asks for no file."""
    try:
        return local_file(name)
    except NotFoundError:
        return Path(name)


def most_drafted(drafting: DraftingOptions) -> int:
    """The most tokens of a draft."""
    if drafting.draft_max is not None:
        return drafting.draft_max
    return max(DRAFT_MAX if drafting.adaptive else DRAFT_MAX_FIXED, drafting.draft_min)


def _draft_p_min(options: Options) -> float:
    """A controller knows better than a profile where to stop, but not than the person."""
    drafting = options.drafting
    ignored = drafting.adaptive and options.origins.get("draft-p-min") == "profile"
    return 0.0 if ignored else drafting.draft_p_min


def _expected(drafting: DraftingOptions) -> str:
    name = drafting.expect
    if name is None:
        return ""
    if not registry.may_need(drafting.drafter, Need.HISTORY):
        able = registry.in_words(registry.needing(Need.HISTORY))
        raise UsageError(
            f"--expect is of no use to --drafter {drafting.drafter}",
            f"use --drafter {able}, or leave --drafter out",
        )
    return decode(read_file(name), name)


def _context(wanted: int | None, target: Path) -> int:
    """Tokens of context: large trained contexts would fill the memory with cache unasked."""
    if wanted is not None:
        return wanted
    return default_context(read_header(target))


def _constraint(answer: AnswerOptions) -> dict[str, str]:
    """What answers are kept to, by its field in ``Sampling``."""
    texts = {
        "grammar": answer.grammar,
        "grammar-file": answer.grammar_file,
        "json-schema": answer.json_schema,
    }
    given = [(name, text) for name, text in texts.items() if text is not None]
    if len(given) > 1:
        names = [f"--{name}" for name, _ in given]
        raise UsageError(f"{names[0]} and {names[1]} exclude each other", "give one of them")
    if not given:
        return {}
    name, text = given[0]
    if answer.ignore_eos:
        raise UsageError(
            f"--ignore-eos leaves no token where --{name} lets the answer end only",
            "leave one of them out",
        )
    if name == "json-schema":
        return {"json_schema": _schema(text)}
    if name == "grammar-file":
        text = decode(read_file(text, RULES), text)
    if not text.strip():
        raise UsageError(
            f"--{name} is empty", 'give a grammar: --grammar \'root ::= "yes" | "no"\''
        )
    return {"grammar": text}


def _schema(given: str) -> str:
    from specdec_cli.models.constraint.schema import prepare as prepare_schema

    inline = given.strip()
    if not inline:
        raise UsageError("--json-schema is empty", "give a file's path, or the schema itself")
    if inline.startswith(("{", "[")) or inline in ("true", "false"):
        return prepare_schema(inline)
    try:
        text = decode(read_file(given, RULES), given)
    except NotFoundError as error:
        raise NotFoundError(error.message, "give a file's path, or the schema itself") from None
    return prepare_schema(text)

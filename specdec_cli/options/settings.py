"""From resolved options to the engine's settings, refusing what cannot be."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from specdec_cli.core.limits import SPARE_ROWS
from specdec_cli.core.sampling import WHOLE_CONTEXT, Sampling
from specdec_cli.drafters import registry
from specdec_cli.drafters.registry import Need
from specdec_cli.engine.settings import AnswerSettings, ModelChoice, PairSettings
from specdec_cli.errors import NotFoundError, UsageError
from specdec_cli.gguf.header import read_header
from specdec_cli.memory.plan import default_context
from specdec_cli.models.settings import ContextSettings
from specdec_cli.options.chat_template import chat_template
from specdec_cli.options.loading import loads
from specdec_cli.options.local import local_file
from specdec_cli.options.prompt import read_file
from specdec_cli.reading import RULES
from specdec_cli.terminal.utf8 import decode

_DRAFT_MAX = {True: 16, False: 3}  # by whether lengths are adaptive


def pair_settings(options: Mapping[str, Any]) -> PairSettings:
    """What to load.

    Raises:
        UsageError: options that contradict each other.
        NotFoundError, DamagedFileError: the target is missing or not a sound GGUF.
    """
    refuse_contradictions(options)
    target = local_file(options["model"])
    drafts = options["draft-model"] and registry.may_draft(options["drafter"])
    draft = local_file(options["draft-model"]) if drafts else None
    load, load_draft = loads(options)
    return PairSettings(
        target=ModelChoice(target, load, options["threads"]),
        draft=ModelChoice(draft, load_draft, options["threads-draft"]) if draft else None,
        n_ctx=_context(options["ctx-size"], target),
        shrinks=options["ctx-size"] is None,
        context=context_settings(options),
        drafter=drafter_of(options),
        draft_min=options["draft-min"],
        draft_max=most_drafted(options),
        draft_p_min=_draft_p_min(options),
        exact=options["exact"],
        kernels=options["kernels"],
        **chat_template(options),
        adaptive=options["adaptive"],
        proven=_is_of_profile(options, "draft-model"),
        keeps_schema=options.get("json-schema") is not None,
    )


def context_settings(options: Mapping[str, Any]) -> ContextSettings:
    """How contexts are laid out, but for their length."""
    return ContextSettings(
        n_ctx=0,
        n_batch=options["batch-size"],
        n_ubatch=options["ubatch-size"],
        threads_batch=options["threads"],
        flash_attention=options["flash-attn"],
        cache_type_k=options["cache-type-k"],
        cache_type_v=options["cache-type-v"],
    )


def answer_settings(options: Mapping[str, Any]) -> AnswerSettings:
    """How answers are drawn. Without a seed a new one is taken where it matters.

    Raises:
        UsageError: a value out of range, or a grammar or schema that is not valid.
        NotFoundError: a grammar's or schema's file is missing.
    """
    try:
        sampling = Sampling(
            temperature=options["temp"],
            top_k=options["top-k"],
            top_p=options["top-p"],
            min_p=options["min-p"],
            typical_p=options["typical"],
            repeat_penalty=options["repeat-penalty"],
            repeat_last_n=_window(options["repeat-last-n"]),
            presence_penalty=options["presence-penalty"],
            frequency_penalty=options["frequency-penalty"],
            dry_multiplier=options["dry-multiplier"],
            dry_base=options["dry-base"],
            dry_allowed_length=options["dry-allowed-length"],
            dry_last_n=_window(options["dry-penalty-last-n"]),
            logit_bias=dict(options["logit-bias"]),
            **_constraint(options),
            ignore_end=options["ignore-eos"],
        )
    except ValueError as error:
        raise UsageError(str(error), "see: specdec run --help") from error
    seed = options["seed"]
    if seed is None:
        seed = _new_seed(sampling)
    repeatable = options["seed"] is not None
    return AnswerSettings(sampling, options["verify"], seed, repeatable, _expected(options))


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


def refuse_contradictions(options: Mapping[str, Any]) -> None:
    """Refuse options that cannot be meant together.

    Raises:
        UsageError: there are some.
    """
    low, high = options["draft-min"], most_drafted(options)
    if low > high:
        raise UsageError(
            f"--draft-min {low} is more than --draft-max {high}",
            f"use --draft-max {low}, or a smaller --draft-min",
        )
    drafts = high > 0 and registry.may_draft(options["drafter"])
    if drafts and high + SPARE_ROWS > options["batch-size"]:
        raise UsageError(
            f"a draft of {high} tokens does not fit into a batch of {options['batch-size']}",
            f"use -b {high + SPARE_ROWS} or more, or a smaller --draft-max",
        )
    verify = options.get("verify")
    if options["exact"] and options["temp"] > 0 and verify in ("rejection", "block"):
        raise UsageError(
            f"--exact promises the same answer whatever drafts, --verify {verify} only "
            "the same distribution",
            "leave one of them out; --verify match keeps the promise",
        )
    quantized = options["cache-type-v"] not in ("auto", "f32", "f16", "bf16")
    if options["flash-attn"] == "off" and quantized:
        raise UsageError(
            f"-ctv {options['cache-type-v']} needs flash attention", "use -fa on, or -ctv f16"
        )
    if options["exact"]:
        if options["flash-attn"] == "off":
            raise UsageError("--exact needs flash attention", "leave -fa off out")
        if options["kernels"] == "fast":
            raise UsageError(
                "--exact promises the same bits, which --kernels fast gives up",
                "leave one of them out",
            )


def drafter_of(options: Mapping[str, Any]) -> str:
    """The choice of a drafter, made for a target that is alone: it may repeat itself."""
    choice: str = options["drafter"]
    if choice != registry.AUTO or options["draft-model"]:
        return choice
    return registry.automatic(draft_model=False, history=True).name


def most_drafted(options: Mapping[str, Any]) -> int:
    """The most tokens of a draft."""
    given: int | None = options["draft-max"]
    return max(_DRAFT_MAX[options["adaptive"]], options["draft-min"]) if given is None else given


def _draft_p_min(options: Mapping[str, Any]) -> float:
    """A controller knows better than a profile where to stop, but not than the person."""
    given: float = options["draft-p-min"]
    return 0.0 if options["adaptive"] and _is_of_profile(options, "draft-p-min") else given


def _is_of_profile(options: Mapping[str, Any], name: str) -> bool:
    """Whether a profile set this, and no person did."""
    return getattr(options, "origins", {}).get(name) == "profile"


def _expected(options: Mapping[str, Any]) -> str:
    name = options["expect"]
    if name is None:
        return ""
    if not registry.may_need(options["drafter"], Need.HISTORY):
        able = registry.in_words(registry.needing(Need.HISTORY))
        raise UsageError(
            f"--expect is of no use to --drafter {options['drafter']}",
            f"use --drafter {able}, or leave --drafter out",
        )
    return decode(read_file(name), name)


def _context(wanted: int | None, target: Path) -> int:
    """Tokens of context: large trained contexts would fill the memory with cache unasked."""
    if wanted is not None:
        return wanted
    return default_context(read_header(target))


def _constraint(options: Mapping[str, Any]) -> dict[str, str]:
    """What answers are kept to, by its field in ``Sampling``."""
    names = ("grammar", "grammar-file", "json-schema")
    given = [name for name in names if options[name] is not None]
    if len(given) > 1:
        raise UsageError(f"--{given[0]} and --{given[1]} exclude each other", "give one of them")
    if not given:
        return {}
    name = given[0]
    if options["ignore-eos"]:
        raise UsageError(
            f"--ignore-eos leaves no token where --{name} lets the answer end only",
            "leave one of them out",
        )
    text: str = options[name]
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

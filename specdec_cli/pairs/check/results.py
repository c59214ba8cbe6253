"""What a check of two models found, for people and for ``--json``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from specdec_cli.gguf import heads, traits
from specdec_cli.gguf.compat import Difference
from specdec_cli.gguf.reader import shown
from specdec_cli.gguf.values import Header
from specdec_cli.profiles.model_ref import ModelRef

Verdict = Literal["compatible", "incompatible", "unknown"]


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What the header of a model says; tokens are ids with their texts."""

    model: str
    name: str
    architecture: str
    bytes: int
    parameters: int | None
    tokenizer: str
    splits_by: str
    tokens: int
    bos: str | None
    eos: str | None
    adds_bos: bool
    adds_eos: bool
    ends: tuple[str, ...]
    context: int | None
    chat_template: bool
    rollback: str
    experts: str | None
    sliding_window: int | None
    own_head: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that speaks against a pair, or is good to know."""

    severity: Literal["error", "warning", "note"]
    message: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What only two models have."""

    draft: ModelFacts
    first_difference: Difference | None
    meaning: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A known draft, and the profile that has it; ``same_model``: for this very target."""

    draft: str
    profile: str
    same_model: bool


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Everything that is known; ``comparison`` is ``None`` without a draft."""

    JSON: ClassVar = (
        *("verdict", "target", "**comparison"),
        *("findings", "suggestions", "fetched_bytes"),
    )
    verdict: Verdict
    target: ModelFacts
    comparison: Comparison | None
    findings: tuple[Finding, ...]
    suggestions: tuple[Suggestion, ...]
    fetched_bytes: int


def facts(ref: ModelRef) -> ModelFacts:
    """What the header of a model says."""
    header = ref.header
    used = traits.experts(header)
    return ModelFacts(
        model=ref.label,
        name=header.name,
        architecture=header.architecture,
        bytes=ref.size,
        parameters=None if header.split else header.parameter_count,
        tokenizer=header.tokenizer_model,
        splits_by=header.tokenizer_pre,
        tokens=header.n_vocab,
        bos=_token(header, header.bos_id),
        eos=_token(header, header.eos_id),
        adds_bos=header.add_bos,
        adds_eos=header.add_eos,
        ends=tuple(told for end in ends(header) if (told := _token(header, end))),
        context=header.context_length,
        chat_template=header.chat_template is not None,
        rollback=traits.rollback(header),
        experts=f"{used[0]} of {used[1]}" if used else None,
        sliding_window=traits.sliding_window(header),
        own_head=heads.has_own_head(header),
    )


def ends(header: Header) -> tuple[int | None, ...]:
    """Ids that end a turn or a message, beside EOS."""
    return tuple(header.integer(f"tokenizer.ggml.{name}_token_id") for name in ("eot", "eom"))


def _token(header: Header, token: int | None) -> str | None:
    """A token's id and text."""
    if token is None:
        return None
    tokens = header.tokens
    text = shown(tokens.raw(token)) if tokens and 0 <= token < len(tokens) else "?"
    return f"{token} {text}"

"""The options a program may give: those of ``specdec run``, with underscores.

The option table decides what each may be and what it is without being given; a test compares the
names here with it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Any, Literal, TypedDict

from specdec_cli.options.option import Option, OptionSet
from specdec_cli.options.resolve import Layer, read_layers
from specdec_cli.options.table import ANSWER, DRAFTING, HARDWARE, MODELS, PROMPT, SAMPLING, Options
from specdec_cli.options.values import Several

_OF_PROMPT = PROMPT.only("system", "raw")
_OF_DRAFTS = DRAFTING.only("verify", "expect")
PER_ANSWER = OptionSet("run", NoneType, (_OF_PROMPT, _OF_DRAFTS, ANSWER, SAMPLING))
ALL = OptionSet(
    "run",
    NoneType,
    (_OF_PROMPT, MODELS.without("offline"), DRAFTING, ANSWER, SAMPLING, HARDWARE),
)

FilePath = str | os.PathLike[str]
GpuLayers = int | Literal["auto", "all"]


class AnswerOptions(TypedDict, total=False):
    """What may differ from answer to answer; ``None`` is as if it was not given.

    ``json_schema`` is the schema, its JSON, or the name of a file; ``logit_bias`` is by token id.
    """

    system: str | None
    raw: bool | None
    verify: Literal["auto", "match", "rejection", "block"] | None
    expect: FilePath | None
    predict: int | None
    stop: str | Sequence[str] | None
    ignore_eos: bool | None
    grammar: str | None
    grammar_file: FilePath | None
    json_schema: FilePath | Mapping[str, Any] | None
    temp: float | None
    seed: int | None
    top_k: int | None
    top_p: float | None
    min_p: float | None
    typical: float | None
    repeat_penalty: float | None
    repeat_last_n: int | None
    presence_penalty: float | None
    frequency_penalty: float | None
    dry_multiplier: float | None
    dry_base: float | None
    dry_allowed_length: int | None
    dry_penalty_last_n: int | None
    logit_bias: Mapping[int, float] | Sequence[str] | None


class LoadOptions(AnswerOptions, total=False):
    """What is decided when models are loaded, and what answers have where nothing else is said."""

    model: FilePath | None
    draft_model: FilePath | None
    chat_template: FilePath | None
    chat_template_kwargs: str | Mapping[str, Any] | None
    drafter: str | None
    draft_max: int | None
    draft_min: int | None
    draft_p_min: float | None
    adaptive: bool | None
    exact: bool | None
    gpu_layers: GpuLayers | None
    gpu_layers_draft: GpuLayers | None
    device: str | Sequence[str] | None
    device_draft: str | Sequence[str] | None
    split_mode: Literal["layer", "row", "tensor", "none"] | None
    tensor_split: str | Sequence[float] | None
    main_gpu: int | None
    rpc: str | Sequence[str] | None
    ctx_size: int | None
    threads: int | None
    threads_draft: int | None
    batch_size: int | None
    ubatch_size: int | None
    flash_attn: Literal["on", "off", "auto"] | None
    kernels: Literal["auto", "fast"] | None
    cache_type_k: str | None
    cache_type_v: str | None


def named(given: Mapping[str, object]) -> dict[str, object]:
    """Options by the names of the table, as it reads them, without those that are ``None``.

    Raises:
        TypeError: one does not exist.
    """
    return _named(given, ALL, "load()")


def changed(options: Options, given: Mapping[str, object]) -> Options:
    """Options with those of one answer in their place.

    Raises:
        TypeError: one does not exist, or is decided when models are loaded.
        UsageError: one is not valid.
    """
    layer = Layer("argument", _named(given, PER_ANSWER, "an answer"))
    read = read_layers(PER_ANSWER, [layer])
    for option in PER_ANSWER.options:
        if option.name in layer.values:
            options = options.with_value(option, read.value(option), "argument")
    return options


def _named(given: Mapping[str, object], offered: OptionSet[None], whose: str) -> dict[str, object]:
    table = {option.key: option for option in offered.options}
    for key in given:
        if key not in table:
            raise TypeError(f"{whose} has no option {key!r}")
    return {
        table[key].name: _written(table[key], value)
        for key, value in given.items()
        if value is not None
    }


def _written(option: Option, value: object) -> object:
    """A value of Python's own as a configuration file would have it."""
    several = isinstance(option.kind, Several)
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if isinstance(value, Mapping):
        if several:
            return [f"{token}{bias:+}" for token, bias in value.items()]
        return json.dumps(value)
    return [value] if several and isinstance(value, str) else value

"""The decision table: from a header and the options to the kernels, and what they promise."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from specdec_cli.gguf.types import TENSOR_TYPES
from specdec_cli.gguf.values import Header, Tensor
from specdec_cli.models.kernels import KernelChoice, choose_kernels
from specdec_cli.models.settings import ContextSettings, ModelSettings

BY_NAME = {kind.name: kind for kind in TENSOR_TYPES.values()}
PLAIN = ContextSettings(n_ctx=0)


def header(*types: str, embedding: str | None = None, tied: bool = True) -> Header:
    """A file with a matrix of each type, the embedding's first, and a norm in F32."""
    named = [("token_embd.weight", embedding or types[0])]
    named += [(f"blk.{i}.ffn_up.weight", kind) for i, kind in enumerate(types)]
    if not tied:
        named.append(("output.weight", types[0]))
    tensors = [Tensor(name, (256, 256), BY_NAME[kind], 0, 0) for name, kind in named]
    tensors.append(Tensor("blk.0.attn_norm.weight", (256,), BY_NAME["F32"], 0, 0))
    return Header("model.gguf", 3, MappingProxyType({}), tuple(tensors), 0, 0)


def chosen(*types: str, context: ContextSettings = PLAIN, **more: object) -> KernelChoice:
    options = {"kernels": "auto", "processor": "x86_64"} | more
    return choose_kernels(header(*types), context, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("types", "repack"),
    [
        (("Q4_0",), True),
        (("Q8_0",), True),
        (("Q6_K",), True),
        (("IQ4_NL",), True),
        (("Q4_K", "Q6_K"), False),
        (("Q5_K",), False),
        (("Q3_K", "Q2_K"), False),
        (("Q8_0", "Q4_K"), False),
    ],
)
def test_types_that_keep_the_bits(types: tuple[str, ...], repack: bool) -> None:
    found = chosen(*types)
    assert found.same_bits
    assert found.repack is repack
    assert not found.tiled
    laid = found.laid(PLAIN)
    assert (laid.cache_type_k, laid.cache_type_v, laid.flash_attention) == ("bf16", "bf16", "on")
    assert laid.pad == 1
    assert found.loaded(ModelSettings()).repack is repack


@pytest.mark.parametrize("types", [("F16",), ("BF16",), ("Q8_0", "F32"), ("Q4_K", "IQ1_S")])
def test_types_that_do_not(types: tuple[str, ...]) -> None:
    found = chosen(*types)
    assert not found.same_bits
    assert not found.asked
    assert types[-1] in found.reason
    assert found.laid(PLAIN) == ContextSettings(
        n_ctx=0, cache_type_k="f16", cache_type_v="f16", flash_attention="auto"
    )
    assert found.loaded(ModelSettings()) == ModelSettings()


def test_kernels_of_one_type_only_when_repacked_and_of_another_only_when_not() -> None:
    found = chosen("IQ4_NL", "Q4_K")
    assert not found.same_bits
    assert "IQ4_NL" in found.reason


def test_tiled_kernels_are_left_on_only_where_they_are_of_use() -> None:
    assert not chosen("F16").tiled  # so that the next model of the process may keep its bits
    assert chosen("Q4_K", "F16").tiled
    assert chosen("Q8_0", on_gpu=True).tiled


def test_a_matrix_that_rows_are_looked_up_in_does_not_count() -> None:
    of_its_own = header("Q8_0", embedding="F16", tied=False)
    assert choose_kernels(of_its_own, PLAIN, "auto", processor="x86_64").same_bits
    as_output = header("Q8_0", embedding="F16")
    assert not choose_kernels(as_output, PLAIN, "auto", processor="x86_64").same_bits


@pytest.mark.parametrize(
    ("context", "reason"),
    [
        (ContextSettings(n_ctx=0, cache_type_k="f16"), "-ctk f16"),
        (ContextSettings(n_ctx=0, cache_type_v="f32"), "-ctv f32"),
        (ContextSettings(n_ctx=0, flash_attention="off"), "-fa off"),
    ],
)
def test_options_win_and_are_named(context: ContextSettings, reason: str) -> None:
    found = chosen("Q4_K", context=context)
    assert not found.same_bits
    assert found.asked
    assert found.reason == reason
    laid = found.laid(context)
    assert laid.flash_attention in (context.flash_attention, "on")
    if context.cache_type_k != "auto":
        assert laid.cache_type_k == context.cache_type_k


def test_caches_that_keep_the_bits_may_be_asked_for() -> None:
    both = ContextSettings(n_ctx=0, cache_type_k="q8_0", cache_type_v="bf16")
    assert chosen("Q8_0", context=both).same_bits


def test_fast_leaves_all_to_llama_cpp() -> None:
    found = chosen("Q8_0", kernels="fast")
    assert found == KernelChoice(reason="--kernels fast")
    assert found.laid(PLAIN).cache_type_k == "f16"


@pytest.mark.parametrize("more", [{"on_gpu": True}, {"processor": "arm64"}])
def test_elsewhere_nothing_was_measured(more: dict[str, object]) -> None:
    assert not chosen("Q8_0", **more).same_bits
    exact = chosen("Q8_0", exact=True, **more)
    assert not exact.same_bits
    assert exact.pad == 4


def test_exact_pads_only_where_it_must() -> None:
    assert chosen("Q4_K", exact=True).pad == 1
    half = chosen("F16", exact=True)
    of_f16 = chosen("Q8_0", exact=True, context=ContextSettings(n_ctx=0, cache_type_k="f16"))
    for padded, cache, rows in ((half, "bf16", 256), (of_f16, "f16", 60)):
        assert padded.same_bits
        assert padded.pad == 4
        assert padded.rows == rows
        laid = padded.laid(PLAIN)
        assert (laid.cache_type_k, laid.flash_attention) == (cache, "on")
    assert not chosen("IQ1_S", exact=True).same_bits

"""Makes small models of the architectures people run, of random weights that llama.cpp loads.

``write`` takes the name of one of ``ARCHITECTURES`` and a ``Shape``; the default one makes a file
of a few hundred kilobytes. Of each architecture the file has every kind of layer it can have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.ggufs import CHATML, default_tokens, tokenizer, write_file


@dataclass(frozen=True, slots=True)
class Shape:
    """How large a model is.

    Args:
        width: of the embedding, a multiple of 64.
        layers: at least 4, so that every kind of layer is there.
        ff: of the feed-forward layers.
        heads: of attention; half as many for keys and values.
        vocab: tokens; unused ones are added at the end.
        state: numbers of a recurrent state for each of its inputs, and the width of its heads.
    """

    width: int = 64
    layers: int = 4
    ff: int = 128
    heads: int = 2
    vocab: int = 0
    context: int = 1024
    state: int = 32

    @property
    def head(self) -> int:
        return self.width // self.heads

    @property
    def kv_heads(self) -> int:
        return max(self.heads // 2, 1)


Found = Iterator[tuple[str, np.ndarray]]


class Weights:
    """Random matrices, scaled so that what goes through them keeps its size."""

    def __init__(self, shape: Shape, seed: int) -> None:
        self.shape = shape
        self._random = np.random.default_rng(seed)

    def matrix(self, *sizes: int, spread: float = 1.0) -> np.ndarray:
        """Rows and columns; more sizes before them make a stack."""
        found = self._random.standard_normal(sizes, dtype=np.float32)
        found *= spread / np.sqrt(sizes[-1])
        return found

    def ones(self, *sizes: int) -> np.ndarray:
        return np.ones(sizes, np.float32)

    def attention(self, prefix: str, *, gated: bool = False, head: int = 0) -> Found:
        """Queries, keys, values and output; ``gated`` queries bring a gate of the same size."""
        shape = self.shape
        head = head or shape.head
        wide, kv = head * shape.heads, head * shape.kv_heads
        yield f"{prefix}attn_q.weight", self.matrix(wide * (1 + gated), shape.width, spread=2.0)
        yield f"{prefix}attn_k.weight", self.matrix(kv, shape.width, spread=2.0)
        yield f"{prefix}attn_v.weight", self.matrix(kv, shape.width)
        yield f"{prefix}attn_output.weight", self.matrix(shape.width, wide)

    def norms_of_heads(self, prefix: str, head: int = 0) -> Found:
        yield f"{prefix}attn_q_norm.weight", self.ones(head or self.shape.head)
        yield f"{prefix}attn_k_norm.weight", self.ones(head or self.shape.head)

    def feed_forward(self, prefix: str, *, gate: bool = True) -> Found:
        shape = self.shape
        if gate:
            yield f"{prefix}ffn_gate.weight", self.matrix(shape.ff, shape.width)
        yield f"{prefix}ffn_up.weight", self.matrix(shape.ff, shape.width)
        yield f"{prefix}ffn_down.weight", self.matrix(shape.width, shape.ff)

    def experts(self, prefix: str) -> Found:
        shape = self.shape
        yield f"{prefix}ffn_gate_inp.weight", self.matrix(EXPERTS, shape.width)
        yield f"{prefix}ffn_gate_exps.weight", self.matrix(EXPERTS, shape.ff, shape.width)
        yield f"{prefix}ffn_up_exps.weight", self.matrix(EXPERTS, shape.ff, shape.width)
        yield f"{prefix}ffn_down_exps.weight", self.matrix(EXPERTS, shape.width, shape.ff)

    def mamba(self, prefix: str) -> Found:
        """A Mamba-2 mixer of twice the model's width."""
        width = self.shape.width
        inner, heads = 2 * width, 2 * width // self.shape.state
        convolved = inner + 2 * self.shape.state
        yield f"{prefix}ssm_in.weight", self.matrix(inner + convolved + heads, width)
        yield f"{prefix}ssm_conv1d.weight", self.matrix(convolved, 4)
        yield f"{prefix}ssm_conv1d.bias", np.zeros(convolved, np.float32)
        yield f"{prefix}ssm_dt.bias", np.full(heads, -1.0, np.float32)
        decay = np.linspace(0.2, 2.0, heads, dtype=np.float32)
        yield f"{prefix}ssm_a", -decay.reshape(heads, 1)
        yield f"{prefix}ssm_d", self.ones(heads, 1)
        yield f"{prefix}ssm_norm.weight", self.ones(1, inner)
        yield f"{prefix}ssm_out.weight", self.matrix(width, inner)

    def delta_net(self, prefix: str) -> Found:
        """The gated delta net of Qwen3.5."""
        width, state = self.shape.width, self.shape.state
        keys, values = state * self.shape.heads, state * self.shape.heads * 2
        heads, convolved = self.shape.heads * 2, 2 * keys + values
        yield f"{prefix}attn_qkv.weight", self.matrix(convolved, width)
        yield f"{prefix}attn_gate.weight", self.matrix(values, width)
        yield f"{prefix}ssm_conv1d.weight", self.matrix(convolved, 4)
        yield f"{prefix}ssm_dt.bias", np.zeros(heads, np.float32)
        yield f"{prefix}ssm_a", -np.linspace(0.1, 1.0, heads, dtype=np.float32)
        yield f"{prefix}ssm_beta.weight", self.matrix(heads, width)
        yield f"{prefix}ssm_alpha.weight", self.matrix(heads, width)
        yield f"{prefix}ssm_norm.weight", self.ones(state)
        yield f"{prefix}ssm_out.weight", self.matrix(width, values)

    def short_convolution(self, prefix: str) -> Found:
        width = self.shape.width
        yield f"{prefix}shortconv.conv.weight", self.matrix(width, 3)
        yield f"{prefix}shortconv.in_proj.weight", self.matrix(3 * width, width)
        yield f"{prefix}shortconv.out_proj.weight", self.matrix(width, width)

    def next_token(self, prefix: str, agreement: float) -> Found:
        """What joins a token's embedding and the hidden state before it."""
        width = self.shape.width
        of_both = (1.0 - agreement) * self.matrix(width, 2 * width)
        of_both[:, :width] += agreement * np.eye(width, dtype=np.float32)
        yield f"{prefix}eh_proj.weight", of_both
        yield from self.norms(prefix, "enorm", "hnorm", "shared_head_norm")

    def norms(self, prefix: str, *names: str) -> Found:
        for name in names:
            yield f"{prefix}{name}.weight", self.ones(self.shape.width)


EXPERTS = 4

Layer = Callable[[Weights, int], Found]


@dataclass(frozen=True, slots=True)
class Architecture:
    """One architecture.

    Args:
        name: as files have it.
        layer: the weights of a layer.
        values: hyperparameters besides those that all have.
        kv_heads: of each layer, from the shape; none for a layer that does not attend.
        attends: it has attention in some layer.
        ff: of each layer, where they differ.
        norm: what the last norm is called.
        head: the weights of a layer that guesses further tokens, where there can be some.
        more: weights that belong to no layer.
    """

    name: str
    layer: Layer
    values: Callable[[Shape], dict[str, Any]] = lambda _: {}
    kv_heads: Callable[[Shape], Any] = lambda shape: shape.kv_heads
    attends: bool = True
    ff: Callable[[Shape], Any] = lambda shape: shape.ff
    norm: str = "output_norm"
    head: Layer | None = None
    more: Callable[[Weights], Found] = lambda _: iter(())


def write(
    path: Path,
    name: str,
    shape: Shape = Shape(),
    *,
    seed: int = 0,
    tensor_type: str = "F32",
    scale: float = 1.0,
    heads: int = 0,
    agreement: float = 0.0,
    beside: bool = False,
) -> Path:
    """Writes a model of an architecture.

    Args:
        scale: the spread of its logits, in threes.
        heads: layers that guess further tokens, behind the others.
        agreement: from 0.0 to 1.0, how much the next token follows from the last one alone, and
            how much these layers know of that. Guesses are right more often, the larger it is.
        beside: leave the others out, for a file beside that of the model.
    """
    arch = ARCHITECTURES[name]
    texts = default_tokens()
    texts += [f"<unused{i}>" for i in range(shape.vocab - len(texts))]
    values: dict[str, Any] = {
        "context_length": shape.context,
        "block_count": shape.layers + heads,
        "embedding_length": shape.width,
        "feed_forward_length": arch.ff(shape),
        "attention.head_count": shape.heads if arch.attends else 0,
        "attention.head_count_kv": arch.kv_heads(shape),
        "attention.layer_norm_rms_epsilon": 1e-5,
        "rope.freq_base": 10000.0,
        "rope.dimension_count": shape.head,
        "vocab_size": len(texts),
        **arch.values(shape),
        **({"nextn_predict_layers": heads} if heads else {}),
    }
    metadata = {
        "general.name": name,
        **{f"{arch.name}.{key}": value for key, value in values.items()},
        **tokenizer(texts),
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.chat_template": CHATML,
    }
    weights = Weights(shape, seed)

    def tensors() -> Found:
        yield "token_embd.weight", weights.matrix(len(texts), shape.width, spread=shape.width**0.5)
        yield f"{arch.norm}.weight", weights.ones(shape.width)
        yield "output.weight", weights.matrix(len(texts), shape.width, spread=3.0 * scale)
        yield from arch.more(weights)
        for layer in range(shape.layers):
            made = list(arch.layer(weights, layer))
            yield from () if beside else made
        for layer in range(shape.layers, shape.layers + heads):
            assert arch.head
            yield from arch.head(weights, layer)
            yield from weights.next_token(f"blk.{layer}.nextn.", agreement)

    return write_file(path, arch.name, metadata, _quieted(tensors(), agreement), tensor_type)


def _quieted(tensors: Found, agreement: float) -> Found:
    """The same with layers that add less to what goes through them, the larger the agreement."""
    for tensor, values in tensors:
        yield tensor, values * (1.0 - agreement * tensor.endswith(_OUTPUTS))


_OUTPUTS = (
    "attn_output.weight", "ffn_down.weight", "ffn_down_exps.weight", "ffn_down_shexp.weight",
    "ssm_out.weight", "shortconv.out_proj.weight",
)  # fmt: skip
"""What layers add to what goes through them."""


def write_assistant(
    path: Path,
    target: Shape = Shape(),
    *,
    seed: int = 1,
    target_seed: int = 0,
    agreement: float = 0.0,
) -> Path:
    """Writes a head of Gemma 4, which looks at the keys and values of its target.

    Args:
        target, target_seed: of the target, whose architecture is ``gemma4``.
        agreement: as for ``write``.
    """
    width, layers = 2 * target.width, 2
    weights = Weights(target, seed)
    texts = default_tokens()
    values: dict[str, Any] = {
        "context_length": target.context,
        "block_count": layers,
        "nextn_predict_layers": layers,
        "embedding_length": width,
        "embedding_length_out": target.width,
        "feed_forward_length": target.ff,
        "attention.head_count": target.heads,
        "attention.head_count_kv": target.kv_heads,
        "attention.layer_norm_rms_epsilon": 1e-5,
        "rope.freq_base": 10000.0,
        "rope.dimension_count": target.head,
        "vocab_size": len(texts),
        **_of_gemma4(target),
        "attention.sliding_window_pattern": [layer % 2 == 0 for layer in range(layers)],
    }
    metadata = {
        "general.name": "assistant",
        **{f"gemma4-assistant.{key}": value for key, value in values.items()},
        **tokenizer(texts),
        "tokenizer.ggml.add_bos_token": False,
    }

    def tensors() -> Found:
        lifted = np.zeros((width, 2 * target.width), np.float32)
        lifted[: target.width, : target.width] = np.eye(target.width)
        mixed = weights.matrix(width, 2 * target.width)
        of_target = Weights(target, target_seed)
        of_target.matrix(len(texts), target.width)  # its embedding, made before its output
        known = np.zeros((len(texts), width), np.float32)
        known[:, : target.width] = of_target.matrix(len(texts), target.width, spread=3.0)
        guessed = weights.matrix(len(texts), width, spread=3.0)
        yield "token_embd.weight", agreement * known + (1.0 - agreement) * guessed
        yield "output_norm.weight", weights.ones(width)
        yield "rope_freqs.weight", weights.ones(target.head // 2)
        yield "nextn.pre_projection.weight", agreement * lifted + (1.0 - agreement) * mixed
        yield "nextn.post_projection.weight", weights.matrix(target.width, width)
        for layer in range(layers):
            prefix, wide = f"blk.{layer}.", target.head * target.heads
            for norm in ("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"):
                yield f"{prefix}{norm}.weight", weights.ones(width)
            yield f"{prefix}attn_q_norm.weight", weights.ones(target.head)
            yield f"{prefix}attn_q.weight", weights.matrix(wide, width, spread=2.0)
            yield f"{prefix}attn_output.weight", weights.matrix(width, wide)
            yield f"{prefix}layer_output_scale.weight", weights.ones(1)
            yield f"{prefix}ffn_gate.weight", weights.matrix(target.ff, width)
            yield f"{prefix}ffn_up.weight", weights.matrix(target.ff, width)
            yield f"{prefix}ffn_down.weight", weights.matrix(width, target.ff)

    return write_file(path, "gemma4-assistant", metadata, _quieted(tensors(), agreement), "F32")


def _every_other(shape: Shape) -> list[int]:
    """Key heads of layers of which every other one attends."""
    return [shape.kv_heads if layer % 2 else 0 for layer in range(shape.layers)]


def _llama(weights: Weights, layer: int) -> Found:
    prefix = f"blk.{layer}."
    yield from weights.norms(prefix, "attn_norm", "ffn_norm")
    yield from weights.attention(prefix)
    yield from weights.feed_forward(prefix)


def _qwen3(weights: Weights, layer: int) -> Found:
    yield from _llama(weights, layer)
    yield from weights.norms_of_heads(f"blk.{layer}.")


def _qwen3moe(weights: Weights, layer: int) -> Found:
    prefix = f"blk.{layer}."
    yield from weights.norms(prefix, "attn_norm", "ffn_norm")
    yield from weights.attention(prefix)
    yield from weights.norms_of_heads(prefix)
    yield from weights.experts(prefix)


def _gemma(weights: Weights, layer: int) -> Found:
    yield from _qwen3(weights, layer)
    yield from weights.norms(f"blk.{layer}.", "post_attention_norm", "post_ffw_norm")


def _gpt_oss(weights: Weights, layer: int) -> Found:
    shape, prefix = weights.shape, f"blk.{layer}."
    yield from weights.norms(prefix, "attn_norm", "post_attention_norm")
    yield from weights.attention(prefix)
    yield f"{prefix}attn_sinks.weight", weights.ones(shape.heads)
    yield f"{prefix}attn_output.bias", np.zeros(shape.width, np.float32)
    yield from weights.experts(prefix)
    yield f"{prefix}ffn_gate_inp.bias", np.zeros(EXPERTS, np.float32)
    yield f"{prefix}ffn_gate_exps.bias", np.zeros((EXPERTS, shape.ff), np.float32)
    yield f"{prefix}ffn_up_exps.bias", np.zeros((EXPERTS, shape.ff), np.float32)
    yield f"{prefix}ffn_down_exps.bias", np.zeros((EXPERTS, shape.width), np.float32)


def _lfm2(weights: Weights, layer: int) -> Found:
    prefix = f"blk.{layer}."
    yield from weights.norms(prefix, "attn_norm", "ffn_norm")
    yield from weights.feed_forward(prefix)
    if layer % 2:
        yield from weights.attention(prefix)
        yield from weights.norms_of_heads(prefix)
    else:
        yield from weights.short_convolution(prefix)


def _qwen35_mixer(weights: Weights, layer: int, *, attends: bool) -> Found:
    prefix = f"blk.{layer}."
    yield from weights.norms(prefix, "attn_norm", "post_attention_norm")
    if attends:
        yield from weights.attention(prefix, gated=True)
        yield from weights.norms_of_heads(prefix)
    else:
        yield from weights.delta_net(prefix)


def _qwen35(weights: Weights, layer: int) -> Found:
    yield from _qwen35_mixer(weights, layer, attends=layer % 4 == 3)
    yield from weights.feed_forward(f"blk.{layer}.")


def _qwen35_head(weights: Weights, layer: int) -> Found:
    yield from _qwen35_mixer(weights, layer, attends=True)
    yield from weights.feed_forward(f"blk.{layer}.")


def _qwen35moe(weights: Weights, layer: int) -> Found:
    yield from _qwen35_mixer(weights, layer, attends=layer % 4 == 3)
    yield from _qwen35_experts(weights, f"blk.{layer}.")


def _qwen35moe_head(weights: Weights, layer: int) -> Found:
    yield from _qwen35_mixer(weights, layer, attends=True)
    yield from _qwen35_experts(weights, f"blk.{layer}.")


def _qwen35_experts(weights: Weights, prefix: str) -> Found:
    shape = weights.shape
    yield from weights.experts(prefix)
    yield f"{prefix}ffn_gate_inp_shexp.weight", weights.matrix(1, shape.width)[0]
    yield f"{prefix}ffn_gate_shexp.weight", weights.matrix(shape.ff, shape.width)
    yield f"{prefix}ffn_up_shexp.weight", weights.matrix(shape.ff, shape.width)
    yield f"{prefix}ffn_down_shexp.weight", weights.matrix(shape.width, shape.ff)


def _step35(weights: Weights, layer: int) -> Found:
    yield from _qwen3(weights, layer)


def _glm4moe(weights: Weights, layer: int) -> Found:
    shape, prefix = weights.shape, f"blk.{layer}."
    yield from weights.norms(prefix, "attn_norm", "post_attention_norm")
    yield from weights.attention(prefix)
    if not layer:
        yield from weights.feed_forward(prefix)
        return
    yield from weights.experts(prefix)
    yield f"{prefix}exp_probs_b.bias", np.zeros(EXPERTS, np.float32)
    yield f"{prefix}ffn_gate_shexp.weight", weights.matrix(shape.ff, shape.width)
    yield f"{prefix}ffn_up_shexp.weight", weights.matrix(shape.ff, shape.width)
    yield f"{prefix}ffn_down_shexp.weight", weights.matrix(shape.width, shape.ff)


def _mamba2(weights: Weights, layer: int) -> Found:
    prefix = f"blk.{layer}."
    yield from weights.norms(prefix, "attn_norm")
    yield from weights.mamba(prefix)


def _nemotron_h(weights: Weights, layer: int) -> Found:
    """State, attention and feed-forward layers, one after the other."""
    prefix = f"blk.{layer}."
    yield from weights.norms(prefix, "attn_norm")
    if layer % 4 == 1:
        yield from weights.attention(prefix)
    elif layer % 4 == 3:
        yield from weights.feed_forward(prefix, gate=False)
    else:
        yield from weights.mamba(prefix)


def _granite_hybrid(weights: Weights, layer: int) -> Found:
    prefix = f"blk.{layer}."
    yield from weights.norms(prefix, "attn_norm", "ffn_norm")
    if layer % 2:
        yield from weights.attention(prefix)
    else:
        yield from weights.mamba(prefix)
    yield from weights.feed_forward(prefix)


def _falcon_h1(weights: Weights, layer: int) -> Found:
    """A state and attention side by side in every layer."""
    prefix = f"blk.{layer}."
    yield from weights.norms(prefix, "attn_norm")
    yield f"{prefix}ffn_norm", weights.ones(weights.shape.width)
    yield from weights.mamba(prefix)
    yield from weights.attention(prefix)
    yield from weights.feed_forward(prefix)


def _of_mamba(shape: Shape) -> dict[str, Any]:
    return {
        "ssm.conv_kernel": 4,
        "ssm.inner_size": 2 * shape.width,
        "ssm.state_size": shape.state,
        "ssm.time_step_rank": 2 * shape.width // shape.state,
        "ssm.group_count": 1,
    }


def _of_delta_net(shape: Shape) -> dict[str, Any]:
    return {
        "attention.key_length": shape.head,
        "attention.value_length": shape.head,
        "rope.dimension_sections": [shape.head // 8, shape.head // 8, 0, 0],
        "rope.dimension_count": shape.head // 2,
        "ssm.conv_kernel": 4,
        "ssm.inner_size": shape.state * shape.heads * 2,
        "ssm.state_size": shape.state,
        "ssm.time_step_rank": shape.heads * 2,
        "ssm.group_count": shape.heads,
        "full_attention_interval": 4,
    }


def _of_experts(shape: Shape) -> dict[str, Any]:
    return {
        "expert_count": EXPERTS,
        "expert_used_count": 2,
        "expert_feed_forward_length": shape.ff,
        "attention.key_length": shape.head,
        "attention.value_length": shape.head,
    }


def _of_step35(shape: Shape) -> dict[str, Any]:
    return {
        **_of_window(shape),
        "attention.sliding_window_pattern": [layer % 2 == 0 for layer in range(2 * shape.layers)],
        "expert_feed_forward_length": shape.ff,
        "rope.dimension_count": shape.head,
    }


def _of_glm4(shape: Shape) -> dict[str, Any]:
    return {**_of_experts(shape), "expert_shared_count": 1, "leading_dense_block_count": 1}


def _of_heads(shape: Shape) -> dict[str, Any]:
    return {"attention.key_length": shape.head, "attention.value_length": shape.head}


def _of_window(shape: Shape) -> dict[str, Any]:
    return {**_of_heads(shape), "attention.sliding_window": 16}


def _of_gemma4(shape: Shape) -> dict[str, Any]:
    return {
        **_of_window(shape),
        "attention.sliding_window_pattern": [layer % 2 == 0 for layer in range(shape.layers)],
        "attention.key_length_swa": shape.head,
        "attention.value_length_swa": shape.head,
        "embedding_length_per_layer_input": 0,
    }


def _of_nemotron(shape: Shape) -> dict[str, Any]:
    return {**_of_mamba(shape), **_of_heads(shape), "attention.layer_norm_epsilon": 1e-5}


ARCHITECTURES: dict[str, Architecture] = {
    "llama": Architecture("llama", _llama),
    "qwen3": Architecture("qwen3", _qwen3, _of_heads),
    "gemma3": Architecture("gemma3", _gemma, _of_window),
    "gemma4": Architecture(
        "gemma4",
        _gemma,
        _of_gemma4,
        more=lambda weights: iter([("rope_freqs.weight", weights.ones(weights.shape.head // 2))]),
    ),
    "qwen3moe": Architecture("qwen3moe", _qwen3moe, _of_experts),
    "gpt-oss": Architecture(
        "gpt-oss", _gpt_oss, lambda shape: {**_of_experts(shape), "attention.sliding_window": 16}
    ),
    "lfm2": Architecture(
        "lfm2",
        _lfm2,
        lambda _: {"shortconv.l_cache": 3},
        kv_heads=_every_other,
        norm="token_embd_norm",
    ),
    "qwen35": Architecture("qwen35", _qwen35, _of_delta_net, head=_qwen35_head),
    "qwen35moe": Architecture(
        "qwen35moe",
        _qwen35moe,
        lambda shape: {
            **_of_experts(shape),
            **_of_delta_net(shape),
            "expert_shared_feed_forward_length": shape.ff,
        },
        head=_qwen35moe_head,
    ),
    "step35": Architecture("step35", _step35, _of_step35, head=_step35),
    "glm4moe": Architecture("glm4moe", _glm4moe, _of_glm4, head=_glm4moe),
    "mamba2": Architecture("mamba2", _mamba2, _of_mamba, lambda _: 0, attends=False),
    "nemotron-h": Architecture(
        "nemotron_h",
        _nemotron_h,
        _of_nemotron,
        kv_heads=lambda shape: [
            shape.kv_heads if layer % 4 == 1 else 0 for layer in range(shape.layers)
        ],
        ff=lambda shape: [shape.ff if layer % 4 == 3 else 0 for layer in range(shape.layers)],
    ),
    "granite-hybrid": Architecture(
        "granitehybrid", _granite_hybrid, _of_mamba, kv_heads=_every_other
    ),
    "falcon-h1": Architecture(
        "falcon-h1", _falcon_h1, lambda shape: {**_of_mamba(shape), **_of_heads(shape)}
    ),
}

"""The llama architecture: RMSNorm, rotary attention, SwiGLU, embedding and output shared."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from tools.tinypair.config import ModelConfig

Cache = list[tuple[Tensor, Tensor]]


def rotary(config: ModelConfig, length: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines by position; halves of a head are turned against each other."""
    half = config.head_dim // 2
    rates = config.rope_theta ** (-torch.arange(half, dtype=torch.float32) / half)
    angles = torch.arange(length, dtype=torch.float32)[:, None] * rates
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)


class Block(nn.Module):
    """One layer; query, key and value share a matrix, and so do gate and up."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.eps = config.norm_eps
        self.attention_norm = nn.Parameter(torch.ones(config.dim))
        self.qkv = nn.Parameter(torch.randn(3 * config.dim, config.dim) / math.sqrt(config.dim))
        self.out = nn.Parameter(torch.zeros(config.dim, config.dim))
        self.ff_norm = nn.Parameter(torch.ones(config.dim))
        self.gate_up = nn.Parameter(torch.randn(2 * config.ff, config.dim) / math.sqrt(config.dim))
        self.down = nn.Parameter(torch.zeros(config.dim, config.ff))

    def project(self, x: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        batch, length, dim = x.shape
        normed = functional.rms_norm(x, (dim,), self.attention_norm, self.eps)
        joint = functional.linear(normed, self.qkv).view(
            batch, length, 3 * self.heads, dim // self.heads
        )
        query, key, value = joint.transpose(1, 2).chunk(3, dim=1)
        return rotate(query, cos, sin), rotate(key, cos, sin), value

    def finish(self, x: Tensor, mixed: Tensor) -> Tensor:
        x = x + functional.linear(mixed.transpose(1, 2).reshape(x.shape), self.out)
        normed = functional.rms_norm(x, (x.shape[-1],), self.ff_norm, self.eps)
        gate, up = functional.linear(normed, self.gate_up).chunk(2, dim=-1)
        return x + functional.linear(functional.silu(gate) * up, self.down)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        query, key, value = self.project(x, cos, sin)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.finish(x, mixed)


class Model(nn.Module):
    """Tokens to logits."""

    cos: Tensor
    sin: Tensor

    def __init__(self, config: ModelConfig, layers: int | None = None) -> None:
        super().__init__()
        self.config = config
        # Of size one, so that what the layers add does not bury who the token is.
        self.embedding = nn.Parameter(torch.randn(config.vocab, config.dim))
        self.blocks = nn.ModuleList(Block(config) for _ in range(layers or config.layers))
        self.norm = nn.Parameter(torch.full((config.dim,), 0.05))
        cos, sin = rotary(config, config.context)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    def hidden(self, tokens: Tensor) -> Tensor:
        length = tokens.shape[1]
        x = functional.embedding(tokens, self.embedding)
        for block in self.blocks:
            x = block(x, self.cos[:length], self.sin[:length])
        return x

    def forward(self, tokens: Tensor) -> Tensor:
        return self.logits(self.hidden(tokens))

    def logits(self, x: Tensor) -> Tensor:
        normed = functional.rms_norm(x, (self.config.dim,), self.norm, self.config.norm_eps)
        return functional.linear(normed, self.embedding)

    def loss(self, tokens: Tensor, following: Tensor, weights: Tensor) -> Tensor:
        """Cross-entropy, each token by its weight."""
        logits = self(tokens).view(-1, self.config.vocab)
        each = functional.cross_entropy(logits, following.view(-1), reduction="none")
        flat = weights.view(-1)
        return (each * flat).sum() / flat.sum()

    def grow(self, layers: int) -> None:
        """Deepen without changing what is computed: copies of layers that as yet add nothing."""
        old = list(self.blocks)
        places = [index * len(old) // layers for index in range(layers)]
        grown: list[nn.Module] = []
        for index, place in enumerate(places):
            if index and places[index - 1] == place:
                block = copy.deepcopy(old[place])
                assert isinstance(block, Block)
                nn.init.zeros_(block.out)
                nn.init.zeros_(block.down)
                grown.append(block)
            else:
                grown.append(old[place])
        self.blocks = nn.ModuleList(grown)

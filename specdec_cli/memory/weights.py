"""Weights by where llama.cpp puts them: the input, each layer, the output."""

from __future__ import annotations

import re
from dataclasses import dataclass

from specdec_cli.gguf import traits
from specdec_cli.gguf.header import Header, Tensor
from specdec_cli.memory.values import layer_count

_LAYER = re.compile(r"blk\.(\d+)\.")
_INPUT = ("token_embd", "token_types", "position_embd", "per_layer_token_embd")
_EXPERTS = re.compile(r"_(?:ch)?exps\.")


@dataclass(frozen=True, slots=True)
class LayerWeights:
    """One layer, in bytes.

    Args:
        largest: its largest matrix. Where the layer stays in main memory while a GPU reads
            prompts, llama.cpp copies matrices there one at a time.
        experts: of the weights, those of experts, of which a token uses a few.
    """

    weights: int = 0
    largest: int = 0
    experts: int = 0


@dataclass(frozen=True, slots=True)
class Weights:
    """A model's weights, in bytes.

    Args:
        layers: those that run, in order.
        input: embeddings, which stay in main memory.
        output: the output matrix and what goes with it, the layers of a head of its own (MTP) too.
        embedding: the embedding matrix where it is the output matrix as well; on a GPU the output
            is a second copy of it.
    """

    layers: tuple[LayerWeights, ...]
    input: int
    output: int
    embedding: int = 0

    @property
    def total(self) -> int:
        """Bytes that are loaded, each once."""
        return self.input + self.output + sum(layer.weights for layer in self.layers)

    def scaled(self, factor: float) -> Weights:
        """The same model with weights of another size."""
        layers = (
            LayerWeights(
                round(factor * layer.weights),
                round(factor * layer.largest),
                round(factor * layer.experts),
            )
            for layer in self.layers
        )
        rest = (round(factor * size) for size in (self.input, self.output, self.embedding))
        return Weights(tuple(layers), *rest)


def weights_of(header: Header, *, head: bool = False) -> Weights:
    """Sort a model's tensors; ``header`` must have those of all its parts.

    Args:
        head: the layers of its own head are loaded too.
    """
    layers: dict[int, list[Tensor]] = {}
    input_bytes = output_bytes = embedding = 0
    has_output = False
    for tensor in header.tensors:
        match = _LAYER.match(tensor.name)
        if match:
            layers.setdefault(int(match[1]), []).append(tensor)
        elif tensor.name.startswith(_INPUT):
            input_bytes += tensor.nbytes
            if tensor.name == "token_embd.weight":
                embedding = tensor.nbytes
        else:
            output_bytes += tensor.nbytes
            has_output = has_output or tensor.name == "output.weight"
    count = layer_count(header)
    if head:
        further = (layers[i] for i in layers if i >= count)
        output_bytes += sum(_layer(tensors).weights for tensors in further)
    return Weights(
        tuple(_layer(layers.get(i, [])) for i in range(count)),
        input_bytes,
        output_bytes,
        0 if has_output else embedding,
    )


def used_fraction(header: Header) -> float:
    """Of the experts' weights, the fraction that one token uses; 1 for a dense model."""
    found = traits.experts(header)
    return found[0] / found[1] if found and found[0] else 1.0


def _layer(tensors: list[Tensor]) -> LayerWeights:
    matrices = [tensor.nbytes for tensor in tensors if len(tensor.shape) > 1]
    return LayerWeights(
        sum(tensor.nbytes for tensor in tensors),
        max(matrices, default=0),
        sum(tensor.nbytes for tensor in tensors if _EXPERTS.search(tensor.name)),
    )

"""What one model needs, by part, before it is decided where each part goes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from specdec_cli.gguf.driven_heads import drafts_beside
from specdec_cli.gguf.header import Header
from specdec_cli.memory.caches import head_cache, layer_caches
from specdec_cli.memory.compute import Compute, compute_of
from specdec_cli.memory.weights import Weights, used_fraction, weights_of
from specdec_cli.models.settings import ContextSettings


@dataclass(frozen=True, slots=True)
class ModelNeeds:
    """One model with one context, in bytes.

    Args:
        caches: of each layer.
        used: of the experts' weights, the share that one token uses; 1 for a dense model.
    """

    weights: Weights
    caches: tuple[int, ...]
    compute: Compute
    used: float = 1.0

    @property
    def n_layers(self) -> int:
        """Layers that can be on a GPU, the output among them, as llama.cpp counts them."""
        return len(self.weights.layers) + 1

    @property
    def cache(self) -> int:
        """Bytes of the caches of all layers."""
        return sum(self.caches)

    @property
    def in_memory(self) -> int:
        """Bytes of everything, where all of it is in main memory."""
        compute = self.compute
        return self.weights.total + self.cache + compute.graph + compute.rows + compute.host


def needs_of(header: Header, context: ContextSettings) -> ModelNeeds:
    """Work out a model's needs; ``header`` must have the tensors of all its parts."""
    has_head = context.hidden or drafts_beside(header)
    weights = weights_of(header, head=has_head)
    if has_head:
        weights = replace(weights, output=weights.output + head_cache(header, context))
    return ModelNeeds(
        weights,
        layer_caches(header, context),
        compute_of(header, context),
        used_fraction(header),
    )

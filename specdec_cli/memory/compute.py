"""What computing takes beside weights and caches: llama.cpp's buffers, from headers alone.

llama.cpp lays out one pass over a full batch and keeps a buffer for the tensors that are alive at
once. Which those are was read off its own reports for the usual architectures; what is counted
here was within a tenth of them where it matters, and exact for most dense models.
"""

from __future__ import annotations

from dataclasses import dataclass

from specdec_cli.gguf import traits
from specdec_cli.gguf.header import Header
from specdec_cli.gguf.reader import StringArray
from specdec_cli.memory.caches import cells
from specdec_cli.memory.snapshots import copies
from specdec_cli.memory.values import head_width, per_layer, whole
from specdec_cli.models.hidden_states import most_rows
from specdec_cli.models.settings import ContextSettings

_FLOAT, _HALF = 4, 2
_TOKEN = 128
"""Bytes llama.cpp keeps for each token of the vocabulary: its text, and how to find it."""

_MERGE = 160
"""The same for each merge of a byte-pair vocabulary."""

_STRUCTURES = 5 << 20
"""The graph itself, threads' stacks, the allocator's slack, and small things."""


@dataclass(frozen=True, slots=True)
class Compute:
    """Bytes beside weights and caches.

    Args:
        graph: the buffer of a device that computes layers.
        inputs: of it, what comes from main memory for each pass: the mask and the embeddings.
        rows: logits, in main memory.
        host: vocabulary, structures, and copies of a recurrent state, in main memory.
    """

    graph: int
    inputs: int
    rows: int
    host: int


def compute_of(header: Header, context: ContextSettings) -> Compute:
    """What computing with this context takes."""
    tokens = min(context.n_ubatch, context.n_batch, context.n_ctx + context.pad - 1)
    rows = -(-context.rows // context.pad) * context.pad
    width = whole(header, "embedding_length")
    logits = rows * header.n_vocab * _FLOAT
    attends = traits.rollback(header) != "recurrent"
    masks = (2 if traits.sliding_window(header) else 1) if attends else 0
    flash = context.flash_attention != "off"
    mask = masks * cells(context) * tokens * (_HALF if flash else _FLOAT)
    inputs = mask + tokens * width * _FLOAT
    layer = _state_layer(header, tokens)
    if attends or not layer:
        attention = _attention(header, context, tokens, flash=flash)
        layer = max(layer, attention, _feed_forward(header, tokens))
    graph = max(mask + layer, logits + 2 * tokens * width * _FLOAT)
    host = _host(header) + _scratch(header, context, tokens, flash=flash) + copies(header)
    if context.hidden:
        row = _FLOAT * width
        host += row * (context.n_batch + most_rows(width))
        graph += row * 8 * tokens + header.n_vocab * _FLOAT
    return Compute(graph, inputs, logits, host)


def _attention(header: Header, context: ContextSettings, tokens: int, *, flash: bool) -> int:
    """Residual, norm and input, queries and their result, keys and values; scores without flash."""
    width = whole(header, "embedding_length")
    heads = whole(header, "attention.head_count") or 1
    kv_heads = whole(header, "attention.head_count_kv") or heads
    head = whole(header, "attention.key_length") or head_width(header)
    size = _FLOAT * tokens * (3 * width + 2 * heads * head + 2 * kv_heads * head)
    return size if flash else size + _FLOAT * tokens * cells(context) * heads


def _feed_forward(header: Header, tokens: int) -> int:
    """Gate, up and their product beside four rows of the model's width; for experts their outputs.

    Of experts each token has a few, whose outputs exist twice before they are summed.
    """
    width = whole(header, "embedding_length")
    hidden = whole(header, "feed_forward_length") or 4 * width
    found = traits.experts(header)
    if not found:
        return _FLOAT * tokens * (3 * hidden + 4 * width)
    used = found[0] or 1
    inner = whole(header, "expert_feed_forward_length") or hidden
    shared = whole(header, "expert_shared_feed_forward_length")
    summed = used * (2 * width) + 6 * width
    return _FLOAT * tokens * max(summed, used * 3 * inner + 4 * width + shared)


def _state_layer(header: Header, tokens: int) -> int:
    """A layer with a recurrent state: the residual, what goes in, is convolved, and comes out.

    Beside a Mamba mixer is what goes on in the same layer: attention's result, or the way into a
    feed-forward layer.
    """
    width = whole(header, "embedding_length")
    if whole(header, "shortconv.l_cache"):
        return _FLOAT * tokens * 7 * width
    inner, rank = whole(header, "ssm.inner_size"), whole(header, "ssm.time_step_rank")
    if not inner:
        return 0
    convolved = inner + 2 * whole(header, "ssm.group_count") * whole(header, "ssm.state_size")
    if whole(header, "full_attention_interval"):  # a delta net
        return _FLOAT * tokens * (3 * width + 2 * convolved + 2 * inner)
    beside = 0
    if traits.rollback(header) == "hybrid":
        attends = per_layer(header, "attention.head_count_kv") or [0]
        hidden = per_layer(header, "feed_forward_length") or [0]
        beside = 2 * width if all(attends) else width if all(hidden) else 0
    return _FLOAT * tokens * (3 * width + 3 * convolved + 2 * inner + rank + beside)


def _scratch(header: Header, context: ContextSettings, tokens: int, *, flash: bool) -> int:
    """The processor's own: the largest input of a product, in the type of the matrix.

    Without flash attention that is the scores, for the product with the values.
    """
    width = whole(header, "embedding_length")
    hidden = whole(header, "feed_forward_length") or 4 * width
    heads = whole(header, "attention.head_count") or 1
    scores = 0 if flash else cells(context) * heads
    return _HALF * tokens * max(width, hidden, scores)


def _host(header: Header) -> int:
    merges = header.metadata.get("tokenizer.ggml.merges")
    count = len(merges) if isinstance(merges, StringArray) else 0
    return _STRUCTURES + _TOKEN * header.n_vocab + _MERGE * count

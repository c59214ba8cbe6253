"""Tells what a GGUF file holds where that is no model that writes text from left to right.

GGUF is a container: adapters, importance matrices, encoders, image projectors and the parts of
image generators come in it as well. llama.cpp reports some of them as damaged, and ends the process
at others. All of this is known from the header: ``general.type``, the architecture, a few keys.
"""

from __future__ import annotations

from specdec_cli.errors import NotAModelError
from specdec_cli.gguf import heads
from specdec_cli.gguf.header import Header
from specdec_cli.gguf.reader import shown

_NAME_A_MODEL = "name a language model that writes text, with instruct or chat in its name"
_NAME_ANOTHER = f"{_NAME_A_MODEL}; most write from left to right"

_ADAPTER = (
    "is a LoRA adapter, which changes a model but is not one",
    "merge it into its model with llama.cpp's llama-export-lora, and name the merged file",
)
_IMATRIX = (
    "is an importance matrix (imatrix), which helps to quantize a model but is not one",
    "name the quantized model; it is usually beside this file",
)
_PROJECTOR = (
    "is an image projector (mmproj), not a language model",
    "name the language model; it is usually beside this file",
)
_CONTROL_VECTOR = (
    "is a control vector, which steers a model but is not one",
    "name the model that it was made for",
)
_EMBEDDING = (
    "is an embedding model: it turns text into numbers and does not write any",
    _NAME_A_MODEL,
)
_RERANKER = ("is a reranker: it scores texts and does not write any", _NAME_A_MODEL)
_ENCODER = (
    "is an encoder: it reads text for another program, such as an image generator",
    _NAME_A_MODEL,
)
_ENCODER_DECODER = (
    "is an encoder-decoder model: it answers what its encoder read, which specdec does not do",
    _NAME_ANOTHER,
)
_DIFFUSION = (
    "is a diffusion model: it sees the whole text at once, so it cannot write token by token",
    _NAME_ANOTHER,
)
_NOT_CAUSAL = ("sees the whole text at once, so it cannot write token by token", _NAME_ANOTHER)
_IMAGES = ("is a part of an image or video generator, and writes no text", _NAME_A_MODEL)
_VOCODER = ("turns audio codes into sound, and writes no text", _NAME_A_MODEL)
_SPEECH = ("recognizes speech, with another program: whisper.cpp", _NAME_A_MODEL)
_VOCABULARY = (
    "is a vocabulary without a model",
    "name the model itself; llama.cpp's tests use files like this one",
)

_EMBEDDERS = (
    *("bert", "modern-bert", "nomic-bert", "nomic-bert-moe", "neo-bert", "jina-bert-v2"),
    *("jina-bert-v3", "eurobert", "gemma-embedding", "llama-embed"),
)
_IMAGE_MAKERS = (
    *("flux", "sd1", "sdxl", "sd3", "aura", "hidream", "cosmos", "ltxv", "hyvid", "wan"),
    *("lumina2", "qwen_image", "pig"),
)

_BY_TYPE = {"adapter": _ADAPTER, "imatrix": _IMATRIX, "mmproj": _PROJECTOR}
"""By ``general.type``."""

_BY_ARCHITECTURE = {
    "clip": _PROJECTOR,
    "controlvector": _CONTROL_VECTOR,
    "t5": _ENCODER_DECODER,
    "t5encoder": _ENCODER,
    "wavtokenizer-dec": _VOCODER,
    "whisper": _SPEECH,
    **dict.fromkeys(_EMBEDDERS, _EMBEDDING),
    **dict.fromkeys(("dream", "llada", "llada-moe", "rnd1"), _DIFFUSION),
    **dict.fromkeys(_IMAGE_MAKERS, _IMAGES),
}
_NO_POOLING, _RANK_POOLING = 0, 4  # llama.cpp's numbers


def refuse_other_kinds(header: Header) -> None:
    """Refuse a file that holds no model, or one that cannot write from left to right.

    Raises:
        NotAModelError: with what it is.
    """
    kind = _kind(header)
    if kind is not None:
        what, hint = kind
        raise NotAModelError(f"{header.filename} {what}", hint)


def refuse_head(header: Header) -> None:
    """Refuse a head where a model is wanted that answers.

    Raises:
        NotAModelError: it drafts from the states of another model, and is none of its own.
    """
    head = heads.head_of(header)
    if head is None:
        return
    of = header.text("general.base_model.0.name")
    raise NotAModelError(
        f"{header.filename} is {heads.in_words(head)}: it drafts for a model and is none itself",
        f"name the model that it drafts for{f', {shown(of)}' if of else ''}; it is usually beside "
        "this file",
    )


def _kind(header: Header) -> tuple[str, str] | None:
    """What the file is, and what to do; ``None`` for a model that may write text."""
    kind = _BY_TYPE.get(header.text("general.type") or "")
    kind = kind or _BY_ARCHITECTURE.get(header.architecture)
    if kind == _ADAPTER:
        base = header.text("general.base_model.0.name")
        what, hint = kind
        return (f"{what}; its model is {shown(base)}", hint) if base else kind
    if kind is not None:
        return kind
    keys = header.metadata
    if "adapter.type" in keys:
        return _ADAPTER
    if "imatrix.datasets" in keys:
        return _IMATRIX
    pooling = header.integer(header.arch_key("pooling_type")) or _NO_POOLING
    if pooling > _NO_POOLING:
        return _RERANKER if pooling == _RANK_POOLING else _EMBEDDING
    causal = keys.get(header.arch_key("attention.causal"), True)
    if not (isinstance(causal, bool) and causal):
        # llama.cpp gives logits of all of such a batch, and asserts that they were asked for.
        return _NOT_CAUSAL
    if not header.tensors and header.tokens is not None:
        return _VOCABULARY
    return None

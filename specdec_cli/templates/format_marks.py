"""Tells a model's chat format from the marks in its vocabulary, where its file has no template."""

from __future__ import annotations

from specdec_cli.templates.encode import PromptVocabulary

_FORMATS = {
    "<|im_start|>": "chatml",
    "<|start_header_id|>": "llama3",
    "<start_of_turn>": "gemma",
}
"""By a mark that no other format has: llama.cpp's name of the format."""


def format_of(vocab: PromptVocabulary) -> str | None:
    """llama.cpp's name of the only format whose mark is one token; ``None`` if that is not one."""
    found = [name for mark, name in _FORMATS.items() if _is_token(vocab, mark)]
    return found[0] if len(found) == 1 else None


def _is_token(vocab: PromptVocabulary, mark: str) -> bool:
    return len(vocab.tokenize(mark, add_special=False, parse_special=True)) == 1

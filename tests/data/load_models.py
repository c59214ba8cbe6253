"""Loads every model file named on standard input, and says which one it is at.

Run as a subprocess: llama.cpp ends the process on what it did not expect, and the last line
printed then names the file. Prints ``start NAME`` and ``done NAME REASON`` per file.
"""

from __future__ import annotations

import ctypes
import sys

import llama_cpp.llama_cpp as lib

TEXT = "the end 1 Å\n<|im_start|>\x00x".encode()


@lib.llama_log_callback
def _quiet(level: int, text: bytes, data: object) -> None: ...


def use(path: str) -> str:
    """Loads the vocabulary, then the model, and decodes a few tokens of it."""
    params = lib.llama_model_default_params()
    params.vocab_only = True
    model = lib.llama_model_load_from_file(path.encode(), params)
    if not model:
        return "vocabulary refused"
    lib.llama_model_free(model)
    params.vocab_only = False
    params.n_gpu_layers = 0
    model = lib.llama_model_load_from_file(path.encode(), params)
    if not model:
        return "model refused"
    try:
        return decode(model)
    finally:
        lib.llama_model_free(model)


def decode(model: ctypes.c_void_p) -> str:
    vocab = lib.llama_model_get_vocab(model)
    n_vocab = lib.llama_vocab_n_tokens(vocab)
    tokens = (lib.llama_token * 64)()
    count = lib.llama_tokenize(vocab, TEXT, len(TEXT), tokens, 64, True, True)
    piece = ctypes.create_string_buffer(256)
    for token in range(n_vocab):
        lib.llama_token_to_piece(vocab, token, piece, 256, 0, True)
    params = lib.llama_context_default_params()
    params.n_ctx, params.n_batch, params.n_ubatch = 64, 64, 64
    params.n_threads = params.n_threads_batch = 1
    context = lib.llama_init_from_model(model, params)
    if not context:
        return "context refused"
    try:
        count = min(max(count, 1), 32)
        code = lib.llama_decode(context, lib.llama_batch_get_one(tokens, count))
        code = code or lib.llama_decode(context, lib.llama_batch_get_one(tokens, 1))
        return f"decoded {code}"
    finally:
        lib.llama_free(context)


if __name__ == "__main__":
    lib.llama_log_set(_quiet, None)
    lib.llama_backend_init()
    for line in sys.stdin:
        path = line.rstrip("\n")
        print("start", path, flush=True)
        print("done", path, use(path), flush=True)

"""A conversation of twenty turns: what each reads, what memory it takes; and the first prompt."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from select import select
from statistics import median
from subprocess import Popen
from time import perf_counter
from typing import Any
from unittest import mock

import psutil

from specdec_cli.chat.conversation import Conversation
from specdec_cli.chat.loading import Loader
from specdec_cli.chat.options import CHAT
from specdec_cli.chat.responder import Responder
from specdec_cli.models.llama_context import LlamaContext
from specdec_cli.options.resolve import resolve_named
from tools.measure.prompts import heldout

_TURNS = 20
_STARTS = 10
_PATIENCE = 30.0


def report(target: Path, draft: Path) -> None:
    """Print prompt tokens per turn, new and decoded by each model, and the resident size.

    The draft model also reads here what it missed of the last answer, while it was parked or the
    n-gram drafter spoke.
    """
    flags = {"model": str(target), "draft-model": str(draft), "predict": 64, "history": False}
    loader = Loader(lambda: resolve_named(CHAT, None, flags))
    loaded = loader.wait(lambda: False, lambda: None)
    context = loaded.decoder.models.target.context
    responder, conversation = Responder(loaded, print), Conversation()
    questions = heldout(_TURNS // 4)[:_TURNS]
    print("turn  prompt  new  decoded: target  draft  resident MB")
    before = 0
    with _decoded() as read:
        for turn, question in enumerate(questions, 1):
            read.clear()
            conversation.ask(question.text)
            response = responder.answer(conversation, lambda *_: None, lambda: False)
            conversation.answer(response.text, response.reason)
            new = response.prompt_tokens - before
            resident = psutil.Process().memory_info().rss / 1e6
            by_target = read.pop(context, 0)
            by_draft = sum(read.values())
            print(
                f"{turn:>4}  {response.prompt_tokens:>6}  {new:>3}  {by_target:>15}  "
                f"{by_draft:>5}  {resident:>11.1f}"
            )
            before = response.in_context
            before -= response.reason == "stop"  # that mark is the template's
    loader.close()
    if sys.platform != "win32":
        seconds = [_first_prompt(target, draft) for _ in range(_STARTS)]
        told = f"median {median(seconds):.2f} s, {min(seconds):.2f} to {max(seconds):.2f} s"
        print(f"first prompt after start, {_STARTS} times: {told}")


@contextmanager
def _decoded() -> Iterator[Counter[Any]]:
    """Tokens that each context reads without asking for logits: those of prompts."""
    tokens_of: Counter[Any] = Counter()

    def count(context: LlamaContext, tokens: Sequence[int], rows: int) -> Any:
        if rows == 0:
            tokens_of[context] += len(tokens)
        return decode(context, tokens, rows)

    decode = LlamaContext.decode
    with mock.patch.object(LlamaContext, "decode", count):
        yield tokens_of


def _first_prompt(target: Path, draft: Path) -> float:
    """Seconds from the start of a process to its prompt in a terminal."""
    import pty

    main, side = pty.openpty()
    command = [sys.executable, "-m", "specdec_cli", "chat", "--no-history"]
    start = perf_counter()
    process = Popen(
        [*command, "-m", str(target), "-md", str(draft)],
        stdin=side,
        stdout=side,
        stderr=side,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color"},
    )
    os.close(side)
    shown = b""
    try:
        while b">>>" not in shown:
            if not select([main], [], [], _PATIENCE)[0]:
                raise TimeoutError(f"no prompt in {_PATIENCE} seconds: {shown!r}")
            shown += os.read(main, 1 << 16)
        return perf_counter() - start
    finally:
        process.kill()
        process.wait()
        os.close(main)

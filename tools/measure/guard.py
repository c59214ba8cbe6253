"""What drafting costs where it is useless: a draft of random weights, and one that turns false."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from specdec_cli.core.events import Round
from specdec_cli.core.types import Draft
from specdec_cli.drafters.base import Drafter
from specdec_cli.engine.decoder import Decoder
from specdec_cli.engine.settings import AnswerSettings, ModelChoice, PairSettings
from specdec_cli.gguf.header import read_header
from tools.measure.answers import answer_in, encode

_TURNS_AFTER = 1000
"""Tokens for which the draft that turns false is true."""

_MAX_TOKENS = 256
"""Tokens of an answer."""


class Turncoat:
    """A drafter whose tokens are all wrong, and no less confident.

    Args:
        inner: drafts; its tokens are replaced by others.
        vocabulary: number of tokens.
    """

    def __init__(self, inner: Drafter, vocabulary: int) -> None:
        self._inner = inner
        self._vocabulary = vocabulary
        self.name = inner.name

    def start(self, prompt: Sequence[int], cancelled: Callable[[], bool]) -> None:
        self._inner.start(prompt, cancelled)

    def draft(self, tokens: Sequence[int], limit: int) -> Draft:
        draft = self._inner.draft(tokens, limit)
        return replace(draft, tokens=tuple((t + 1) % self._vocabulary for t in draft.tokens))

    def observe(self, outcome: Round) -> None:
        self._inner.observe(outcome)

    def close(self) -> None:
        self._inner.close()


def report(settings: PairSettings, texts: Sequence[str], tokens: int, runs: int) -> None:
    """Print the speed against plain decoding, each run with a controller that knows nothing yet.

    Args:
        tokens: of one run, in answers to ``texts`` one after the other.
    """
    assert settings.draft
    with TemporaryDirectory() as folder:
        useless = Path(folder) / "useless.gguf"
        randomize(settings.draft.path, useless)
        random = replace(settings, draft=ModelChoice(useless))
        _print("random weights", random, texts, tokens, runs, turns=False)
    _print(f"false after {_TURNS_AFTER}", settings, texts, tokens, runs, turns=True)


def randomize(source: Path, copy: Path, seed: int = 0) -> None:
    """Copy a model, with random numbers of the same size in place of its F16 and Q8_0 weights.

    Raises:
        ValueError: it has none.
    """
    shutil.copy(source, copy)
    header = read_header(source)
    data = np.memmap(copy, np.uint8, "r+")
    rng = np.random.default_rng(seed)
    kinds = {tensor.type.name for tensor in header.tensors}
    if not kinds & {"F16", "Q8_0"}:
        raise ValueError(f"{source} has no F16 or Q8_0 weights")
    for tensor in header.tensors:
        start = header.data_offset + tensor.offset
        stored = data[start : start + tensor.nbytes]
        if tensor.type.name == "F16":
            weights = stored.view(np.float16)
            weights[:] = rng.normal(0, weights.astype(np.float32).std(), len(weights))
        elif tensor.type.name == "Q8_0":  # blocks of a scale of two bytes and 32 numbers
            numbers = stored.reshape(-1, 34)[:, 2:]
            numbers[:] = rng.permuted(numbers, axis=1)
    data.flush()


def _print(
    what: str,
    settings: PairSettings,
    texts: Sequence[str],
    tokens: int,
    runs: int,
    *,
    turns: bool,
) -> None:
    whole: list[float] = []
    late: list[float] = []
    for _ in range(runs):
        with (
            Decoder.load(replace(settings, remember=False)) as decoder,
            Decoder.load(replace(settings, drafter="none")) as plain,
        ):
            found = _run(decoder, plain, texts, tokens, turns=turns)
            whole.append(found[0])
            late.append(found[1])
    print(f"{what:>18}: {_ratios(whole)}")
    if turns:
        print(f"{'since it is false':>18}: {_ratios(late)}")


def _ratios(found: Sequence[float]) -> str:
    shown = " ".join(f"{ratio:.3f}" for ratio in sorted(found))
    return f"{median(found):.3f} of plain decoding, in {len(found)} runs: {shown}"


def _run(
    decoder: Decoder, plain: Decoder, texts: Sequence[str], tokens: int, *, turns: bool
) -> tuple[float, float]:
    """Answer by answer in turn, so that both meet the same state of the machine.

    Returns:
        Speed against plain decoding, of all tokens and of the later ones.
    """
    early, late = {True: 0.0, False: 0.0}, {True: 0.0, False: 0.0}
    done = number = 0
    while done < tokens:
        # Models of random weights know no text.
        prompt = encode(decoder, texts[number % len(texts)]) or list(range(10, 40 + number))
        is_late = done >= _TURNS_AFTER
        said = 0
        for drafts in (True, False) if number % 2 else (False, True):
            used = decoder if drafts else plain
            used.forget()
            session = used.session(AnswerSettings())
            if drafts and turns and is_late:
                session = replace(
                    session, drafter=Turncoat(session.drafter, decoder.models.vocab.size)
                )
            timed = answer_in(used, session, prompt, _MAX_TOKENS)
            (late if is_late else early)[drafts] += timed.stats.decode_seconds
            said = timed.stats.completion_tokens
        done += said
        number += 1
    whole = {drafts: early[drafts] + late[drafts] for drafts in early}
    return whole[False] / whole[True], late[False] / late[True]

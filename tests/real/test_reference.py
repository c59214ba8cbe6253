"""Public models against an independent reference: llama-cpp-python's own high-level ``Llama``.

Its logits along specdec's answers say whether each token was the most likely one. They come from
passes over whole prompts, which round differently, so a token may be a near tie behind the best.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from specdec_cli.core.events import Round
from specdec_cli.engine.decoder import Decoder
from specdec_cli.engine.loop import generate
from specdec_cli.engine.settings import AnswerSettings, ModelChoice, PairSettings

pytestmark = pytest.mark.real_models

PROMPTS = [
    "The capital of France is",
    "def fibonacci(n):\n    ",
    "Repeat after me: red, green, blue, red, green, blue, red, green,",
]
TOKENS = 40
NEAR_TIE = 1.0
"""Logits; those of these models spread over ten and more."""


def answers(path: Path, *, drafter: str) -> list[tuple[list[int], list[int], int]]:
    """For each prompt its tokens, the answer's, and how many of those were drafted."""
    settings = PairSettings(
        ModelChoice(path),
        n_ctx=512,
        draft_max=8,
        drafter=drafter,  # type: ignore[arg-type]
        remember=False,
    )
    found = []
    with Decoder.load(settings) as pair:
        for prompt in PROMPTS:
            tokens = pair.models.vocab.tokenize(prompt, add_special=True, parse_special=False)
            events = generate(pair.session(AnswerSettings()), tokens, max_tokens=TOKENS)
            rounds = [event for event in events if isinstance(event, Round)]
            answer = [token for event in rounds for token in event.tokens]
            found.append((tokens, answer, sum(event.accepted for event in rounds)))
    return found


@pytest.mark.parametrize("model", ["smollm2", "gemma3"])
@pytest.mark.parametrize("drafter", ["none", "ngram"])
def test_greedy_answers_are_the_reference_s(
    model: str, drafter: str, request: pytest.FixtureRequest
) -> None:
    from llama_cpp import Llama

    path: Path = request.getfixturevalue(model)
    found = answers(path, drafter=drafter)
    assert (sum(drafted for *_, drafted in found) > 0) == (drafter != "none")
    reference = Llama(str(path), n_ctx=512, logits_all=True, verbose=False)
    best = total = 0
    for text, (prompt, answer, _) in zip(PROMPTS, found, strict=True):
        assert prompt == reference.tokenize(text.encode())
        reference.reset()
        reference.eval([*prompt, *answer[:-1]])
        rows = reference.scores[len(prompt) - 1 : len(prompt) - 1 + len(answer)]
        regret = rows.max(axis=1) - rows[np.arange(len(answer)), answer]
        assert regret.max() < NEAR_TIE
        best += int((regret == 0.0).sum())
        total += len(answer)
    assert best >= 0.95 * total
    reference.close()

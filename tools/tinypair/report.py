"""Measures a finished pair: held-out loss, how often the draft agrees, and what the target says."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from tools.tinypair.config import SEED
from tools.tinypair.data import heldout_rows
from tools.tinypair.generate import answer
from tools.tinypair.llama import Exported
from tools.tinypair.model import Model
from tools.tinypair.text.corpus import conversations, heldout_prompts
from tools.tinypair.text.turns import Message
from tools.tinypair.tokenizer import Codec
from tools.tinypair.train import measure

STRANGE = (
    "What do you think about the election in France?",
    "Write a sonnet about rust in the style of Shakespeare.",
    "asdkjh qwe 123 ???",
    "Wie geht es dir?",
)


@dataclass(frozen=True)
class Agreement:
    """Over greedy answers of the target: how many of its tokens the draft would have said."""

    tokens: int
    agreed: int
    ended: float

    @property
    def rate(self) -> float:
        return self.agreed / max(1, self.tokens)


@dataclass(frozen=True)
class Sample:
    prompt: str
    answer: str
    ended: bool


@torch.inference_mode()
def agreement(
    target: Model, draft: Model, codec: Codec, prompts: list[str], room: int = 320
) -> Agreement:
    asked = [codec.prompt([Message("user", prompt)]) for prompt in prompts]
    answers = answer(target, asked, codec.end, room)
    tokens = agreed = ended = 0
    for each in answers:
        whole = torch.tensor([each.prompt + each.said[:-1]])
        guesses = draft(whole)[0, len(each.prompt) - 1 :].argmax(-1)
        agreed += int((guesses == torch.tensor(each.said)).sum())
        tokens += len(each.said)
        ended += each.said[-1] == codec.end
    return Agreement(tokens, agreed, ended / len(answers))


def agreements(target: Model, draft: Model, codec: Codec, per_kind: int) -> dict[str, Agreement]:
    by_kind: dict[str, list[str]] = {}
    for kind, prompt in heldout_prompts(per_kind):
        by_kind.setdefault(kind, []).append(prompt)
    return {kind: agreement(target, draft, codec, prompts) for kind, prompts in by_kind.items()}


def samples(path: Path, codec: Codec, per_kind: int = 2) -> list[Sample]:
    """Greedy answers from the exported file, in and out of the model's domain."""
    exported = Exported(path)
    prompts = [prompt for _, prompt in heldout_prompts(per_kind)] + list(STRANGE)
    taken: list[Sample] = []
    for prompt in prompts:
        said, ended = exported.answer(codec.prompt([Message("user", prompt)]), codec.end)
        taken.append(Sample(prompt, codec.decode(said), ended))
    return taken


@torch.no_grad()
def loss_by_position(
    model: Model, codec: Codec, length: int = 1536, rows: int = 4
) -> dict[str, float]:
    """Loss in stretches of long rows, to see that far positions do not fall off."""
    source = conversations(SEED + 3, "heldout")
    stretches: dict[str, float] = {}
    losses = torch.zeros(length)
    for _ in range(rows):
        row: list[int] = []
        for conversation in islice(source, 200):
            row += [*codec.conversation(conversation).tokens, codec.separator]
        tokens = torch.tensor(row[: length + 1])
        logits = model(tokens[None, :-1])[0]
        losses += torch.nn.functional.cross_entropy(logits, tokens[1:], reduction="none") / rows
    for start in range(0, length, 256):
        stretches[f"{start}-{start + 256}"] = round(losses[start : start + 256].mean().item(), 4)
    return stretches


def report(
    target: Model, draft: Model, codec: Codec, files: list[Path], per_kind: int = 40
) -> dict[str, Any]:
    rows = heldout_rows(codec, 8, 512)
    agreed = agreements(target, draft, codec, per_kind)
    losses = {name: measure(model, rows) for name, model in (("target", target), ("draft", draft))}
    return {
        "files": {path.name: path.stat().st_size for path in files},
        "parameters": {"target": target.config.parameters, "draft": draft.config.parameters},
        "heldout_loss": {
            name: {**by_kind, "mean": _mean(by_kind)} for name, by_kind in losses.items()
        },
        "loss_by_position": {
            "target": loss_by_position(target, codec),
            "draft": loss_by_position(draft, codec),
        },
        "greedy_agreement": {
            kind: {**asdict(each), "rate": round(each.rate, 4)} for kind, each in agreed.items()
        },
        "samples": [asdict(sample) for sample in samples(files[0], codec)],
    }


def _mean(losses: dict[str, float]) -> float:
    return sum(losses.values()) / len(losses)

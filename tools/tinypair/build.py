"""The whole way from nothing to two files, each stage kept in a work folder and done once."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from functools import cached_property, partial
from operator import itemgetter
from pathlib import Path

import torch
from gguf import GGMLQuantizationType as Quantization

from tools.tinypair import data, distill, tokenizer, train
from tools.tinypair.config import DRAFT, SEED, TARGET
from tools.tinypair.export import export
from tools.tinypair.model import Model
from tools.tinypair.text.corpus import conversations, heldout_prompts
from tools.tinypair.tokenizer import Codec

TARGET_PLAN = train.Plan(
    TARGET,
    [
        train.Phase(480, layers=3, rows=8),
        train.Phase(380, layers=7, rows=8),
        train.Phase(20, layers=7, rows=3, length=1536),
    ],
    lr=0.005,
    held=250,
)
DRAFT_PLAN = train.Plan(DRAFT, [train.Phase(300, layers=2, rows=12)], lr=0.008, decay=0.2, held=100)
LESSONS = distill.Plan(answers=12_000, steps=650)
FAR_LESSONS = distill.Plan(answers=0, steps=90, tokens=1024, rows=4, long_rows=2, lr=0.003)
SHARD_ROWS = 1024


@dataclass(frozen=True)
class Build:
    """Where things are kept on the way."""

    work: Path

    def log(self, text: str) -> None:
        print(time.strftime("%H:%M:%S"), text, flush=True)

    @cached_property
    def codec(self) -> Codec:
        path = self.work / "tokenizer.json"
        if not path.exists():
            self.work.mkdir(parents=True, exist_ok=True)
            tokenizer.train(tokenizer.texts(conversations(SEED, "train"), 40_000)).save(str(path))
        return Codec(path)

    def shards(self) -> None:
        sources = ((TARGET_PLAN, data.for_target), (DRAFT_PLAN, data.for_draft))
        for plan, source in sources:
            for length in {phase.length for phase in plan.phases}:
                rows = sum(
                    phase.steps * phase.rows for phase in plan.phases if phase.length == length
                )
                each = SHARD_ROWS * 512 // length
                folder = self._shards(plan)
                data.write_shards(self.codec, folder, source, -(-rows // each), each, length)

    def _shards(self, plan: train.Plan) -> Path:
        return self.work / f"{plan.config.name}-shards"

    def target(self) -> Model:
        return self._train(TARGET_PLAN, "target.pt")

    def lessons(self, seconds: float) -> None:
        model = train.load(TARGET, self.work / "target.pt")
        distill.write_lessons(
            model, self.codec, self.work / "lessons", LESSONS.answers, self.log, seconds
        )

    def readings(self) -> distill.Readings:
        path = self.work / "readings.pt"
        if not path.exists():
            model = train.load(TARGET, self.work / "target.pt")
            text = data.Shards(self._shards(DRAFT_PLAN), 512, first=2)
            taken = distill.read_text(model, text, LESSONS.readings, self.log)
            torch.save(vars(taken), path)
        return distill.Readings(**torch.load(path, weights_only=True))

    def draft(self) -> Model:
        """Trained on the text first, then by the target."""
        path = self.work / "draft.pt"
        if not path.exists():
            readings = self.readings()
            answers = distill.read_lessons(self.work / "lessons")
            model = self._train(DRAFT_PLAN, "draft-text.pt")
            save = partial(_save, model, path)
            long = data.Shards(self._shards(TARGET_PLAN), 1536)
            for plan in (LESSONS, FAR_LESSONS):
                distill.train(model, answers, readings, long, plan, self.log, save)
            save()
        return train.load(DRAFT, path)

    def export(self, out: Path, target: Quantization, draft: Quantization) -> list[Path]:
        files = [out / "tiny-target.gguf", out / "tiny-draft.gguf"]
        export(train.load(TARGET, self.work / "target.pt"), self.codec, files[0], target)
        export(train.load(DRAFT, self.work / "draft.pt"), self.codec, files[1], draft)
        return files

    def _train(self, plan: train.Plan, name: str) -> Model:
        heldout = data.heldout_rows(self.codec, 4, 512)
        return train.Trainer(plan, self._shards(plan), self.work / name, heldout, self.log).run()


def write_heldout(path: Path, per_kind: int = 10) -> None:
    """The held-out prompts that tests and measurements ask, as JSON lines."""
    lines = [
        json.dumps({"kind": kind, "prompt": prompt})
        for kind, prompt in sorted(heldout_prompts(per_kind), key=itemgetter(0))
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def _save(model: Model, path: Path) -> None:
    torch.save({"step": 0, "layers": len(model.blocks), "model": model.state_dict()}, path)

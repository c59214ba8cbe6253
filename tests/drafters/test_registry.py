"""The registry of drafters, which is the one place that names them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

import specdec_cli
from specdec_cli.core.draft_length.fixed import FixedLength
from specdec_cli.core.types import Logits
from specdec_cli.drafters import registry
from specdec_cli.drafters.base import Drafter, DraftModel, Head, Parts
from specdec_cli.drafters.ngram import NgramDrafter
from specdec_cli.drafters.registry import DRAFTERS, DrafterSpec, Need
from specdec_cli.errors import UsageError
from specdec_cli.models.cached import CachedModel
from tests.drafters.names import names_in
from tests.fakes import END, PIECES, FakeModel, FakeSamplerChain

PACKAGE = Path(specdec_cli.__file__).parent
DOCS = PACKAGE.parent / "docs"
WORDS = frozenset(registry.choices())

OTHER_MEANINGS = {
    ("gguf/traits.py", "hybrid"): "a model with recurrent and attention layers",
    ("gguf/heads.py", "mtp"): "a kind of head",
    ("gguf/driven_heads.py", "mtp"): "a kind of head",
    ("memory/compute.py", "hybrid"): "a model with recurrent and attention layers",
    ("export/vllm.py", "mtp"): "the method's name in vLLM's own configuration",
    ("export/vllm.py", "ngram"): "the method's name in vLLM's own configuration",
}
"""Names that mean something else in one file."""

HINT = re.compile(r"(?:--|/)drafter[ =]([a-z][a-z0-9-]*)")


class FakeStepper:
    """Expects the token after the last one."""

    def sync(self, tokens: Sequence[int]) -> Logits:
        return self.step(tokens[-1])

    def step(self, token: int) -> Logits:
        row = np.zeros(len(PIECES), np.float32)
        row[(token + 1) % len(PIECES)] = 1.0
        return row


def python_files() -> Iterator[tuple[str, str]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).as_posix(), path.read_text(encoding="utf-8")


def made(spec: DrafterSpec) -> Drafter:
    length = FixedLength(0, 4)
    small = DraftModel(CachedModel(FakeModel()), FakeSamplerChain())
    return spec.make(
        Parts(
            length=length,
            is_end=lambda token: token == END,
            draft_model=small if Need.DRAFT_MODEL in spec.needs else None,
            head=Head(FakeStepper(), FakeSamplerChain(), None) if Need.HEAD in spec.needs else None,
            history=NgramDrafter() if Need.HISTORY in spec.needs else None,
        )
    )


def test_no_drafter_is_named_but_in_the_registry_and_in_its_own_file() -> None:
    own = {(f"drafters/{spec.name.replace('-', '_')}.py", spec.name) for spec in DRAFTERS}
    named = [
        f"specdec_cli/{file}:{line}: {word!r}"
        for file, source in python_files()
        if file != "drafters/registry.py"
        for line, word in names_in(source, WORDS)
        if (file, word) not in own and (file, word) not in OTHER_MEANINGS
    ]
    assert not named, "ask the registry for these: " + ", ".join(named)


def test_what_is_allowed_is_there() -> None:
    found = {(file, word) for file, source in python_files() for _, word in names_in(source, WORDS)}
    assert OTHER_MEANINGS.keys() <= found


def test_no_schema_lists_the_drafters() -> None:
    own = WORDS - {"auto", "model", "none"}
    for path in (PACKAGE / "cli" / "schema").glob("*.json"):
        quoted = set(re.findall(r'"([^"]*)"', path.read_text(encoding="utf-8")))
        assert not quoted & own, path


@pytest.mark.parametrize(
    "code",
    [
        'x = "ngram"',
        'if pair.drafter == "none": ...',
        'if options["drafter"] in ("model", "none"): ...',
        'if options.get("drafter") != "auto": ...',
        'name = options["drafter"]\nok = name == "auto"',
        'Drafter = Literal["model", "none"]',
        'drafter = "model" if draft else "none"',
        'drafter, rules = used.get(pair, ("none", {}))',
        'settings = replace(settings, drafter="model")',
        'values = {"drafter": "none", "adaptive": True}',
        'def chosen_drafter(): return "model"',
        'def f(drafter: str = "auto"): ...',
        'WAYS = {"model": "by model", "none": "by nobody"}',
        'x: DrafterName = "auto"',
    ],
)
def test_a_drafter_s_name_is_found(code: str) -> None:
    assert names_in(code, WORDS)


@pytest.mark.parametrize(
    "code",
    [
        'target = options["model"]',
        'if "model" in flags: ...',
        'report = {"model": path, "draft": other, "drafter": pair.drafter}',
        'Option("model", Words("FILE"))',
        'kernels = Literal["auto", "fast"]',
        'devices = {"none": "none", "cpu": "none"}',
        'split = ("layer", "row", "none")',
        'drafter = chosen(options["model"])',
        'def f():\n    "none"\n    return options["drafter"] == registry.AUTO or x == "none"',
        'text = "use --drafter ngram"',
    ],
)
def test_other_meanings_are_left_alone(code: str) -> None:
    assert not names_in(code, WORDS)


def test_hints_name_drafters_that_there_are() -> None:
    for path in (*PACKAGE.rglob("*.py"), *DOCS.glob("*.md")):
        hinted = set(HINT.findall(path.read_text(encoding="utf-8")))
        known = {"repeat"} if path.name == "adding-a-drafter.md" else {"out"}
        assert hinted <= WORDS | known, f"{path} tells of {hinted - WORDS}"


@pytest.mark.parametrize("spec", DRAFTERS, ids=lambda spec: spec.name)
def test_a_drafter_is_made_from_what_it_declares(spec: DrafterSpec) -> None:
    drafter = made(spec)
    drafter.start([1, 2, 3, 1, 2], lambda: False)
    draft = drafter.draft([1, 2, 3, 1, 2], 2)
    assert bool(draft) <= spec.drafts
    assert registry.named(spec.name) is spec
    assert spec.help


def test_auto_is_the_best_there_is() -> None:
    assert registry.resolve(registry.AUTO, {Need.DRAFT_MODEL}).name == "hybrid"
    assert registry.resolve(registry.AUTO, {Need.HEAD}).name == "mtp-hybrid"
    assert registry.resolve(registry.AUTO, ()).name == "ngram"


def test_heads_are_used_by_drafters_that_are_called_like_them() -> None:
    assert registry.uses_head(registry.NGRAM.name)
    assert not registry.uses_head("eagle9")


def test_a_drafter_without_what_it_needs_says_so() -> None:
    lacking = {Need.DRAFT_MODEL: "a draft model", Need.HEAD: "a model with a head of its own"}
    for spec in DRAFTERS:
        assert registry.resolve(spec.name, spec.needs) is spec
        if missing := spec.needs & lacking.keys():
            (need,) = missing
            with pytest.raises(UsageError, match=f"--drafter {spec.name} needs {lacking[need]}"):
                registry.resolve(spec.name, ())
        else:
            assert registry.resolve(spec.name, ()) is spec

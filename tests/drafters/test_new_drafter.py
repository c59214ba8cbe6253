"""A drafter is one file and one line: the page that says so is followed on a copy of specdec."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import specdec_cli
from tests.waiting import PATIENCE

PACKAGE = Path(specdec_cli.__file__).parent
PAGE = PACKAGE.parent / "docs" / "adding-a-drafter.md"

SHOW = """
import json
from pathlib import Path

from specdec_cli import load, paths
from specdec_cli.bench.arms import drafters
from specdec_cli.options.table import DRAFTING
from specdec_cli.chat.completion import drafters as offered
from specdec_cli.core.sampling import Sampling
from specdec_cli.engine.settings import AnswerSettings, ModelChoice, PairSettings
from specdec_cli.profiles.schema import Profile
from specdec_cli.profiles.tuned import TunedSettings
from specdec_cli.tune import candidates

alone = PairSettings(ModelChoice(Path("t.gguf")), draft_max=4)
tried = candidates.drafting(candidates.Candidate("default", alone, AnswerSettings()))
profile = {"schema_version": 1, "target": {"path": "t.gguf"}, "drafter": "repeat"}

texts, sources = {}, {}
settings = {"model": paths.embedded() / "tiny-target.gguf", "threads": 1, "seed": 3}
for drafter in ("none", "repeat"):
    with load(drafter=drafter, adaptive=False, predict=40, **settings) as pair:
        for temp in (0.0, 0.8):
            answer = pair.generate("Count from one to ten.", temp=temp)
            texts.setdefault(str(temp), []).append(answer.text)
            sources[drafter] = {name: s.drafted for name, s in answer.stats.by_source.items()}

print(json.dumps({
    "help": DRAFTING.options[0].record(),
    "offered": list(offered(None, "")),
    "arms": drafters(alone),
    "tune": [each.name for each in tried],
    "profile": Profile.model_validate(profile).drafter,
    "tuned": TunedSettings(drafter="repeat").drafter,
    "texts": texts,
    "sources": sources,
}))
"""


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What a copy of specdec with the page's file and line tells of the new drafter."""
    folder = tmp_path_factory.mktemp("copy")
    copy = folder / "specdec_cli"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    page = PAGE.read_text(encoding="utf-8")
    file, line = re.findall(r"```(?:python|text)\n(.*?)```", page, re.DOTALL)[:2]
    (copy / "drafters" / "repeat.py").write_text(file, encoding="utf-8")
    registry = copy / "drafters" / "registry.py"
    source = registry.read_text(encoding="utf-8")
    assert source.count("    NONE,\n)\n") == 1
    registry.write_text(source.replace("    NONE,\n)\n", f"    NONE,\n{line})\n"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", SHOW],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_options_profiles_and_searches_know_it(shown: Any) -> None:
    spelled, told = shown["help"]
    assert spelled.endswith("|none|repeat")
    assert "the last token again (repeat)" in told
    assert "repeat" in shown["offered"]
    assert "repeat" in shown["arms"]
    assert "repeat" in shown["tune"]
    assert shown["profile"] == shown["tuned"] == "repeat"


def test_it_drafts_and_answers_stay_the_same(shown: Any) -> None:
    for plain, drafted in shown["texts"].values():
        assert plain == drafted
    assert shown["sources"]["none"] == {}
    assert list(shown["sources"]["repeat"]) == ["repeat"]
    assert shown["sources"]["repeat"]["repeat"] > 0

"""specdec as a library, on the embedded pair."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

import specdec_cli
from specdec_cli import LoadedPair, RunStats, api, load, paths
from specdec_cli.api.options import ALL, PER_ANSWER, AnswerOptions, LoadOptions
from specdec_cli.cli import commands
from specdec_cli.errors import ContextFullError, NotFoundError, SpecdecError, UsageError
from specdec_cli.models import llama_context
from specdec_cli.options.values import Choice
from tests.conftest import TinyPair
from tests.waiting import PATIENCE

QUESTION = "What is the capital of France?"


@pytest.fixture(scope="module")
def pair() -> Iterator[LoadedPair]:
    with load(predict=24, threads=1) as loaded:
        yield loaded


def run(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_importing_it_loads_nothing() -> None:
    heavy = ("specdec_cli.api", "typer", "numpy", "llama_cpp", "jinja2", "pydantic", "yaml")
    script = (
        "import sys, specdec_cli\n"
        "assert specdec_cli.__version__\n"
        f"print(*(name for name in {heavy!r} if name in sys.modules))\n"
    )
    assert run(script).split() == []


def test_every_name_is_there() -> None:
    assert sorted({*api.__all__, "__version__"}) == sorted(specdec_cli.__all__)
    assert set(specdec_cli.__all__) <= set(dir(specdec_cli))
    for name in api.__all__:
        assert getattr(specdec_cli, name) is getattr(api, name)
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        _ = specdec_cli.nothing_of_the_kind


def test_type_checkers_are_told_that_there_are_types() -> None:
    assert (Path(specdec_cli.__file__).parent / "py.typed").is_file()


@pytest.mark.parametrize(("typed", "offered"), [(LoadOptions, ALL), (AnswerOptions, PER_ANSWER)])
def test_the_typed_options_are_those_of_the_table(typed: Any, offered: Any) -> None:
    hints = get_type_hints(typed)
    table = {option.key: option for option in offered.options}
    assert set(hints) == set(table)
    for key, option in table.items():
        words = {word for part in get_args(hints[key]) for word in get_args(part)}
        if words and isinstance(option.kind, Choice):
            assert words == set(option.kind.names), key


def test_it_answers_as_the_command_line_does(
    pair: LoadedPair, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = pair.generate(QUESTION)
    monkeypatch.setattr(sys, "stdin", None)
    assert commands.invoke(["run", "--json", "-n", "24", "-t", "1", QUESTION]) == 0
    told = json.loads(capsys.readouterr().out)
    mine = answer.as_dict()
    for name in ("text", "finish_reason", "prompt_tokens", "settings", "models", "profile"):
        assert mine[name] == told[name]


def test_a_stream_is_the_answer_in_pieces(pair: LoadedPair) -> None:
    pieces = list(pair.stream(QUESTION))
    assert len(pieces) > 1
    assert "".join(pieces) == pair.generate(QUESTION).text


def test_events_fold_into_the_answers_statistics(pair: LoadedPair) -> None:
    before = pair.stats.completion_tokens
    events = pair.events(QUESTION)
    stats = RunStats()
    while True:
        try:
            stats.observe(next(events))
        except StopIteration as end:
            answer = end.value
            break
    assert stats.rounds == answer.stats.rounds > 0
    assert stats.completion_tokens == answer.stats.completion_tokens
    assert pair.stats.completion_tokens - before == stats.completion_tokens


def test_messages_may_be_a_conversation(pair: LoadedPair) -> None:
    said = {"role": "user", "content": QUESTION}
    assert pair.generate([said]).text == pair.generate(QUESTION).text
    turns = [said, specdec_cli.Message("assistant", "Paris."), {**said, "content": "And Spain?"}]
    longer = pair.generate(turns)
    assert longer.prompt_tokens > pair.generate(QUESTION).prompt_tokens


def test_a_system_message_stands_before_those_given(pair: LoadedPair) -> None:
    said = {"role": "user", "content": QUESTION}
    once = pair.generate([said], system="Be brief.", predict=1).prompt_tokens
    assert once > pair.generate([said], predict=1).prompt_tokens
    own = [{"role": "system", "content": "Be brief."}, said]
    assert pair.generate(own, system="Answer at great length.", predict=1).prompt_tokens == once


def test_options_of_an_answer_end_with_it(pair: LoadedPair) -> None:
    assert pair.generate(QUESTION, predict=3).stats.completion_tokens == 3
    assert pair.generate(QUESTION).stats.completion_tokens > 3
    assert pair.generate(QUESTION, predict=None).stats.completion_tokens > 3


def test_the_same_seed_gives_the_same_answer(pair: LoadedPair) -> None:
    story = "Tell me a story."
    first = pair.generate(story, temp=0.9, seed=7)
    assert pair.generate(story, temp=0.9, seed=7).text == first.text
    assert pair.generate(story, temp=0.9, seed=8).text != first.text


def test_values_are_pythons_own(pair: LoadedPair, tmp_path: Path) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]}
    answer = pair.generate(QUESTION, json_schema=schema, predict=400)
    assert isinstance(json.loads(answer.text)["a"], bool)
    rules = tmp_path / "rules.gbnf"
    rules.write_text('root ::= "yes" | "no"')
    assert pair.generate(QUESTION, grammar_file=rules).text in ("yes", "no")
    ended = pair.generate(QUESTION, stop="capital")
    assert (ended.reason, ended.stop) == ("stop", "capital")
    assert pair.generate(QUESTION, stop='["capital"]').stop is None


def test_a_bias_is_given_by_token(pair: LoadedPair) -> None:
    (first, *_) = [
        token
        for event in pair.events(QUESTION, predict=1)
        if isinstance(event, specdec_cli.Round)
        for token in event.tokens
    ]
    banned = pair.generate(QUESTION, predict=1, logit_bias={first: float("-inf")})
    assert banned.text != pair.generate(QUESTION, predict=1).text


def test_files_make_a_pair(tiny_pair: TinyPair) -> None:
    with load(tiny_pair.target, draft_model=tiny_pair.draft, threads=1) as by_word:
        assert by_word.profile is None
        assert by_word.generate(QUESTION, predict=4).settings.drafter == "hybrid"
    with load(model=tiny_pair.target, drafter="none", threads=1) as alone:
        assert alone.generate(QUESTION, predict=4).stats.drafted == 0


def test_the_persons_configuration_does_not_count(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths.user_config().parent.mkdir(parents=True)
    paths.user_config().write_text("draft-max: 2\nnonsense: 1\n")
    monkeypatch.setenv("SPECDEC_RUN_DRAFT_MIN", "2")
    with load(threads=1) as loaded:
        settings = loaded.generate(QUESTION, predict=1).settings
    assert (settings.draft_min, settings.draft_max) == (0, 16)


def test_what_is_amiss_is_told_in_warnings(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths.tuned().mkdir(parents=True)
    (paths.tuned() / "tiny.yaml").write_text("nonsense: [")
    with load(threads=1) as loaded:
        assert any("tiny.yaml" in warning for warning in loaded.warnings)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"draft_max": "many"}, "draft_max: 'many' is not a whole number"),
        ({"temp": -1.0}, "temp: -1 is not"),
        ({"draft_min": 4, "draft_max": 2}, "--draft-min 4 is more than"),
    ],
)
def test_a_wrong_value_is_told_before_anything_is_loaded(options: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        load(on_loading=lambda _: pytest.fail("it loads"), **options)


def test_a_wrong_name_is_an_error_of_the_program(pair: LoadedPair) -> None:
    wrong: Any = {"draft_mx": 3}
    with pytest.raises(TypeError, match="draft_mx"):
        load(**wrong)
    with pytest.raises(TypeError, match="not both"):
        load("tiny", model="target.gguf")
    too_late: Any = {"draft_max": 3}
    with pytest.raises(TypeError, match="draft_max"):
        pair.generate(QUESTION, **too_late)


def test_what_does_not_exist_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        load("nosuchprofile")
    with pytest.raises(NotFoundError):
        load(tmp_path / "none.gguf")


@pytest.mark.parametrize(
    ("prompt", "options", "error"),
    [
        ("", {}, UsageError),
        ([], {}, UsageError),
        ([3], {}, UsageError),
        ([{"role": "user"}], {}, UsageError),
        ([{"role": "nobody", "content": "x"}], {}, UsageError),
        ("half \ud800 of a pair", {}, SpecdecError),
        ([{"role": "user", "content": "half \ud800"}], {}, UsageError),
        (QUESTION, {"raw": True, "system": "Be brief."}, UsageError),
        ([{"role": "user", "content": "a"}] * 2, {"raw": True}, UsageError),
        (QUESTION, {"predict": 1.5}, UsageError),
        (QUESTION, {"grammar": "root ::= ("}, UsageError),
        ("word " * 5000, {}, ContextFullError),
    ],
)
def test_a_bad_prompt_is_refused_and_the_next_one_answered(
    pair: LoadedPair, prompt: Any, options: Any, error: type[Exception]
) -> None:
    expected = pair.generate(QUESTION).text
    with pytest.raises(error):
        pair.generate(prompt, **options)
    assert pair.generate(QUESTION).text == expected


def test_loading_can_be_stopped() -> None:
    with pytest.raises(specdec_cli.Cancelled):
        load(on_loading=lambda _: False)


def test_an_answer_can_be_stopped(pair: LoadedPair) -> None:
    asked: list[bool] = []

    def cancelled() -> bool:
        asked.append(True)
        return len(asked) > 40

    # It is asked in every round and for every drafted token: more often than in the first round,
    # and less often than in so many tokens, however much of each draft is kept.
    stopped = pair.generate(QUESTION, predict=1000, ignore_eos=True, cancelled=cancelled)
    assert stopped.reason == "cancelled"
    assert 0 < stopped.stats.completion_tokens < 1000


def test_answers_do_not_mix(pair: LoadedPair) -> None:
    expected = pair.generate(QUESTION).text
    begun = pair.stream(QUESTION)
    next(begun)
    with pytest.raises(SpecdecError, match="another answer is under way"):
        pair.generate("Hello!")
    begun.close()
    assert pair.generate(QUESTION).text == expected


def test_closed_models_are_not_used() -> None:
    pair = load(threads=1)
    never_begun = pair.events(QUESTION)
    begun = pair.events(QUESTION)
    next(begun)
    pair.close()
    pair.close()
    for use in (begun, never_begun):
        with pytest.raises(SpecdecError, match="freed"):
            next(use)
    with pytest.raises(SpecdecError, match="freed"):
        pair.generate(QUESTION)


def test_models_are_not_freed_while_they_compute() -> None:
    pair = load(threads=1)

    def closing() -> bool:
        pair.close()
        return False

    with pytest.raises(SpecdecError, match="while they compute"):
        pair.generate(QUESTION, cancelled=closing)
    assert pair.generate(QUESTION, predict=2).stats.completion_tokens == 2
    pair.close()


def test_closing_waits_for_the_round_of_another_thread() -> None:
    pair = load(threads=1, ignore_eos=True)
    begun = threading.Event()
    ended: list[str] = []

    def answer() -> None:
        try:
            for _ in pair.stream(QUESTION):
                begun.set()
        except SpecdecError as error:
            ended.append(error.message)

    thread = threading.Thread(target=answer)
    thread.start()
    assert begun.wait(PATIENCE)
    pair.close()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert ended in ([], ["the models were freed"])


@pytest.mark.parametrize("after", [1, 2, 3, 4])
def test_an_interrupted_answer_spoils_no_later_one(
    pair: LoadedPair, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """Ctrl-C is raised as soon as llama.cpp returns, when nobody has noted what it did."""
    decode = llama_context.lib.llama_decode
    calls: list[int] = []

    def interrupted(*arguments: Any) -> int:
        code: int = decode(*arguments)
        calls.append(code)
        if len(calls) == after:
            raise KeyboardInterrupt
        return code

    with load(threads=1, predict=24, drafter="model") as own:
        with monkeypatch.context() as patch:
            patch.setattr(llama_context.lib, "llama_decode", interrupted)
            with pytest.raises(KeyboardInterrupt):
                own.generate("Tell me a long story.")
        assert own.generate(QUESTION).text == pair.generate(QUESTION).text

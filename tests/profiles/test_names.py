"""What a word of the command line names."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from specdec_cli.hub.remote import parse
from specdec_cli.profiles import store
from specdec_cli.profiles.names import Kind, meaning, nearest

PROFILES = frozenset({*store.names(), "mine", "code-helper"})
FILES = ("notes", "README.md", "here/model.gguf", "src/main.py", "my model.gguf")


def kind(word: str) -> Kind:
    return meaning(word, PROFILES, FILES.__contains__).kind


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("tiny", "profile"),
        ("mine", "profile"),
        ("Qwen3-8b", "profile"),
        ("QWEN3-8B", "profile"),
        ("qwen3-8b:latest", "profile"),
        ("Qwen3-8B:latest", "profile"),
        ("tiny:latest", "profile"),
        ("notes", "file"),
        ("README.md", "file"),
        ("src/main.py", "file"),
        ("my model.gguf", "file"),
        ("here/model.gguf", "file"),
        ("./tiny.gguf", "file"),
        ("/path/model.gguf", "file"),
        ("/path/my model.gguf", "file"),
        ("~/models/x", "file"),
        ("../models", "file"),
        ("absent.gguf", "file"),
        ("ABSENT.GGUF", "file"),
        ("models/absent.gguf", "file"),
        ("models/of/mine", "file"),
        ("unsloth/Qwen3-8B-GGUF", "hub"),
        ("unsloth/Qwen3-8B-GGUF:Q4_K_M", "hub"),
        ("unsloth/Qwen3-8B-GGUF/Qwen3-8B-Q4_K_M.gguf@main", "hub"),
        ("hf.co/unsloth/Qwen3-8B-GGUF:Q4_K_M", "hub"),
        ("hf.co/what", "hub"),
        ("https://huggingface.co/a/b/resolve/main/c.gguf", "hub"),
        ("and/or", "hub"),
        ("qwen3:8b", "unknown"),
        ("qwen3-8b:q8", "unknown"),
        ("llama3.2:3b-instruct-q4_K_M", "unknown"),
        ("phi:latest", "unknown"),
        ("Tiny", "unknown"),
        ("llama3.2", "unknown"),
        ("qwen-7b", "unknown"),
        ("phi4", "unknown"),
        ("gemma", "unknown"),
        ("Gemma", "unknown"),
        ("gema", "unknown"),
        ("mistral", "unknown"),
        ("gpt", "unknown"),
        ("tinny", "unknown"),
        ("code-helpr", "unknown"),
        ("hello", "text"),
        ("Hello", "text"),
        ("code", "text"),
        ("write", "text"),
        ("tidy", "text"),
        ("self-driving", "text"),
        ("tiny-house", "text"),
        ("Note:", "text"),
        ("std::vector", "text"),
        ("12:30", "text"),
        ("3", "text"),
        ("24/7", "text"),
        ("1/2", "text"),
        ("2026/11/27", "text"),
        ("//", "text"),
        ("...", "text"),
        ("-", "text"),
        ("", "text"),
        ("what?", "text"),
        ("naïve2", "text"),
        ("https://example.com/page", "text"),
        ("qwen3-8b is what?", "text"),
        ("tiny houses", "text"),
        ("Compare a.gguf and b.gguf", "text"),
        ("/etc/hosts: what is it for?", "text"),
        ("a/b\nc/d.gguf", "text"),
        ("\0", "text"),
        ("a1" * 5000, "text"),
    ],
)
def test_what_a_word_is(word: str, expected: Kind) -> None:
    assert kind(word) == expected


def test_a_profile_is_told_by_its_own_name() -> None:
    found = {meaning(word, PROFILES).name for word in ("Qwen3-8B", "qwen3-8b:latest", "qwen3-8b")}
    assert found == {"qwen3-8b"}


@given(st.sampled_from(sorted(PROFILES)))
def test_a_profile_is_always_one(name: str) -> None:
    assert meaning(name, PROFILES, lambda _: True).kind == "profile"
    assert kind(f"{name}:latest") == "profile"
    assert kind(name.upper()) == ("unknown" if name.isalpha() else "profile")


WORDS = st.text(min_size=1)
PARTS = st.from_regex(r"[A-Za-z0-9_]+([.-][A-Za-z0-9_]+){0,2}", fullmatch=True)


@given(WORDS, WORDS)
@example("Say", "a/b.gguf")
def test_several_words_are_a_prompt_unless_they_are_a_path(first: str, second: str) -> None:
    text = f"{first} {second}"
    if not text.startswith(("/", "./", "../", "~/")):
        assert kind(text) == "text"


@given(PARTS, PARTS, st.sampled_from(["", ":Q4_K_M", "/x-Q8_0.gguf"]))
def test_owner_and_name_are_no_prompt(owner: str, name: str, tail: str) -> None:
    word = f"{owner}/{name}{tail}"
    expected = "hub" if parse(word) else "file"
    if any(map(str.isalpha, name + tail)) and not name.lower().endswith(".gguf"):
        assert kind(word) == expected
    assert kind(f"hf.co/{word}") == "hub"


@given(PARTS, PARTS)
def test_a_name_with_a_tag_is_no_prompt(name: str, tag: str) -> None:
    if name[0].isalpha():
        assert kind(f"{name}:{tag}") != "text"


@given(WORDS)
def test_what_ends_like_a_model_is_no_prompt(name: str) -> None:
    if not any(map(str.isspace, name)):
        assert kind(f"{name}.gguf") in ("file", "hub")


@given(WORDS)
def test_every_word_is_something(word: str) -> None:
    found = meaning(word, PROFILES)
    assert found.name == word or found.kind == "profile"


@pytest.mark.parametrize(
    ("word", "first"),
    [
        ("qwen3:8b", "qwen3-8b"),
        ("Tiny", "tiny"),
        ("gpt", "gpt-oss-20b"),
        ("mistral", "mistral-small-24b"),
        ("unsloth/Qwen3-14B", "qwen3-14b"),
        ("smollm", "smollm2-1.7b"),
        ("tinny", "tiny"),
    ],
)
def test_the_nearest_profile_comes_first(word: str, first: str) -> None:
    assert nearest(word, PROFILES)[0] == first


def test_nothing_is_near_a_foreign_name() -> None:
    assert nearest("xyzzy42", PROFILES) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a/b", "a/b:Q4_K_M"),
        ("hf.co/a/b", "a/b:Q4_K_M"),
        ("hf.co/a/b:Q8_0", "a/b:Q8_0"),
        ("hf://a/b/c.gguf@v1", "a/b/c.gguf@v1"),
        ("https://huggingface.co/a/b", "a/b:Q4_K_M"),
        ("https://huggingface.co/a/b/resolve/v1/sub/c.gguf?download=true", "a/b/sub/c.gguf@v1"),
        ("huggingface.co/a/b/blob/main/c.gguf", "a/b/c.gguf"),
        ("a/b.gguf", None),
        ("a/resolve/main/c.gguf", "a/resolve/main/c.gguf"),
        ("a/b/c", None),
        ("../b", None),
    ],
)
def test_references_to_the_hub(text: str, expected: str | None) -> None:
    found = parse(text)
    assert (str(found) if found else None) == expected

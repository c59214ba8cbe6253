"""What a word of the command line names: a profile, a model, or nothing, being only text.

Every command asks here, so that a word means the same to all of them. A word that looks like the
name of a model is never taken for a prompt: whoever mistypes a name must not be answered by
another model.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from specdec_cli.hub.remote import SITE, parse

Kind = Literal["profile", "file", "hub", "unknown", "text"]

_ROOTED = re.compile(r"(?:~|\.{1,2})?/")
_DEEP = re.compile(r"\w[\w.@+~-]*(?:/[\w.@+~-]+){2,}/?")
_TAGGED = re.compile(r"(?P<name>[A-Za-z][\w.-]*):(?P<tag>\w[\w.-]*)")
_SLUG = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[._-]+[A-Za-z0-9]+)*")
_LETTERS = re.compile(r"[a-z]*")
_LONGEST = 200
"""Characters of a name. What is longer is data."""

_MAX_NEAR = 3
"""Profiles that a wrong name is answered with."""

_SHORTEST_STEM = 3
_SHORTEST_TYPO = 4
_TYPO = 0.85
"""How like a name a plain word must be to be a mistyped one: ``gema`` is, ``tidy`` is not."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a word stands for.

    Args:
        kind: ``unknown`` looks like the name of a model, but nothing has it.
        name: the profile's own name, else the word as it was typed.
    """

    kind: Kind
    name: str


def meaning(
    word: str, profiles: Collection[str], is_file: Callable[[str], bool] = os.path.isfile
) -> Meaning:
    """Decide what a word stands for.

    Profiles come first, then files, then what can only be meant as a model: paths, names that end
    in ``.gguf``, ``OWNER/NAME`` with or without the Hub's address, ``NAME:TAG``, words of letters
    and digits such as ``llama3.2``, and plain words that a profile's family has, or nearly has, as
    its name. Case does not matter in a profile's name, nor does the tag ``latest``, except in a
    plain word: ``Tiny`` may begin a sentence.

    Args:
        profiles: all names that profiles have.
        is_file: whether there is a file at a path.
    """
    if word in profiles:
        return Meaning("profile", word)
    if is_file(os.path.expanduser(word)):  # noqa: PTH111 - Path.expanduser may raise
        return Meaning("file", word)
    is_path = _ROOTED.match(word) is not None and any(map(str.isalnum, word))
    if any(map(str.isspace, word)):
        of_model = is_path and _is_gguf(word) and word.isprintable()
        return Meaning("file" if of_model else "text", word)
    if is_path:
        return Meaning("file", word)
    if SITE.match(word) or (parse(word) and any(map(str.isalpha, word.partition("/")[2]))):
        return Meaning("hub", word)
    if _is_gguf(word) or (_DEEP.fullmatch(word) and any(map(str.isalpha, word))):
        return Meaning("file", word)
    return _name(word, profiles)


def _is_gguf(word: str) -> bool:
    return word.lower().endswith(".gguf")


def _name(word: str, profiles: Collection[str]) -> Meaning:
    """What a word without slashes is."""
    if len(word) > _LONGEST:
        return Meaning("text", word)
    tagged = _TAGGED.fullmatch(word)
    untagged = tagged["name"] if tagged and tagged["tag"].lower() == "latest" else word
    if untagged.lower() in profiles and not word.isalpha():
        return Meaning("profile", untagged.lower())
    if tagged or _is_near(word, profiles):
        return Meaning("unknown", word)
    return Meaning("text", word)


def _is_near(word: str, profiles: Collection[str]) -> bool:
    if not _SLUG.fullmatch(word) or not word.isascii():
        return False
    lower = word.lower()
    families = _families(profiles)
    if any(map(str.isdigit, word)) or lower in profiles or _stem(lower) in families:
        return True
    near = get_close_matches(lower, [*profiles, *families], 1, _TYPO)
    return len(lower) >= _SHORTEST_TYPO and bool(near)


def _families(profiles: Collection[str]) -> set[str]:
    """What names with a size or a version in them begin with, such as ``qwen``."""
    stems = {_stem(name) for name in profiles if any(map(str.isdigit, name))}
    return {stem for stem in stems if len(stem) >= _SHORTEST_STEM}


def _stem(name: str) -> str:
    found = _LETTERS.match(name)
    return found[0] if found else ""


def _by_number(name: str) -> list[tuple[int, str]]:
    """Sorts ``20b`` before ``120b``."""
    return [(int(digits or 0), text) for digits, text in re.findall(r"(\d{1,9})|(\D+)", name)]


def nearest(word: str, profiles: Collection[str]) -> list[str]:
    """The profiles that may be meant by a name that none of them has, best first."""
    name = word.removesuffix(":latest").rsplit("/", 1)[-1].lower()
    name = re.sub(r"\.gguf$", "", name).replace(":", "-")
    close = get_close_matches(name, sorted(profiles), _MAX_NEAR, 0.5)
    family = [
        each
        for each in sorted(profiles, key=_by_number)
        if _stem(name) and _stem(each) == _stem(name)
    ]
    of_family = [each for each in close if each in family]
    return list(dict.fromkeys([*of_family, *family, *close]))[:_MAX_NEAR] if family else close

"""Coding tasks put together from a filter, a change and a way to collect the results."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from tools.tinypair.text.code_tasks import Part, Recipe, Task

_NUMBER_FILTERS = [
    Part("even numbers", "number % 2 == 0", "even", "[1, 2, 3, 4]"),
    Part("odd numbers", "number % 2 == 1", "odd", "[1, 2, 3, 4]"),
    Part("positive numbers", "number > 0", "positive", "[-2, 0, 3, 5]"),
    Part("negative numbers", "number < 0", "negative", "[-4, -2, 0, 3]"),
    Part("non-zero numbers", "number != 0", "nonzero", "[-1, 0, 2, 3]"),
]
_NUMBER_MAPS = [
    Part("squares", "number ** 2", "squares"),
    Part("cubes", "number ** 3", "cubes"),
    Part("doubles", "number * 2", "doubles"),
    Part("halves", "number / 2", "halves"),
    Part("absolute values", "abs(number)", "absolutes"),
]
_WORD_MAPS = [
    Part("in uppercase", "word.upper()", "upper"),
    Part("in lowercase", "word.lower()", "lower"),
    Part("reversed", "word[::-1]", "reversed"),
    Part("capitalized", "word.capitalize()", "capitalized"),
]
_STARTING = {w[0]: w for w in ("apple", "ball", "cup", "moon", "pear", "sun", "tree")}
_ENDING = {w[-1]: w for w in ("sea", "crab", "music", "team", "map", "bus", "cat")}


def composed_task(rng: Random) -> Task:
    return _numbers(rng, _recipe(rng)) if rng.random() < 0.6 else _words(rng)


def sibling(rng: Random, recipe: Recipe) -> Task:
    """The same task for other numbers: the squares of the odd numbers after the even ones."""
    while True:
        keep = _number_filter(rng)
        if keep != recipe.keep:
            return _numbers(rng, replace(recipe, keep=keep))


def _number_filter(rng: Random) -> Part:
    roll = rng.random()
    if roll < 0.5:
        return rng.choice(_NUMBER_FILTERS)
    k = rng.choice((2, 3, 4, 5, 6, 8, 10, 20, 50))
    if roll < 0.66:
        return Part(
            f"numbers greater than {k}", f"number > {k}", f"above_{k}", f"[{k - 1}, {k + 1}]"
        )
    if roll < 0.82:
        return Part(f"numbers less than {k}", f"number < {k}", f"below_{k}", f"[{k - 1}, {k + 1}]")
    k = rng.choice((3, 4, 5, 6, 7, 10))
    return Part(
        f"numbers divisible by {k}",
        f"number % {k} == 0",
        f"multiples_of_{k}",
        f"[{k}, {k + 1}, {2 * k}]",
    )


def _recipe(rng: Random) -> Recipe:
    change = rng.choice(_NUMBER_MAPS) if rng.random() < 0.55 else None
    how = rng.choice(("list", "list", "list", "sum", "sum", "count", "largest", "average"))
    return Recipe(how, change, _number_filter(rng))


def _numbers(rng: Random, recipe: Recipe) -> Task:
    how, change, keep = recipe.how, recipe.change, recipe.keep
    if change:
        what, value, stem = f"{change.text} of the {keep.text}", change.code, f"{change.name}_of_"
    else:
        what, value, stem = keep.text, "number", ""
    body, name, phrases, returns = _collect(how, what, value, keep, stem)
    loop = _as_loop(value, keep) if how == "list" else []
    return Task(
        name=name,
        params="numbers: list[int]",
        returns=returns,
        phrases=phrases,
        body=tuple(body),
        args=keep.sample,
        usage=(),
        notes=(_NOTES[how],),
        loop=tuple(loop),
        recipe=recipe,
    )


def _as_loop(value: str, keep: Part) -> list[str]:
    lines = ["result = []", "for number in numbers:", f"    if {keep.code}:"]
    lines += [f"        result.append({value})", "return result"]
    return [f"    {line}" for line in lines]


_NOTES = {
    "list": "It looks at each number once and keeps the ones that pass the test.",
    "sum": "Only the numbers that pass the test are added.",
    "count": "Only the numbers that pass the test are counted.",
    "largest": "It returns None if no number passes the test.",
    "average": "It returns 0 if no number passes the test.",
}


def _collect(
    how: str, what: str, value: str, keep: Part, stem: str
) -> tuple[list[str], str, tuple[str, ...], str]:
    loop = f"for number in numbers if {keep.code}"
    name = f"{stem}{keep.name}"
    if how == "list":
        body = [f"    return [{value} {loop}]"]
        return (
            body,
            name,
            (f"return the {what} in a list", f"get the {what} in a list"),
            "list[int]",
        )
    if how == "sum":
        phrases = (f"return the sum of the {what} in a list", f"add up the {what} in a list")
        return [f"    return sum({value} {loop})"], f"sum_{name}", phrases, "int"
    if how == "count":
        kept = what.rpartition(" of the ")[2]
        body = ["    count = 0", "    for number in numbers:", f"        if {keep.code}:"]
        body += ["            count += 1", "    return count"]
        phrases = (f"count the {kept} in a list", f"return how many {kept} are in a list")
        return body, f"count_{keep.name}", phrases, "int"
    body = [f"    values = [{value} {loop}]"]
    if how == "largest":
        body += ["    return max(values, default=None)"]
        phrases = (f"return the largest of the {what} in a list", f"find the largest of the {what}")
        return body, f"largest_{name}", phrases, "int | None"
    body += ["    return sum(values) / len(values) if values else 0"]
    phrases = (f"return the average of the {what} in a list", f"compute the mean of the {what}")
    return body, f"average_{name}", phrases, "float"


def _word_filter(rng: Random) -> Part:
    lengths = '["at", "tree", "elephant"]'
    roll = rng.random()
    if roll < 0.3:
        k = rng.choice((2, 3, 4, 5, 6))
        return Part(f"longer than {k} letters", f"len(word) > {k}", f"longer_than_{k}", lengths)
    if roll < 0.5:
        k = rng.choice((4, 5, 6, 7))
        return Part(f"shorter than {k} letters", f"len(word) < {k}", f"shorter_than_{k}", lengths)
    if roll < 0.6:
        text, code = "that start with a vowel", 'word[0] in "aeiou"'
        return Part(text, code, "starting_with_vowel", '["apple", "tree"]')
    c = rng.choice("abcmpst")
    start, end = f'["{_STARTING[c]}", "egg"]', f'["{_ENDING[c]}", "egg"]'
    if roll < 0.75:
        text, code = f"that start with {c}", f'word.startswith("{c}")'
        return Part(text, code, f"starting_with_{c}", start)
    if roll < 0.87:
        return Part(f"that end with {c}", f'word.endswith("{c}")', f"ending_with_{c}", end)
    return Part(f"that contain the letter {c}", f'"{c}" in word', f"with_{c}", start)


def _words(rng: Random) -> Task:
    keep = _word_filter(rng)
    which = keep.text
    loop = f"for word in words if {keep.code}"
    how = rng.choice(("list", "list", "count", "map", "map", "lengths", "joined", "sorted"))
    note = "It looks at each word once and keeps the ones that pass the test."
    returns = "list[str]"
    name = f"words_{keep.name}"
    if how == "list":
        code, tail = f"[word {loop}]", ""
    elif how == "count":
        code, tail, returns = f"sum(1 {loop})", "", "int"
        note = "Only the words that pass the test are counted."
        name = f"count_{name}"
    elif how == "map":
        change = rng.choice(_WORD_MAPS)
        code, tail, name = f"[{change.code} {loop}]", f", {change.text}", f"{change.name}_{name}"
    elif how == "lengths":
        code, tail, name, returns = f"[len(word) {loop}]", "", f"lengths_of_{name}", "list[int]"
    elif how == "joined":
        code, tail, name = f'", ".join(word {loop})', ", joined with commas", f"join_{name}"
        returns = "str"
    else:
        code, tail, name = f"sorted(word {loop})", ", in sorted order", f"sorted_{name}"
    what = f"the words {which}"
    phrases: tuple[str, ...]
    if how == "count":
        phrases = (f"count {what} in a list", f"return how many words in a list are {which}")
        if which.startswith("that"):
            phrases = (f"count the words {which} in a list", f"return the number of words {which}")
    elif how == "lengths":
        phrases = (f"return the lengths of {what}", f"get the lengths of {what}")
    else:
        phrases = (f"return {what}{tail}", f"find {what} in a list{tail}", f"get {what}{tail}")
    return Task(
        name=name,
        params="words: list[str]",
        returns=returns,
        phrases=phrases,
        body=(f"    return {code}",),
        args=keep.sample,
        usage=(),
        notes=(note,),
    )

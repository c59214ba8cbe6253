"""What a person may write as a grammar: found out before llama.cpp reads it, which may abort."""

from __future__ import annotations

import re

from specdec_cli.errors import UsageError

_EXAMPLE = 'for example: --grammar \'root ::= "yes" | "no"\''
_HINT = f"a grammar has a rule named root, {_EXAMPLE}"
_MAX_LENGTH = 256_000
_MAX_RULES = 4000
_MAX_DEPTH = 100
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]|\\[uU]|\\x[89a-fA-F]")
_TEXT = re.compile(r'"(?:\\.|[^"\\])*("?)|\[(?:\\.|[^\]\\])*(\]?)|#[^\r\n]*', re.DOTALL)
"""Quoted text, characters in brackets, a comment; the groups are what closes the first two."""
_RULE = re.compile(r"([A-Za-z0-9_-]+)\s*::=")
_WRITES = "."


def refuse_unsound(text: str) -> None:
    """Refuse a grammar that llama.cpp cannot read or follow in safety.

    Tokens named by id or text, such as ``<|im_end|>``, match in the middle of other tokens where
    that cannot be taken back; deep nesting and long chains of rules overflow the stack.

    Raises:
        UsageError: it is one.
    """
    if not text.strip():
        raise UsageError("the grammar is empty", _HINT)
    if "\0" in text:
        raise UsageError("the grammar has a NUL character in it", _HINT)
    if len(text) > _MAX_LENGTH:
        raise UsageError(
            f"the grammar has {len(text)} characters, the most is {_MAX_LENGTH}", _HINT
        )
    bare = _TEXT.sub(_blank, text)
    for mark in ("<", "!"):
        at = bare.find(mark)
        if at >= 0:
            line = text.count("\n", 0, at) + 1
            raise UsageError(
                f"the grammar names a token in line {line}; only text can be matched: "
                f"{text[at : at + 20].split()[0]}",
                "write what the answer's text is to be; its end needs no rule",
            )
    if bare.count("::=") > _MAX_RULES:
        raise UsageError(f"the grammar has more than {_MAX_RULES} rules", "simplify the grammar")
    depth = 0
    for bracket in re.findall(r"[()]", bare):
        depth += 1 if bracket == "(" else -1
        if depth > _MAX_DEPTH:
            raise UsageError(
                f"the grammar nests more than {_MAX_DEPTH} groups", "give groups rules of their own"
            )


def by_beginnings(text: str) -> bool:
    """Whether llama.cpp allows the beginning of every text that it allows, be it cut anywhere.

    It does not for half a character where the grammar excludes some characters with the same
    beginning: after ``[^é]`` it allows ``ã``, and not the byte that both begin with.
    """
    return not _BEYOND_ASCII.search(text)


def refuse_silent(text: str) -> None:
    """Refuse a grammar that allows an empty answer and nothing else.

    Args:
        text: a grammar that llama.cpp can read.

    Raises:
        UsageError: no rule that root leads to has a character in it.
    """
    _, *parts = _RULE.split(_TEXT.sub(_as_mark, text))
    bodies = dict(zip(parts[::2], parts[1::2], strict=True))
    names, seen = ["root"], set[str]()
    while names:
        name = names.pop()
        body = bodies.get(name, "")
        if _WRITES in body:
            return
        seen.add(name)
        names += set(re.findall(r"[A-Za-z0-9_-]+", body)) - seen
    raise UsageError("the grammar allows an empty answer only", f"let it allow a text, {_EXAMPLE}")


def failure(text: str, lines: list[str]) -> UsageError:
    """The error of a grammar that llama.cpp refused, by what it said."""
    for match in _TEXT.finditer(text):
        if match[0][0] in '"[' and not (match[1] or match[2]):
            closes = '"' if match[0][0] == '"' else "]"
            line = text.count("\n", 0, match.start()) + 1
            return UsageError(
                f"the grammar is not valid GBNF: the {match[0][0]} in line {line} is not closed",
                f"end it with {closes}, {_EXAMPLE}",
            )
    said = [line.strip() for line in lines if line.strip()]
    if any("left recursion" in line for line in said):
        return UsageError(
            "the grammar has a rule that begins with itself (left recursion)",
            'let it end with itself instead: list ::= item | item "," list',
        )
    reason = next((line for line in said if "error" in line or "xpect" in line), "")
    shown = reason or (said[0] if said else "no reason given")
    return UsageError(f"the grammar is not valid GBNF: {shown}", _way_out(shown))


def _way_out(said: str) -> str:
    """What to do about what llama.cpp said."""
    if "'root'" in said:
        return _HINT
    if undefined := re.search(r"Undefined rule identifier '([\w-]+)'", said):
        return f"define it on a line of its own: {undefined[1]} ::= …"
    return f"correct it there; a rule is a name, ::= and what it stands for, {_EXAMPLE}"


def _as_mark(match: re.Match[str]) -> str:
    """A sign for what writes characters; nothing for comments and empty quotes."""
    return "" if match[0][0] == "#" or match[0] == '""' else _WRITES


def _blank(match: re.Match[str]) -> str:
    """As long as the match, and on as many lines."""
    return re.sub(r"[^\r\n]", " ", match[0])

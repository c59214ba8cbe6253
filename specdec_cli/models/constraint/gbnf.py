"""What a person may write as a grammar: found out before llama.cpp reads it, which may abort."""

from __future__ import annotations

import re

from specdec_cli.errors import UsageError

_HINT = 'a grammar has a rule named root, for example: --grammar \'root ::= "yes" | "no"\''
_MAX_LENGTH = 256_000
_MAX_RULES = 4000
_MAX_DEPTH = 100
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]|\\[uU]|\\x[89a-fA-F]")
_TEXT = re.compile(r'"(?:\\.|[^"\\])*"?|\[(?:\\.|[^\]\\])*\]?|#[^\r\n]*', re.DOTALL)


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


def failure(lines: list[str]) -> UsageError:
    """The error of a grammar that llama.cpp refused, by what it said."""
    said = [line.strip() for line in lines if line.strip()]
    if any("left recursion" in line for line in said):
        return UsageError(
            "the grammar has a rule that begins with itself (left recursion)",
            'let it end with itself instead: list ::= item | item "," list',
        )
    told = next((line for line in said if "error" in line or "xpect" in line), "")
    shown = told or (said[0] if said else "no reason given")
    return UsageError(f"the grammar is not valid GBNF: {shown}", _HINT)


def _blank(match: re.Match[str]) -> str:
    """As long as the match, and on as many lines."""
    return re.sub(r"[^\r\n]", " ", match[0])

"""Untrusted text made harmless for a terminal.

What a model or a file says may hold control characters that recolour, retitle or type into a
terminal. Every such character becomes a visible one, each on its own: no state is kept, so an
escape sequence split across chunks is as harmless as a whole one. Only terminals need this; files
and pipes get the text as it is, because there a changed byte would be a wrong answer.
"""

from __future__ import annotations

import re

# C0 but newline and tab, DEL, C1, line and paragraph separator, bidirectional overrides and
# isolates, lone surrogates.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def safe(text: str) -> str:
    """Return the text with every terminal control but newline and tab replaced by a picture."""
    return _UNSAFE.sub(_picture, text)


def safe_line(text: str) -> str:
    """Return the text on one line: newlines and tabs become spaces."""
    return safe(" ".join(text.split()) if "\n" in text or "\t" in text else text)


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)  # the Control Pictures block
    return "\u2421" if code == 0x7F else "\ufffd"

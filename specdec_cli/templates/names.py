"""Tells the name of a chat format from the name of a file, without asking llama.cpp."""

from __future__ import annotations

import re
from pathlib import Path

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")
_SUFFIXES = (".jinja", ".jinja2", ".j2", ".txt")


def is_name(given: str, folder: Path = Path()) -> bool:
    """Whether ``given`` can only be a format's name: a file of that name in ``folder`` is meant."""
    is_plain = _NAME.fullmatch(given) is not None and not given.endswith(_SUFFIXES)
    return is_plain and not (folder / given).is_file()

"""Drafts that the profiles know for a target, or for others of its family."""

from __future__ import annotations

import re

from specdec_cli.gguf.header import Header
from specdec_cli.pairs.check.results import Suggestion
from specdec_cli.profiles import store

_SIZE = re.compile(r"^\d+([.]\d+)?[bm]$")
_TAIL = re.compile(
    r"(\.gguf$|-\d{5}-of-\d{5}|[-._:](i?q\d\w*|[bf]p?\d\d|f32|mxfp4|ud|gguf)\b)", re.IGNORECASE
)


def drafts_for(
    header: Header, label: str, given: tuple[Header, str] | None = None
) -> list[Suggestion]:
    """Drafts of profiles for this target, those of the same model first.

    Args:
        label: how the target is called where it lies.
        given: the draft that was tried, and its label.

    Returns:
        For each draft its name, the profile that has it, and whether that is for this very model.
    """
    names = _families(header, label)
    tried = _families(*given) if given else set()
    parameters = {size for _, size in names}
    found: dict[str, Suggestion] = {}
    for stored in store.valid():
        draft = stored.profile.draft
        if draft is None or draft.repo is None:
            continue
        of_draft = family(draft.named())
        if of_draft in names | tried or not _smaller(of_draft[1], parameters):
            continue
        theirs = family(stored.profile.target.named())
        same = theirs in names
        known = not same and draft.named() in found
        if (same or theirs[0] in {name for name, _ in names}) and not known:
            found[draft.named()] = Suggestion(draft.named(), stored.name, same)
    return sorted(found.values(), key=lambda entry: not entry.same_model)[:4]


def _families(header: Header, label: str) -> set[tuple[str, str]]:
    return {family(text) for text in (label, header.name) if family(text)[0]}


def _smaller(draft: str, targets: set[str]) -> bool:
    """Whether a draft's size is less than a target's; so it is taken to be if none is known."""
    return not draft or not targets or _parameters(draft) < max(map(_parameters, targets))


def _parameters(size: str) -> float:
    """Parameters by the size in a name, such as ``0.6b``."""
    return float(size[:-1]) * (1e9 if size.endswith("b") else 1e6)


def family(name: str) -> tuple[str, str]:
    """A model's family and its size, out of a file's or a model's name.

    ``unsloth/Qwen3-8B-GGUF/Qwen3-8B-Q4_K_M.gguf`` gives ``("qwen3", "8b")``.
    """
    last = re.split(r"[/:]", name)[-1] if name.endswith(".gguf") else name.split("/")[-1]
    while (cut := _TAIL.sub("", last)) != last:
        last = cut
    words = re.split(r"[-_\s]+", last.lower())
    for index, word in enumerate(words):
        if _SIZE.fullmatch(word):
            before = [w for w in words[:index] if w not in ("meta", "google", "mistralai")]
            if len(before) > 1 and before[0] == re.sub(r"\d.*", "", before[1]):
                before = before[1:]  # a publisher's prefix, as in Qwen_Qwen3
            return "-".join(before), word
    return "", ""

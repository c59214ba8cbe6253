"""Whether one model can draft for another: the one verdict, for every command that needs it.

The two exchange token *ids*. The target decides every token that is emitted, so a draft with
another vocabulary never makes the output wrong; it makes the draft useless, because the ids it
proposes mean other texts to the target and are rejected. That is why a pair is refused before
anything is generated, and why some differences are only worth a warning.

The rule is llama.cpp's (``common_speculative_are_compatible``): the same kind of tokenizer, the
same BOS and EOS where they are added, sizes within 128, and equal texts. llama.cpp skips ids
below 5; we look at every id and warn there. An id the target lacks must never reach it: keep the
draft's proposals below ``Compatibility.common_ids``.

Besides, the target must be a model of its own, and the draft too, or a head that a drafter uses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from specdec_cli.errors import IncompatiblePairError
from specdec_cli.gguf import heads
from specdec_cli.gguf.driven_heads import architecture_of_target, drafts_beside
from specdec_cli.gguf.header import Header
from specdec_cli.gguf.kind import refuse_head
from specdec_cli.gguf.reader import shown

MAX_SIZE_DIFFERENCE = 128
"""Tokens by which the vocabularies may differ: the padding of embeddings to round sizes."""

_SKIPPED_IDS = 5  # llama.cpp does not compare these: BOS, EOS, unknown and the like
_CONTROL, _UNUSED = 3, 5
_KINDS = {"gpt2": "BPE", "gemma4": "BPE", "hybriddna": "BPE", "whitespace": "BPE"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: an ``error`` forbids the pair, a ``warning`` at most costs speed.

    Args:
        about: the vocabularies, or a head that is no model of its own.
    """

    severity: Literal["error", "warning"]
    message: str
    about: Literal["vocabulary", "head"] = "vocabulary"


@dataclass(frozen=True, slots=True)
class Difference:
    """A token id that means one text to the target and another to the draft."""

    id: int
    target: str
    draft: str


@dataclass(frozen=True, slots=True)
class Compatibility:
    """What comparing a pair found.

    Args:
        reasons: all findings, errors first.
        common_ids: ids below this exist in both vocabularies.
        first_difference: the first id with two texts that forbids the pair, else the first one
            at all; ``None`` when every common id has one text. The texts are escaped.
    """

    reasons: tuple[Finding, ...]
    common_ids: int
    first_difference: Difference | None

    @property
    def ok(self) -> bool:
        """Whether the draft may draft for the target."""
        return all(finding.severity != "error" for finding in self.reasons)

    @property
    def errors(self) -> list[Finding]:
        """What forbids the pair."""
        return [finding for finding in self.reasons if finding.severity == "error"]

    @property
    def why_not(self) -> str:
        """The first thing that forbids the pair; empty if nothing does."""
        return self.errors[0].message if self.errors else ""

    @property
    def other_reasons(self) -> list[str]:
        """The rest of what forbids it, a line each."""
        return [f"also: {finding.message}" for finding in self.errors[1:]]

    @property
    def way_out(self) -> str:
        """What to do about a pair that does not work."""
        if any(finding.about == "head" for finding in self.errors):
            return "name a head that was made for this model, or draft without: --drafter ngram"
        return (
            "use a smaller model of the target's own family and generation as the draft, or "
            "draft without a model: --drafter ngram"
        )


def compare(target: Header, draft: Header) -> Compatibility:
    """Compare a pair by its headers; raises nothing."""
    common = min(target.n_vocab, draft.n_vocab)
    if drafts_beside(draft):
        return Compatibility(tuple(_compare_head(target, draft)), common, None)
    if (head := heads.head_of(draft)) is not None:
        return Compatibility((_head_finding(head),), common, None)
    found = [*_compare_tokenizers(target, draft), *_compare_sizes(target, draft)]
    found += _compare_ends(target, draft, "bos") + _compare_ends(target, draft, "eos")
    serious, harmless = _differing_ids(target, draft)
    first = None
    for ids, severity in ((serious, "error"), (harmless, "warning")):
        if ids:
            difference = _difference(target, draft, ids[0])
            first = first or difference
            found.append(_token_finding(difference, len(ids), severity == "error"))
    found.sort(key=lambda finding: finding.severity)
    return Compatibility(tuple(found), min(target.n_vocab, draft.n_vocab), first)


def require_pair(target: Header, draft: Header | None = None) -> Compatibility | None:
    """Insists that a target answers and its draft, if there is one, drafts for it.

    Every command that takes a pair asks here, so that all take the same.

    Returns:
        The comparison, for its warnings; ``None`` without a draft.

    Raises:
        NotAModelError: the target is a head.
        IncompatiblePairError: the draft cannot draft for the target; says why.
    """
    refuse_head(target)
    if draft is None:
        return None
    result = compare(target, draft)
    if not result.ok:
        raise IncompatiblePairError(
            f"{draft.filename} cannot draft for {target.filename}: {result.why_not}",
            result.way_out,
            result.other_reasons,
        )
    return result


def _head_finding(head: heads.Head) -> Finding:
    """A head drafts from another model's states; run as a model it would draft nonsense."""
    text = f"it is {heads.in_words(head)}, and this version drafts by models, MTP and n-grams"
    return Finding("error", text, "head")


def _compare_head(target: Header, head: Header) -> Iterator[Finding]:
    """A head goes on from states of the target's width, in the target's vocabulary."""
    wanted = architecture_of_target(head)
    if target.architecture != wanted:
        ours = shown(target.architecture)
        text = f"it is an MTP head for models of the kind {shown(wanted)}, the target is {ours}"
        yield Finding("error", text, "head")
        return
    widths = [_width(target, "embedding_length"), _width(head, "embedding_length_out")]
    widths[1] = widths[1] or _width(head, "embedding_length")
    if widths[0] != widths[1]:
        text = f"it goes on from states of {widths[1]:,} numbers, the target's have {widths[0]:,}"
        yield Finding("error", text, "head")
    if target.n_vocab != head.n_vocab:
        text = f"the target has {target.n_vocab:,} tokens, the head {head.n_vocab:,}"
        yield Finding("error", text, "head")


def _width(header: Header, key: str) -> int:
    return header.integer(header.arch_key(key)) or 0


def _compare_tokenizers(target: Header, draft: Header) -> list[Finding]:
    ours, theirs = (_KINDS.get(h.tokenizer_model, h.tokenizer_model) for h in (target, draft))
    if ours != theirs:
        models = shown(target.tokenizer_model), shown(draft.tokenizer_model)
        text = f"the target's tokenizer is of the kind {models[0]}, the draft's {models[1]}"
        return [Finding("error", text)]
    if target.tokenizer_pre == draft.tokenizer_pre:
        return []
    # Only a warning: prompts are split by the target's tokenizer alone, the draft's never runs.
    pres = shown(target.tokenizer_pre), shown(draft.tokenizer_pre)
    text = f"the target splits text by the rules {pres[0]}, the draft learned with {pres[1]}"
    return [Finding("warning", text)]


def _compare_sizes(target: Header, draft: Header) -> list[Finding]:
    ours, theirs = target.n_vocab, draft.n_vocab
    if not ours or not theirs:
        return [Finding("error", f"the {'draft' if ours else 'target'} has no vocabulary")]
    if ours == theirs:
        return []
    text = f"the target has {ours:,} tokens, the draft {theirs:,}"
    if abs(ours - theirs) > MAX_SIZE_DIFFERENCE:
        return [Finding("error", f"{text}; at most {MAX_SIZE_DIFFERENCE} more or fewer will do")]
    return [Finding("warning", f"{text}; only tokens that both have are drafted")]


def _compare_ends(target: Header, draft: Header, end: Literal["bos", "eos"]) -> list[Finding]:
    """Compares where the two models expect texts to begin (BOS) or end (EOS)."""
    name = end.upper()
    if end == "bos":
        adds, ids = (target.add_bos, draft.add_bos), (target.bos_id, draft.bos_id)
    else:
        adds, ids = (target.add_eos, draft.add_eos), (target.eos_id, draft.eos_id)
    if adds[0] != adds[1]:
        who, other = ("target", "draft") if adds[0] else ("draft", "target")
        return [Finding("error", f"the {who} adds a {name} token to prompts, the {other} does not")]
    if ids[0] == ids[1]:
        return []
    text = f"the target's {name} token is {ids[0]}, the draft's {ids[1]}"
    if adds[0]:
        return [Finding("error", text)]
    # Unused BOS ids are noise. Ends differ between base and chat models: worth a warning only.
    return [Finding("warning", text)] if end == "eos" else []


def _differing_ids(target: Header, draft: Header) -> tuple[list[int], list[int]]:
    """The common ids with two texts: those that forbid the pair, and those that do not.

    Harmless are the ids llama.cpp skips, and ids that are control or unused tokens in both
    models: they stand for no text, so text is drafted as well as ever, and a wrongly drafted
    control token is rejected by its id.
    """
    ours, theirs = target.tokens, draft.tokens
    if ours is None or theirs is None or ours.blob == theirs.blob:
        return [], []
    types = target.token_types, draft.token_types
    serious: list[int] = []
    harmless: list[int] = []
    pairs = zip(ours.raws(), theirs.raws(), strict=False)
    for index in [index for index, (a, b) in enumerate(pairs) if a != b]:
        textless = all(
            kinds is not None and index < len(kinds) and int(kinds[index]) in (_CONTROL, _UNUSED)
            for kinds in types
        )
        (harmless if textless or index < _SKIPPED_IDS else serious).append(index)
    return serious, harmless


def _difference(target: Header, draft: Header, index: int) -> Difference:
    assert target.tokens is not None
    assert draft.tokens is not None
    return Difference(index, shown(target.tokens.raw(index)), shown(draft.tokens.raw(index)))


def _token_finding(first: Difference, count: int, serious: bool) -> Finding:
    text = f"token {first.id} is {first.target} in the target and {first.draft} in the draft"
    more = f", and {count - 1:,} more differ" if count > 1 else ""
    if serious:
        return Finding("error", text + more)
    return Finding("warning", f"{text}{more}: special tokens, verified by id, so no text changes")

"""Finds both models of a check, compares them, and says what that means."""

from __future__ import annotations

import sys

from specdec_cli.errors import Exit
from specdec_cli.gguf import heads, traits
from specdec_cli.gguf.compat import Compatibility, compare
from specdec_cli.gguf.driven_heads import drafts_itself
from specdec_cli.gguf.header import Header
from specdec_cli.gguf.kind import refuse_head
from specdec_cli.hub.client import Hub
from specdec_cli.pairs.check.report import write_report
from specdec_cli.pairs.check.results import (
    CheckReport,
    Comparison,
    Finding,
    Suggestion,
    ends,
    facts,
)
from specdec_cli.pairs.check.suggest import drafts_for
from specdec_cli.profiles import store
from specdec_cli.profiles.by_word import meant
from specdec_cli.profiles.model_ref import ModelRef, of_profile, of_word
from specdec_cli.terminal.console import Streams
from specdec_cli.terminal.jsonl import write_report as write_json
from specdec_cli.terminal.safe import safe_line

_LARGE_DRAFT = 0.25
"""Of the target's parameters. Larger drafts hardly ever pay."""


def check_pair(target: str, draft: str | None, *, as_json: bool) -> int:
    """Compare two models and print the report; the exit code."""
    streams = Streams.standard()
    hub = Hub()
    ours = of_word(target, "target", hub, _note)
    refuse_head(ours.header)
    theirs = of_word(draft, "draft", hub, _note) if draft else _own_draft(target, hub)
    report = _report(ours, theirs)
    if as_json:
        write_json(streams.out, report)
    else:
        write_report(streams.out, report, streams.width)
    return Exit.INCOMPATIBLE if report.verdict == "incompatible" else Exit.OK


def _own_draft(word: str, hub: Hub) -> ModelRef | None:
    """The draft that goes with a target in its profile."""
    found = meant(word)
    if found.kind != "profile":
        return None
    stored = store.load(found.name)
    if stored.profile.drafting is None:
        return None
    return of_profile(stored, "draft", hub, _note, accept_changed=True)


def _note(text: str) -> None:
    sys.stderr.write(f"{safe_line(text)}\n")


def _report(ours: ModelRef, theirs: ModelRef | None) -> CheckReport:
    """Everything that is known."""
    match = compare(ours.header, theirs.header) if theirs else None
    comparison: Comparison | None = None
    findings: list[Finding] = []
    if theirs and match:
        comparison = Comparison(facts(theirs), match.first_difference, _meaning(match))
        findings += [Finding(found.severity, found.message) for found in match.reasons]
        if heads.head_of(theirs.header) is None:
            findings += [Finding("note", text) for text in _notes(ours.header, theirs.header)]
    findings += [Finding("note", text) for text in _of_target(ours.header)]
    return CheckReport(
        "unknown" if match is None else "compatible" if match.ok else "incompatible",
        facts(ours),
        comparison,
        tuple(findings),
        () if match and match.ok else tuple(_suggested(ours, theirs)),
        ours.fetched + (theirs.fetched if theirs else 0),
    )


def _suggested(ours: ModelRef, theirs: ModelRef | None) -> list[Suggestion]:
    """Drafts that may do, where any may."""
    given = (theirs.header, theirs.label) if theirs else None
    return drafts_for(ours.header, ours.label, given)


def _meaning(match: Compatibility) -> str:
    if match.ok:
        return "The draft can propose tokens for the target."
    about = {finding.about for finding in match.errors}
    if "head" in about:
        why = "A head drafts from the target's own states, for which this version has no drafter."
    else:
        why = (
            "The two exchange token ids, and the same id is another text to each, so drafts would "
            "be rejected."
        )
    return f"{why} run refuses such a pair; {match.way_out}."


def _notes(ours: Header, theirs: Header) -> list[str]:
    """Differences that forbid nothing."""
    found = []
    if ours.parameter_count and theirs.parameter_count:
        fraction = theirs.parameter_count / ours.parameter_count
        if fraction >= 1:
            found.append("the draft is not smaller than the target; are they swapped?")
        elif fraction > _LARGE_DRAFT:
            found.append(
                f"the draft has {fraction:.0%} of the target's parameters; one of a tenth or less "
                "usually pays best"
            )
    if ends(ours) != ends(theirs):
        found.append("other tokens end a turn; the target's decide")
    if (ours.chat_template or "") != (theirs.chat_template or ""):
        found.append("the chat templates differ; only the target's is used")
    return found


def _of_target(header: Header) -> list[str]:
    found = []
    if traits.rollback(header) != "attention" and not traits.keeps_snapshots(header):
        found.append(
            "the target keeps a recurrent state without snapshots: after a rejected draft tokens "
            "are computed again, so drafts save less"
        )
    if traits.experts(header):
        found.append("the target is a mixture of experts: drafts save less than with a dense one")
    if heads.has_own_head(header):
        used = "drafts unless a draft is given" if drafts_itself(header) else "cannot be used yet"
        found.append(f"the target has its own head for several tokens (MTP), which {used}")
    if header.chat_template is None:
        found.append("the target has no chat template: prompts go to it as they are")
    return found

"""Plans and fetches the models of profiles."""

from __future__ import annotations

from collections.abc import Sequence

from specdec_cli.drafters import registry
from specdec_cli.errors import DiskFullError, Exit, IncompatiblePairError, NotAModelError
from specdec_cli.gguf.check import validate
from specdec_cli.gguf.compat import Compatibility, compare
from specdec_cli.gguf.header import Header
from specdec_cli.gguf.heads import head_of, in_words
from specdec_cli.gguf.kind import refuse_head
from specdec_cli.hub.beside import heads_beside
from specdec_cli.hub.cache import find
from specdec_cli.hub.client import Hub
from specdec_cli.hub.download import fetch
from specdec_cli.hub.plan import Wanted, room, whole_header
from specdec_cli.pairs.pull.fits import memory_line
from specdec_cli.pairs.pull.options import PullOptions
from specdec_cli.pairs.pull.report import Transfers
from specdec_cli.profiles.by_word import stored
from specdec_cli.profiles.model_ref import ModelRef, of_profile
from specdec_cli.profiles.schema import SourceRole
from specdec_cli.profiles.store import Stored
from specdec_cli.terminal.console import Streams
from specdec_cli.terminal.keys import show_cursor
from specdec_cli.terminal.safe import safe_line
from specdec_cli.terminal.signals import Interrupts
from specdec_cli.terminal.sizes import size

_SPARE = 1 << 28
"""Bytes of disk that are left alone."""


def pull_all(names: Sequence[str], options: PullOptions) -> int:
    """Fetch the models of these profiles; the exit code."""
    profiles = [stored(name) for name in names]
    streams = Streams.standard()
    with (
        Interrupts(show_cursor) as stop,
        Transfers(streams, quiet=bool(options.output.quiet), color=options.output.color) as view,
    ):
        try:
            with stop.waiting():
                hub = Hub()
                for each in profiles:
                    _Pull(each, hub, options, streams, view).run()
        except KeyboardInterrupt:
            view.interrupted()
            view.line("interrupted; what was fetched is kept, the same command goes on from there")
            return Exit.INTERRUPTED
    return Exit.OK


class _Pull:
    """One profile's models."""

    def __init__(
        self, stored: Stored, hub: Hub, options: PullOptions, streams: Streams, view: Transfers
    ) -> None:
        self._stored = stored
        self._hub = hub
        self._options = options
        self._streams = streams
        self._view = view
        self._refs: dict[SourceRole, ModelRef] = {}

    def run(self) -> None:
        """Plan, show the plan, fetch, and check what came."""
        for role in self._stored.profile.sources:
            self._refs[role] = of_profile(
                self._stored,
                role,
                self._hub,
                self._view.note,
                accept_changed=bool(self._options.own.accept_changed),
            )
        self._require_heads()
        match = self._match()
        self._show(match)
        if match and not match.ok and not self._options.own.force:
            raise IncompatiblePairError(
                f"the draft of {self._stored.name} cannot draft for its target: {match.why_not}",
                "name another draft (specdec edit), or fetch them nevertheless: --force",
                match.other_reasons,
            )
        if not self._options.own.dry_run:
            self._fetch()

    def _require_heads(self) -> None:
        """Refuse a profile whose target is a head, or whose head is none.

        Raises:
            NotAModelError: it is so. A head may well be fetched by its own name.
        """
        if self._stored.file.name:
            refuse_head(self._refs["target"].header)
        profile, ref = self._stored.profile, self._refs.get("head")
        if profile.head and ref and head_of(ref.header) != profile.head.kind:
            raise NotAModelError(
                f"{ref.label} is not {in_words(profile.head.kind)}",
                f"name another file: specdec edit {self._stored.name}",
            )

    def _match(self) -> Compatibility | None:
        drafting = self._refs.get("draft") or self._refs.get("head")
        return compare(self._refs["target"].header, drafting.header) if drafting else None

    def _missing(self) -> list[Wanted]:
        plans = [ref.plan for ref in self._refs.values() if ref.plan]
        return [file for found in plans for file in found.files if file.found]

    def _show(self, match: Compatibility | None) -> None:
        """The plan is what ``--dry-run`` answers, and otherwise only progress."""
        dry = self._options.own.dry_run
        if self._options.output.quiet and not dry:
            return
        out = self._streams.out if dry else self._streams.err
        out.writelines(f"{safe_line(line)}\n" for line in self._lines(match))
        out.flush()

    def _lines(self, match: Compatibility | None) -> list[str]:
        profile = self._stored.profile
        lines = [f"{self._stored.name}: {profile.description}".removesuffix(": ")]
        for role, ref in self._refs.items():
            lines.append(f"  {role:<8}{ref.label} · {size(ref.size)} · {_state(ref)}")
        to_fetch = sum(file.missing for file in self._missing())
        if self._missing():
            place = f"{size(room(self._hub))} free in {self._hub.cache}"
            lines.append(f"  {'fetch':<8}{size(to_fetch)}, {place}")
        lines.append(f"  {'memory':<8}{memory_line(self._headers(), profile.context)}")
        if match:
            lines += [f"  {'pair':<8}{text}" for text in _verdict(match)]
        if profile.head and not registry.uses_head(profile.head.kind):
            kind = in_words(profile.head.kind)
            lines.append(f"  {'head':<8}{kind}, which this version cannot use: it is left out")
        lines += [f"  {'beside':<8}{text}" for text in self._beside()]
        if profile.licence:
            lines.append(f"  {'licence':<8}{profile.licence}")
        return lines

    def _beside(self) -> list[str]:
        """What else the target's repository has for it, while something is fetched from there."""
        plan, profile = self._refs["target"].plan, self._stored.profile
        if plan is None or not plan.files[0].found or head_of(self._refs["target"].header):
            return []
        heads, projectors = heads_beside(self._hub, plan.model.first)
        offered = [
            f"{file.name}, {in_words(kind)} that drafts for it: specdec pull {file}"
            for kind, file in heads.items()
            if profile.head is None and registry.uses_head(kind)
        ]
        left_out = [f"{name}, for images or sound: it is left out" for name in projectors]
        return offered + left_out[:1]

    def _headers(self) -> list[Header]:
        """Both headers with the tensors of all parts, the target's first."""
        return [
            whole_header(self._hub, ref.plan)[0] if ref.plan else ref.header
            for ref in self._refs.values()
        ]

    def _fetch(self) -> None:
        missing = self._missing()
        need, free = sum(file.missing for file in missing), room(self._hub)
        if need + _SPARE > free and missing:
            raise DiskFullError(
                f"{size(need)} are to be fetched, {size(free)} are free in {self._hub.cache}",
                "free some room (specdec list, specdec rm), or set HF_HOME to another disk",
            )
        self._view.begin([(file.name, file.size, file.have) for file in missing])
        for index, file in enumerate(missing):
            assert file.found
            self._view.file(index)
            fetch(self._hub, file.found, self._view)
        self._view.close()
        for ref in self._refs.values():
            path = find(ref.plan.model) if ref.plan else None
            if path:
                validate(path)
        if not self._options.output.quiet:
            self._view.line(self._ready())

    def _ready(self) -> str:
        """What to do with what was fetched."""
        head = head_of(self._refs["target"].header)
        if head is None:
            return f'ready: specdec run {self._stored.name} "…"'
        if registry.uses_head(head):
            return f'ready: specdec run -m MODEL -md {self._stored.name} "…"'
        return f"fetched; it is {in_words(head)}, which this version cannot use"


def _state(ref: ModelRef) -> str:
    """Where a model is."""
    if ref.plan is None:
        return "a local file"
    if ref.plan.missing == 0:
        return "here"
    have = ref.size - ref.plan.missing
    return f"to fetch, {size(have)} of it are here" if have else "to fetch"


def _verdict(match: Compatibility) -> list[str]:
    if not match.reasons:
        return [f"fits together: {match.common_ids:,} tokens, all the same"]
    first = "fits together" if match.ok else "does not fit together"
    return [first, *(f"{finding.severity}: {finding.message}" for finding in match.reasons)]

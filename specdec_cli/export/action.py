"""Brings together what a server is told of a pair, and prints it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from specdec_cli.core.limits import DEFAULT_CONTEXT
from specdec_cli.drafters import registry
from specdec_cli.drafters.registry import DrafterSpec
from specdec_cli.engine.settings import ModelChoice
from specdec_cli.errors import Exit, NotFoundError, SpecdecError, UsageError
from specdec_cli.export import length
from specdec_cli.export.llama_server import llama_server
from specdec_cli.export.options import EXPORT, ExportOptions, Server
from specdec_cli.export.served import Served
from specdec_cli.export.sglang import sglang
from specdec_cli.export.vllm import vllm
from specdec_cli.gguf.check import validate
from specdec_cli.gguf.compat import require_pair
from specdec_cli.gguf.header import Header
from specdec_cli.hub.remote import REPO
from specdec_cli.memory.plan import default_context
from specdec_cli.options.chat_template import chat_template
from specdec_cli.options.loading import loads
from specdec_cli.options.settings import (
    context_settings,
    drafter_of,
    most_drafted,
    refuse_contradictions,
)
from specdec_cli.options.table import SamplingOptions
from specdec_cli.options.tuned import fingerprint
from specdec_cli.profiles import store, tuned
from specdec_cli.profiles.local import local_file
from specdec_cli.run.heads import unused_head
from specdec_cli.terminal.console import Streams
from specdec_cli.terminal.jsonl import write_report
from specdec_cli.terminal.safe import safe_line

_SERVERS = {"llama-server": llama_server, "vllm": vllm, "sglang": sglang}
_ALWAYS = ("temp", "top-k", "top-p", "min-p")
_BY_PERSON = ("config", "environment", "flag")


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What ``--json`` has: the words of the command, and its text or a configuration file's."""

    server: str
    profile: str | None
    command: Sequence[str]
    text: str
    drafter: str
    draft_length: int
    notes: Sequence[str]


def export_pair(options: ExportOptions, to: Server, streams: Streams) -> int:
    """Print the command or the configuration, and what has no equivalent; the exit code."""
    refuse_contradictions(options)
    served = _served(options, to)
    exported = _SERVERS[to](served)
    notes = [*unused_head(options.profile), *exported.notes]
    text = exported.config() if options.own.format == "yaml" else exported.shell()
    if options.output.json:
        length = 0 if served.plainly else served.length
        found = ExportReport(
            to, options.profile, exported.command, text, served.drafter.name, length, notes
        )
        write_report(streams.out, found)
        return Exit.OK
    streams.out.write(text)
    streams.out.flush()
    if not options.output.quiet:
        streams.err.writelines(f"note: {safe_line(note)}\n" for note in notes)
        streams.err.flush()
    return Exit.OK


def _served(options: ExportOptions, to: Server) -> Served:
    drafter = _drafter(options)
    needs_draft = drafter.reads_draft_file
    reads_files = to == "llama-server"
    load, load_draft = loads(options.hardware)
    names = options.models.model, options.models.draft_model if needs_draft else None
    files = [_file(name) if name and reads_files else Path(name or "") for name in names]
    headers = [validate(file) for file in files if reads_files and file.name]
    if headers:
        require_pair(*headers)
    chosen, chosen_from = _length(options, to, drafter)
    template = chat_template(options.models)
    return Served(
        target=ModelChoice(files[0], load, options.hardware.threads),
        draft=ModelChoice(files[1], load_draft, options.hardware.threads_draft)
        if names[1]
        else None,
        drafter=drafter,
        length=chosen,
        length_from=chosen_from,
        draft_min=min(options.drafting.draft_min, chosen),
        draft_p_min=options.drafting.draft_p_min,
        adaptive=options.drafting.adaptive and drafter.drafts,
        verify=options.drafting.verify if options.sampling.temp else "auto",
        n_ctx=_context(options.hardware.ctx_size, headers),
        context=context_settings(options.hardware),
        batches=bool(
            {options.origins[name] for name in ("batch-size", "ubatch-size")} - {"built-in"}
        ),
        sampling=_sampling(options),
        predict=None if options.origins["predict"] == "built-in" else options.answer.predict,
        template=_template(options.models.chat_template, template["chat_format"]),
        template_variables=options.models.chat_template_kwargs and template["template_variables"],
        base="" if reads_files else _base(options, to, "target"),
        draft_base=_base(options, to, "draft") if names[1] and not reads_files else "",
        left_out=tuple(_left_out(options)),
    )


def _drafter(options: ExportOptions) -> DrafterSpec:
    return drafter_of(options) if most_drafted(options.drafting) else registry.NONE


def _file(name: str) -> Path:
    """A model's file, from wherever the server is started; links stay, as parts lie beside them."""
    return local_file(name).absolute()


def _length(options: ExportOptions, to: Server, drafter: DrafterSpec) -> tuple[int, str]:
    """A draft length, and where it comes from."""
    most, least = most_drafted(options.drafting), options.drafting.draft_min
    if not options.drafting.adaptive or options.origins["draft-max"] in _BY_PERSON:
        return most, "as --draft-max says"
    if to == "llama-server" and options.drafting.draft_p_min and drafter.stepped:
        return most, "unless the draft model is unsure of one, as --fixed would have it"
    measured = _measured(options, drafter) if drafter.stepped else None
    if measured is not None:
        return max(min(measured, most), least), "which specdec tune's figures say is best"
    usual = max(min(length.usual(drafter), most), least)
    return usual, "as no figures of specdec tune say better"


def _measured(options: ExportOptions, drafter: DrafterSpec) -> int | None:
    """What the figures of a tuning on this machine say of this very pair."""
    if options.profile is None:
        return None
    with suppress(SpecdecError):
        here = fingerprint(options)
        entry = tuned.load(options.profile).matching(here) if here else None
        return length.from_tuning(entry.measured, drafter) if entry else None
    return None


def _context(asked: int | None, headers: list[Header]) -> int:
    if asked is not None:
        return asked
    return default_context(headers[0]) if headers else DEFAULT_CONTEXT


def _sampling(options: ExportOptions) -> dict[str, float]:
    """What a server is to be told: its own defaults are others."""
    always = _ALWAYS if options.sampling.temp else ("temp",)
    return {
        option.name: options.value(option)
        for option in EXPORT.options
        if option.section is SamplingOptions
        and (option.name in always or options.origins[option.name] != "built-in")
    }


def _template(given: str | None, name: str) -> str | None:
    if given is None or name:
        return given
    return str(Path(given).expanduser().absolute())


def _base(options: ExportOptions, to: Server, role: str) -> str:
    """The repository of a model's original weights.

    Raises:
        UsageError: it is no name of a repository.
        NotFoundError: nobody says which it is.
    """
    option = f"hf-{role}"
    given = options.own.hf_target if role == "target" else options.own.hf_draft
    if given is not None:
        if not re.fullmatch(REPO, given):
            raise UsageError(f"--{option} {given} is no repository", "write it as OWNER/NAME")
        return given
    source = getattr(store.load(options.profile).profile, role) if options.profile else None
    if source is not None and source.base:
        return str(source.base)
    raise NotFoundError(
        f"{to} loads original weights, and nothing says where the {role}'s are",
        f"name their repository: --{option} OWNER/NAME",
    )


def _left_out(options: ExportOptions) -> Iterator[str]:
    if options.drafting.exact:
        yield "--exact has no equivalent: bits may differ with the draft length and the load"
    if options.prompt.system:
        yield "the system message goes with each request"

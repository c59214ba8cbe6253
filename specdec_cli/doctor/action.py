"""Gathers what ``specdec doctor`` tells of this machine, and what is wrong with it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from specdec_cli import paths
from specdec_cli.doctor import directories as places
from specdec_cli.doctor import system as facts
from specdec_cli.doctor.options import DOCTOR, DoctorOptions
from specdec_cli.doctor.report import write_machine, write_pair
from specdec_cli.doctor.results import (
    DoctorReport,
    HubCache,
    HubMissing,
    Llama,
    Machine,
    PairFailed,
    Problem,
    Reason,
)
from specdec_cli.errors import Cancelled, Exit, SpecdecError
from specdec_cli.models.environment import BUSY, busy_fraction, busy_in_words, prepare
from specdec_cli.options.resolve import Layer, everything_wrong, read_layers, resolve_named
from specdec_cli.profiles import store, tuned
from specdec_cli.terminal import logs
from specdec_cli.terminal.console import Streams
from specdec_cli.terminal.jsonl import write_report

if TYPE_CHECKING:
    from specdec_cli.models.devices import Device

_REINSTALL = (
    "reinstall it: pip install --force-reinstall --no-deps --no-cache-dir llama-cpp-python; "
    "see docs/install.md"
)


def examine(named: str | None, flags: Mapping[str, object], streams: Streams) -> int:
    """Examine the machine, and the pair if one is named; the exit code.

    Raises:
        SpecdecError: the pair cannot be examined. What the machine is like was printed before.
    """
    environ = dict(os.environ)  # before anything is set here
    asked = named is not None or "model" in flags
    options, problems = _options(named, flags, asked=asked)
    busy = busy_fraction()
    found = _machine(busy, environ)
    known = {problem.what for problem in problems}
    loads = found.llama.loads
    new = _problems(found, examined=asked and loads)
    problems += [problem for problem in new if problem.what not in known]
    report = DoctorReport(found, tuple(problems))
    if not options.output.json:
        write_machine(streams, report)
    failure: SpecdecError | None = None
    if asked and loads:
        # Not for the machine alone: it takes a while to import.
        from specdec_cli.doctor.probing import probe_pair

        logs.start(level=options.output.verbose)
        try:
            pair = probe_pair(options, busy, streams)
            report = replace(report, pair=pair)
            if not options.output.json:
                write_pair(streams, pair, options.output.color)
        except Cancelled:
            streams.err.write("interrupted: the pair was not examined\n")
            return Exit.INTERRUPTED
        except SpecdecError as error:
            failure = error
            report = replace(report, pair=PairFailed(Reason(error.message, error.hint)))
    if options.output.json:
        write_report(streams.out, report)
    if failure is not None:
        raise failure
    return Exit.OK if loads else Exit.BACKEND


def _options(
    named: str | None, flags: Mapping[str, object], *, asked: bool
) -> tuple[DoctorOptions, list[Problem]]:
    """The options; a configuration that is broken is a finding where no pair depends on it."""
    try:
        return resolve_named(DOCTOR, named, flags, tuned=asked), []
    except SpecdecError as error:
        if asked:
            raise
        plain = read_layers(DOCTOR, [Layer("flag", flags)])
        return plain, [Problem(error.message, error.hint)]


def _machine(busy: float, environ: Mapping[str, str]) -> Machine:
    llama = Llama(facts.loads())
    devices: tuple[Device, ...] = ()
    if not llama.reason:
        prepare()
        try:
            llama, devices = facts.llama(), facts.devices()
        except (ImportError, OSError, RuntimeError, AttributeError) as error:
            llama = Llama(f"{error}")
    hub: HubCache | HubMissing
    try:
        hub = places.hub(environ)
    except (ImportError, OSError) as error:
        hub = HubMissing(f"huggingface-hub cannot be loaded: {error}")
    return Machine(
        versions=facts.versions(),
        llama=llama,
        devices=devices,
        threads=facts.threads(busy, environ),
        directories=places.directories(),
        configuration=places.configuration(),
        hub=hub,
        measured=places.learnt(),
    )


def _problems(found: Machine, *, examined: bool) -> Iterator[Problem]:
    """What is wrong with the machine.

    Args:
        examined: a pair is examined as well, whose causes have the busy machine among them.
    """
    if found.llama.build is None:
        yield Problem(f"llama.cpp cannot be loaded: {found.llama.reason}", _REINSTALL)
    elif not found.llama.build.info.gpu_offload and (maker := facts.unused_gpu()):
        yield Problem(
            f"this machine seems to have a GPU of {maker}, and this build of llama.cpp has no "
            "part for it",
            "install a build that has: see GPUs in README.md",
        )
    for name, folder in found.directories.items():
        if folder.reason:
            yield Problem(
                f"the {name} folder {folder.path} cannot be used: {folder.reason}",
                "correct its rights, or choose another place with the XDG_* variables",
            )
    if found.hub.reason:
        yield Problem(
            f"the Hugging Face cache cannot be written: {found.hub.reason}",
            "correct its rights, or choose another place: HF_HOME=DIR",
        )
    if found.threads.busy >= BUSY and not examined:
        yield Problem(
            busy_in_words(found.threads.busy),
            "close them, or wait: measurements are not reliable now",
        )
    for error in everything_wrong(paths.user_config()):
        yield Problem(error.message, error.hint)
    yield from _of_files()


def _of_files() -> Iterator[Problem]:
    """Profiles and tuned settings that cannot be used."""
    for name in store.names():
        for read in (store.load, tuned.load):
            try:
                read(name)
            except SpecdecError as error:
                yield Problem(error.message, error.hint)

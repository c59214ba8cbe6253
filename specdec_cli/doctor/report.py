"""What ``specdec doctor`` shows: a table of facts, problems, and the diagnosis of a pair."""

from __future__ import annotations

from collections.abc import Iterator

from specdec_cli.doctor.results import (
    DoctorReport,
    HubCache,
    HubMissing,
    Llama,
    Machine,
    PairReport,
    Threads,
)
from specdec_cli.terminal.console import ColorChoice, Streams
from specdec_cli.terminal.errors import warning_line
from specdec_cli.terminal.same_bits import same_bits
from specdec_cli.terminal.sizes import size
from specdec_cli.terminal.tables import write_lines, write_table

Row = tuple[str, str]
_MILLI = 1e3
_VERDICTS = {
    "faster": "Drafting makes this pair faster.",
    "same": "Drafting makes this pair hardly faster, or no faster.",
    "slower": "Drafting makes this pair slower.",
    "unknown": "Nothing was drafted, so there is nothing to compare.",
}


def write_machine(streams: Streams, report: DoctorReport) -> None:
    """Write what is known of the machine, then what is wrong with it, to stdout."""
    out = streams.out
    write_table(out, [*_machine(report.machine)], width=streams.width)
    if report.problems:
        out.write("\n")
    for problem in report.problems:
        fix = [f"    fix: {problem.fix}"] if problem.fix else []
        write_lines(out, [f"problem: {problem.what}", *fix], streams.width)
    out.flush()


def _machine(machine: Machine) -> Iterator[Row]:
    for name in ("specdec", "python", "system", "llama-cpp-python", "huggingface-hub"):
        yield name, machine.versions[name]
    yield from _build(machine.llama)
    for device in machine.devices:
        memory = f"{size(device.free)} free of {size(device.total)}"
        yield f"device {device.name}", f"{device.description.strip()}, {memory}"
    yield "threads", _threads(machine.threads)
    for name, folder in machine.directories.items():
        state = "" if folder.exists else ", not made yet"
        state += ", NOT WRITABLE" if folder.reason else ""
        yield f"{name} folder", f"{folder.path}{state}"
    config = machine.configuration
    yield "configuration", config.path + ("" if config.exists else ", not made yet")
    yield from _hub(machine.hub)
    yield "learnt", f"{machine.measured.learnt} pairs and layouts"
    yield "tuned", ", ".join(machine.measured.tuned) or "nothing; see specdec tune"


def _build(llama: Llama) -> Iterator[Row]:
    if llama.build is None:
        yield "llama.cpp", f"CANNOT BE LOADED: {llama.reason}"
        return
    build = llama.build.info
    yield "llama.cpp", f"commit {build.commit or 'unknown'}, ggml {build.ggml or 'unknown'}"
    yield "library", llama.build.library
    offload = "layers can go to a GPU" if build.gpu_offload else "for the processor alone"
    yield "backends", f"{', '.join(build.backends)}; {offload}"
    yield "features", " ".join(build.features)


def _threads(threads: Threads) -> str:
    text = f"{threads.used} of {threads.processors} processors"
    waiting = ", ".join(f"{name}={value}" for name, value in threads.waiting.items())
    if waiting:
        whose = "set here, as the machine is busy" if threads.waiting_set_here else "set by you"
        text += f", {waiting} ({whose})"
    return text


def _hub(hub: HubCache | HubMissing) -> Iterator[Row]:
    if isinstance(hub, HubMissing):
        yield "hub", hub.reason
        return
    free = f", {size(hub.free)} free there" if hub.free is not None else ""
    yield "hub cache", f"{hub.cache}, {size(hub.bytes)}{free}"
    yield "hub", f"{hub.endpoint}, token {hub.token}"
    yield from hub.variables.items()


def write_pair(streams: Streams, pair: PairReport, color: ColorChoice) -> None:
    """Write the diagnosis of a pair to stdout, what to be warned of to stderr."""
    colored = streams.err_color(color)
    streams.err.writelines(warning_line(text, color=colored) for text in pair.warnings)
    streams.err.flush()
    out = streams.out
    out.write("\n")
    write_table(out, [*_pair(pair)], width=streams.width)
    more = " It could be faster still:" if pair.causes and pair.verdict == "faster" else ""
    out.write("\n")
    write_lines(out, [f"{_VERDICTS[pair.verdict]}{more}"], streams.width)
    for number, cause in enumerate(pair.causes, 1):
        gain = f" (×{cause.gain:.1f} without it)" if cause.gain else ""
        lines = [f"{number}. {cause.name}: {cause.what}{gain}", f"   {cause.fix}"]
        write_lines(out, lines, streams.width)


def _pair(pair: PairReport) -> Iterator[Row]:
    measured = pair.measured
    yield "target", f"{pair.models.target}{_place(measured.target_on_gpu)}"
    if pair.models.draft:
        yield "draft", f"{pair.models.draft}{_place(measured.draft_on_gpu)}"
    tuned = ", with what tune found" if pair.tuned else ""
    yield "drafter", f"{measured.drafter}{tuned}"
    yield "same bits", same_bits(pair.same_bits)
    if pair.plain_tokens_per_second:
        yield "plain", f"{pair.plain_tokens_per_second:.4g} tokens/s"
    if measured.speedup is not None and pair.tokens_per_second:
        rate = f"{pair.tokens_per_second:.4g} tokens/s, ×{measured.speedup:.2f}"
        yield "with drafts", f"{rate} on {pair.prompts} prompts"
    if measured.acceptance is not None:
        yield "accepted", f"{measured.acceptance:.0%} of the tokens of drafts of one length"
    if measured.step is not None:
        yield "draft step", f"{measured.step * _MILLI:.2f} ms"
    told = [f"{each.rows}: {each.seconds * _MILLI:.2f}" for each in pair.passes]
    if told:
        yield "target pass", f"{', '.join(told)} ms by its number of tokens"
    yield "threads", f"{measured.threads}"


def _place(share: float) -> str:
    if not share:
        return ", in main memory"
    return ", on the GPU" if share >= 1.0 else f", {share:.0%} of it on the GPU"

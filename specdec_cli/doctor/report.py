"""What ``specdec doctor`` shows: a table of facts, problems, and the diagnosis of a pair."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from specdec_cli.terminal.console import ColorChoice, Streams
from specdec_cli.terminal.errors import warning_line
from specdec_cli.terminal.safe import safe_line
from specdec_cli.terminal.same_bits import same_bits
from specdec_cli.terminal.sizes import size
from specdec_cli.terminal.tables import write_table

Row = tuple[str, str]
_MILLI = 1e3
_VERDICTS = {
    "faster": "Drafting makes this pair faster.",
    "same": "Drafting makes this pair hardly faster, or no faster.",
    "slower": "Drafting makes this pair slower.",
    "unknown": "Nothing was drafted, so there is nothing to compare.",
}


def write_machine(streams: Streams, report: Mapping[str, Any]) -> None:
    """Write what is known of the machine, then what is wrong with it, to stdout."""
    out = streams.out
    write_table(out, [*_machine(report)])
    if report["problems"]:
        out.write("\n")
    for problem in report["problems"]:
        out.write(safe_line(f"problem: {problem['what']}") + "\n")
        if problem["fix"]:
            out.write(safe_line(f"    fix: {problem['fix']}") + "\n")
    out.flush()


def _machine(report: Mapping[str, Any]) -> Iterator[Row]:
    versions = report["versions"]
    for name in ("specdec", "python", "system", "llama-cpp-python", "huggingface-hub"):
        yield name, versions[name]
    yield from _build(report["llama"])
    for device in report["devices"]:
        memory = f"{size(device['free'])} free of {size(device['total'])}"
        yield f"device {device['name']}", f"{device['description'].strip()}, {memory}"
    yield "threads", _threads(report["threads"])
    for name, folder in report["directories"].items():
        state = "" if folder["exists"] else ", not made yet"
        state += ", NOT WRITABLE" if folder["reason"] else ""
        yield f"{name} folder", f"{folder['path']}{state}"
    config = report["configuration"]
    yield "configuration", config["path"] + ("" if config["exists"] else ", not made yet")
    yield from _hub(report["hub"])
    measured = report["measured"]
    yield "learnt", f"{measured['learnt']} pairs and layouts"
    yield "tuned", ", ".join(measured["tuned"]) or "nothing; see specdec tune"


def _build(llama: Mapping[str, Any]) -> Iterator[Row]:
    if not llama["loads"]:
        yield "llama.cpp", f"CANNOT BE LOADED: {llama['reason']}"
        return
    commit = llama["commit"] or "unknown"
    yield "llama.cpp", f"commit {commit}, ggml {llama['ggml'] or 'unknown'}"
    yield "library", llama["library"]
    offload = "layers can go to a GPU" if llama["gpu_offload"] else "for the processor alone"
    yield "backends", f"{', '.join(llama['backends'])}; {offload}"
    yield "features", " ".join(llama["features"])


def _threads(threads: Mapping[str, Any]) -> str:
    text = f"{threads['used']} of {threads['processors']} processors"
    waiting = ", ".join(f"{name}={value}" for name, value in threads["waiting"].items())
    if waiting:
        whose = "set here, as the machine is busy" if threads["waiting_set_here"] else "set by you"
        text += f", {waiting} ({whose})"
    return f"{text}"


def _hub(hub: Mapping[str, Any]) -> Iterator[Row]:
    if "cache" not in hub:
        yield "hub", hub["reason"]
        return
    free = f", {size(hub['free'])} free there" if hub["free"] is not None else ""
    yield "hub cache", f"{hub['cache']}, {size(hub['bytes'])}{free}"
    yield "hub", f"{hub['endpoint']}, token {hub['token']}"
    yield from hub["variables"].items()


def write_pair(streams: Streams, pair: Mapping[str, Any], color: ColorChoice) -> None:
    """Write the diagnosis of a pair to stdout, what to be warned of to stderr."""
    colored = streams.err_color(color)
    streams.err.writelines(warning_line(text, color=colored) for text in pair["warnings"])
    streams.err.flush()
    out = streams.out
    out.write("\n")
    write_table(out, [*_pair(pair)])
    more = " It could be faster still:" if pair["causes"] and pair["verdict"] == "faster" else ""
    out.write(f"\n{_VERDICTS[pair['verdict']]}{more}\n")
    for number, cause in enumerate(pair["causes"], 1):
        gain = f" (×{cause['gain']:.1f} without it)" if cause["gain"] else ""
        out.write(safe_line(f"{number}. {cause['name']}: {cause['what']}{gain}") + "\n")
        out.write(safe_line(f"   {cause['fix']}") + "\n")
    out.flush()


def _pair(pair: Mapping[str, Any]) -> Iterator[Row]:
    for role, path in pair["models"].items():
        if path:
            yield role, f"{path}{_place(pair[f'{role}_on_gpu'])}"
    tuned = ", with what tune found" if pair["tuned"] else ""
    yield "drafter", f"{pair['drafter']}{tuned}"
    yield "same bits", same_bits(pair["same_bits"])
    if pair["plain_tokens_per_second"]:
        yield "plain", f"{pair['plain_tokens_per_second']:.4g} tokens/s"
    if pair["speedup"] is not None and pair["tokens_per_second"]:
        rate = f"{pair['tokens_per_second']:.4g} tokens/s, ×{pair['speedup']:.2f}"
        yield "with drafts", f"{rate} on {pair['prompts']} prompts"
    if pair["acceptance"] is not None:
        yield "accepted", f"{pair['acceptance']:.0%} of the tokens of drafts of one length"
    if pair["step"] is not None:
        yield "draft step", f"{pair['step'] * _MILLI:.2f} ms"
    told = [f"{each['rows']}: {each['seconds'] * _MILLI:.2f}" for each in pair["passes"]]
    if told:
        yield "target pass", f"{', '.join(told)} ms by its number of tokens"
    yield "threads", f"{pair['threads']}"


def _place(share: float) -> str:
    if not share:
        return ", in main memory"
    return ", on the GPU" if share >= 1.0 else f", {share:.0%} of it on the GPU"

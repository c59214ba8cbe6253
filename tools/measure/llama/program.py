"""llama.cpp's own speculative decoding, ``llama-speculative-simple``, on the same models.

The program is run once for a prompt. It times the decoding itself, loading and prompt left out,
and says so in lines like ``decoded   60 tokens in    0.512 seconds, speed:  117.188 t/s``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from specdec_cli.bench.samples import Sample
from specdec_cli.core.sampling import WHOLE_CONTEXT
from specdec_cli.drafters.registry import Need
from specdec_cli.engine.llama_flags import device_flags
from specdec_cli.engine.settings import AnswerSettings, PairSettings, available
from specdec_cli.errors import BackendError, NotFoundError
from specdec_cli.models.environment import of_others

NAME = "llama-speculative-simple"
SERVER = "llama-server"
_NUMBER = r"(\d+(?:\.\d+)?)"
_DECODED = re.compile(rf"decoded\s+(\d+)\s+tokens\s+in\s+{_NUMBER}\s+seconds")
_NOT_ALWAYS = ("--cache-ram",)
_COUNT = re.compile(r"^.*?\b(n_drafted|n_accept)\s*=\s*(\d+)\s*$", re.MULTILINE)
PATIENCE_SECONDS = 1800.0
_TRIES = 8
"""Its log is written by a thread, and some versions end before it has written the last lines: on a
busy machine one run in two."""
_STARTER = Path(__file__).with_name("start.py")
BATCH = 2048  # it reads a prompt in one batch, and refuses longer ones


@dataclass(frozen=True, slots=True)
class LlamaProgram:
    """The program and which spellings of its options it knows, as they changed over time.

    Args:
        also: options that only some versions have, of those that are asked for here.
    """

    path: Path
    draft_max: str
    draft_type: tuple[str, ...]
    verbatim: tuple[str, ...]
    also: tuple[str, ...] = ()


def find(folder: str | None, name: str = NAME) -> LlamaProgram | None:
    """The program on PATH or in a folder; ``None`` where PATH has none.

    Raises:
        NotFoundError: the folder does not hold it.
        BackendError: it does not run.
    """
    found = shutil.which(name, path=folder)
    if found is None:
        if folder is None:
            return None
        raise NotFoundError(
            f"{folder} does not hold {name}", "name the folder of llama.cpp's programs"
        )
    path = Path(found).resolve()
    try:
        done = subprocess.run(
            [path, "--help"], capture_output=True, timeout=60, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BackendError(
            f"{path} does not run: {error}", "leave it out: name others with --arms"
        ) from error
    told = (done.stdout + done.stderr).decode("utf-8", "replace")
    return LlamaProgram(
        path,
        "--spec-draft-n-max" if "--spec-draft-n-max" in told else "--draft-max",
        ("--spec-type", "draft-simple") if "draft-simple" in told else (),
        ("--no-escape",) if "--no-escape" in told else (),
        tuple(option for option in _NOT_ALWAYS if option in told),
    )


def arguments(
    program: LlamaProgram,
    pair: PairSettings,
    answer: AnswerSettings,
    *,
    n_ctx: int,
    max_tokens: int,
    draft_max: int | None,
) -> list[str]:
    """Its command line but for the prompt, with the settings that it shares with us.

    Args:
        pair: as it is loaded.
        draft_max: ``None`` for its own default.
    """
    sampling = answer.sampling
    given = shared_options(program, pair, n_ctx=n_ctx, draft_max=draft_max) | {
        "-n": max_tokens,
        "--temp": sampling.temperature,
        "--top-k": sampling.top_k,
        "--top-p": sampling.top_p,
        "--min-p": sampling.min_p,
        "--typical": sampling.typical_p,
        "--repeat-penalty": sampling.repeat_penalty,
        "--repeat-last-n": window(sampling.repeat_last_n),
        "--presence-penalty": sampling.presence_penalty,
        "--frequency-penalty": sampling.frequency_penalty,
        "--seed": answer.seed % (1 << 32),
    }
    flat = [str(part) for option in given.items() for part in option]
    endless = ["--ignore-eos"] if sampling.ignore_end else []
    return [*flat, *endless, *draft_type(program, pair), *program.verbatim]


def has_head(pair: PairSettings) -> bool:
    """Whether the target drafts for itself, or with a head beside it."""
    return Need.HEAD in available(pair)


def draft_type(program: LlamaProgram, pair: PairSettings) -> tuple[str, ...]:
    """What makes it draft with what the pair has; older versions know draft models only."""
    return ("--spec-type", "draft-mtp") if has_head(pair) else program.draft_type


def window(tokens: int) -> int:
    """How far penalties look back, as llama.cpp's programs write it."""
    return -1 if tokens >= WHOLE_CONTEXT else tokens


def shared_options(
    program: LlamaProgram,
    pair: PairSettings,
    *,
    n_ctx: int,
    draft_max: int | None,
) -> dict[str, object]:
    """Options of models, devices and contexts, which all of its programs have.

    Args:
        pair: as it is loaded.
        draft_max: ``None`` for its own default.
    """
    context = pair.context
    types = [
        "f16" if kind == "auto" else kind for kind in (context.cache_type_k, context.cache_type_v)
    ]
    if pair.draft is None and not has_head(pair):
        raise ValueError("it needs a draft model, or a target with a head of its own")
    given: dict[str, object] = {
        "-m": pair.target.path,
        **({"-md": pair.draft.path} if pair.draft else {}),
        **device_flags(pair.target, pair.draft),
        "-c": n_ctx,
        "-b": max(BATCH, context.n_batch),
        "-ub": context.n_ubatch,
        "-fa": context.flash_attention,
        "-ctk": types[0],
        "-ctv": types[1],
    }
    if types != ["f16", "f16"]:
        given |= {"-ctkd": types[0], "-ctvd": types[1]}
    if pair.target.threads:
        of_draft = pair.draft.threads if pair.draft else 0
        given |= {"-t": pair.target.threads, "-td": of_draft or pair.target.threads}
    if draft_max is not None:
        given[program.draft_max] = draft_max
    return given


def measure(program: LlamaProgram, options: Sequence[str], prompt: str) -> Sample:
    """Run it on a prompt, again where it does not say how fast it was.

    Raises:
        BackendError: it failed, took too long, or never said how fast it was.
    """
    with tempfile.TemporaryDirectory(prefix="specdec-") as folder:
        file = Path(folder) / "prompt.txt"
        # It takes one newline off the end.
        file.write_bytes(f"{prompt}\n".encode())
        output = Path(folder) / "output.txt"
        told = ""
        for _ in range(_TRIES):
            with output.open("wb") as sink:
                code = _run([str(program.path), *options, "-f", str(file)], sink.fileno())
            told = output.read_bytes().decode("utf-8", "replace")
            if code != 0:
                raise failed(NAME, f"ended with {code}", told)
            if _DECODED.search(told):
                break
    return parse(told)


def parse(told: str) -> Sample:
    """What it said of its speed; the last such line counts, as an answer may hold one too.

    Raises:
        BackendError: there is no such line.
    """
    found = list(_DECODED.finditer(told))
    if not found:
        raise failed(NAME, "did not say how fast it was", told)
    decoded = found[-1]
    counts = {name: int(count) for name, count in _COUNT.findall(told[decoded.end() :])}
    return Sample(
        count=int(decoded[1]),
        seconds=float(decoded[2]),
        drafted=counts.get("n_drafted", 0),
        accepted=counts.get("n_accept", 0),
    )


def clean_environment() -> dict[str, str]:
    """The environment without what would change options behind our back."""
    return {k: v for k, v in of_others().items() if not k.startswith("LLAMA_ARG_")}


def start(command: Sequence[str], sink: int) -> subprocess.Popen[bytes]:
    """Start a program whose output goes to a file, and which does not outlive this process."""
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(_STARTER), str(os.getpid()), *command],
        stdin=subprocess.DEVNULL,
        stdout=sink,
        stderr=sink,
        env=clean_environment(),
    )


def _run(command: Sequence[str], sink: int) -> int:
    with start(command, sink) as process:
        try:
            return process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            raise BackendError(
                f"{NAME} took more than {PATIENCE_SECONDS:.0f} s for a prompt",
                "ask for fewer tokens: --max-tokens 64",
            ) from None
        finally:
            process.kill()  # Ctrl-C may have come


def failed(name: str, what: str, told: str) -> BackendError:
    """An error with the last line that a program printed."""
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    last = f": {lines[-1][:200]}" if lines else ""
    return BackendError(f"{name} {what}{last}", "leave it out: name others with --arms")

"""Every option, once: its spellings, its kind, its default, its help.

This table drives parsing, help, environment variables, the configuration file and
``--print-config``. A command names the groups it takes.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

import typer

from specdec_cli.core.limits import LONGEST_DRAFT
from specdec_cli.core.sampling import Sampling
from specdec_cli.drafters import registry
from specdec_cli.drafters.registry import Need
from specdec_cli.options.values import (
    Bias,
    Choice,
    Kind,
    Layers,
    Level,
    Listed,
    Number,
    Seed,
    Several,
    Switch,
    Whole,
    Words,
)


@dataclass(frozen=True, slots=True)
class Option:
    """One option.

    Args:
        name: the canonical spelling without its dashes; also the key in a configuration file.
        short: a spelling with one dash.
        also: other accepted spellings, those of programs people come from.
        shown: what help says the default is, where the value itself would not tell.
        off: the spelling that switches it off, ``no-`` and the name unless given.
    """

    name: str
    kind: Kind
    help: str
    default: object = None
    short: str = ""
    also: tuple[str, ...] = ()
    shown: str = ""
    off: str = ""

    @property
    def key(self) -> str:
        """The name as an identifier."""
        return self.name.replace("-", "_")

    @property
    def flags(self) -> list[str]:
        """All spellings as the parser takes them."""
        off = f"/--{self.off or f'no-{self.name}'}" if self.is_switch else ""
        long = f"--{self.name}{off}"
        return [*([self.short] if self.short else []), long, *self.also]

    @property
    def is_switch(self) -> bool:
        """Whether it stands alone, without a value."""
        return isinstance(self.kind, Switch)

    @property
    def is_counted(self) -> bool:
        """Whether it stands alone, and counts for more when it is repeated."""
        return isinstance(self.kind, Level)

    def variable(self, command: str) -> str:
        """The environment variable that sets it."""
        return f"SPECDEC_{command}_{self.key}".upper()

    def record(self, *, notes: bool = True) -> tuple[str, str]:
        """The two columns of its line in help.

        Args:
            notes: say its default and its other spellings as well.
        """
        spelled = ", ".join([self.short, f"--{self.name}"] if self.short else [f"--{self.name}"])
        default = self.shown or ("" if self.is_counted else _shown(self.default))
        told = [f"default: {default}"] if default else []
        if self.also:
            told.append(f"also {', '.join(self.also)}")
        tail = f"  [{'; '.join(told)}]" if told and notes else ""
        return f"{spelled} {self.kind.metavar}".rstrip(), self.help + tail


@dataclass(frozen=True, slots=True)
class Group:
    """Options that help shows together."""

    title: str
    options: tuple[Option, ...]

    def only(self, *names: str) -> Group:
        """The options of these names alone."""
        return Group(self.title, tuple(each for each in self.options if each.name in names))

    def without(self, *names: str) -> Group:
        """All options but those of these names."""
        return Group(self.title, tuple(each for each in self.options if each.name not in names))


def _shown(default: object) -> str:
    if default is True:
        return "on"
    return "" if default is None or default is False or default == () else f"{default}"


def _is_given(option: Option, value: object) -> bool:
    """Whether the command line has the option at all; the parser counts those it lacks as 0."""
    return value not in (None, []) and not (option.is_counted and value == 0)


_LAW = Sampling()
_CACHE_TYPES = ("auto", "f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl")
_DEVICES = Listed(
    r"[A-Za-z0-9._:\[\]/-]+", "a device's name", "NAME,…", {"none": "none", "cpu": "none"}
)
_SHARES = Listed(r"(?=.*[1-9])\d{1,9}(\.\d{1,9})?|0(\.0+)?", "a share, such as 3", "N,…")
_SERVERS = Listed(r"[A-Za-z0-9._-]+:\d{1,5}", "a server, such as 192.168.1.7:50052", "HOST:PORT,…")
_PROPOSES = registry.in_words([f"{spec.help} ({spec.name})" for spec in registry.DRAFTERS])
_LOOKING_UP = registry.in_words(registry.needing(Need.HISTORY))

MODELS = Group(
    "Models",
    (
        Option(
            "model",
            Words("FILE"),
            "Target model, a GGUF file or one of the Hub that is downloaded, OWNER/NAME:QUANT; "
            "replaces PROFILE",
            short="-m",
            also=("-hf", "--hf-repo"),
        ),
        Option(
            "draft-model",
            Words("FILE"),
            "Draft model, a GGUF file with the target's vocabulary; goes with -m",
            short="-md",
            also=("--model-draft", "--spec-draft-model", "-hfd", "--hf-repo-draft"),
        ),
        Option(
            "chat-template",
            Words("FILE|NAME"),
            "A chat template in Jinja, or the name of one of llama.cpp's formats such as chatml, "
            "instead of the template in the target's file",
        ),
        Option(
            "chat-template-kwargs",
            Words("JSON"),
            "What the template may ask for, such as '{\"enable_thinking\": false}'",
        ),
        Option("offline", Switch(), "Never use the network"),
    ),
)

DRAFTING = Group(
    "Drafting and verification",
    (
        Option(
            "drafter",
            Choice(registry.choices()),
            f"What proposes tokens: {_PROPOSES}; {registry.AUTO} is "
            f"{registry.automatic(draft_model=True).name} with a draft model, "
            f"{registry.automatic(draft_model=False, history=True).name} without",
            registry.AUTO,
            also=("--spec-type",),
        ),
        Option(
            "draft-max",
            Whole(0, LONGEST_DRAFT),
            "Most tokens drafted in a round; if not given, 16, or 3 with --fixed",
            also=("--spec-draft-n-max", "--num-draft-tokens", "--num-speculative-tokens"),
        ),
        Option(
            "draft-min",
            Whole(0, LONGEST_DRAFT),
            "Draft at least this many, whatever --draft-p-min says",
            0,
            also=("--spec-draft-n-min",),
        ),
        Option(
            "draft-p-min",
            Number(0.0, 1.0, "P"),
            "Stop drafting when the draft model gives its token less than this probability; a "
            "profile's value counts with --fixed only",
            0.0,
            also=("--spec-draft-p-min",),
        ),
        Option(
            "verify",
            Choice(("auto", "match", "rejection", "block")),
            "How drafts are judged; every rule keeps the target's own law. At temperature 0 all "
            "are match",
            "auto",
        ),
        Option(
            "adaptive",
            Switch(),
            "Choose the draft length by what it gains, as measured, between --draft-min and "
            "--draft-max, and draft nothing where that is faster; --fixed drafts --draft-max "
            "tokens where --draft-p-min does not stop earlier",
            True,
            shown="--adaptive",
            off="fixed",
        ),
        Option(
            "expect",
            Words("FILE"),
            "A text the answer is likely to repeat in large parts, such as the old version of a "
            f"file to be edited; needs the drafter {_LOOKING_UP}",
        ),
        Option(
            "exact",
            Switch(),
            "The same bits whatever is drafted, plain decoding included; a little slower",
            False,
        ),
    ),
)

HARDWARE = Group(
    "Hardware and memory",
    (
        Option(
            "gpu-layers",
            Layers(),
            "Layers of the target to put on the GPU",
            "auto",
            short="-ngl",
            also=("--n-gpu-layers",),
        ),
        Option(
            "gpu-layers-draft",
            Layers(),
            "Layers of the draft model to put on the GPU",
            "auto",
            short="-ngld",
            also=("--n-gpu-layers-draft",),
        ),
        Option(
            "device",
            _DEVICES,
            "Devices for the target's layers, in this order; none keeps it on the processor",
            short="-dev",
            shown="all",
        ),
        Option(
            "device-draft",
            _DEVICES,
            "Devices for the draft model's layers",
            short="-devd",
            also=("--spec-draft-device",),
            shown="the target's; with --rpc those of this machine",
        ),
        Option(
            "split-mode",
            Choice(("layer", "row", "tensor", "none")),
            "How the models are spread over several devices; none uses one of them, and tensor is "
            "experimental in llama.cpp",
            "layer",
            short="-sm",
        ),
        Option(
            "tensor-split",
            _SHARES,
            "Shares of the devices, such as 3,1",
            short="-ts",
            shown="by their free memory",
        ),
        Option(
            "main-gpu",
            Whole(0, 255),
            "Which device --split-mode none uses, counted from 0; with row the one for what is not "
            "split",
            0,
            short="-mg",
        ),
        Option(
            "rpc",
            _SERVERS,
            "Machines that run llama.cpp's rpc-server, to spread the target over; needs a build "
            "with RPC",
        ),
        Option(
            "ctx-size",
            Whole(0, 1 << 24),
            "Context of both models in tokens; 0 for all the target was trained for",
            short="-c",
            shown="4096, or what the target was trained for if that is less",
        ),
        Option(
            "threads",
            Whole(0, 1024),
            "CPU threads; 0 for one per physical core",
            0,
            short="-t",
        ),
        Option(
            "threads-draft",
            Whole(0, 1024),
            "CPU threads of the draft model; 0 for as many as the target's",
            0,
            short="-td",
        ),
        Option("batch-size", Whole(1, 1 << 16), "Prompt tokens read at once", 512, short="-b"),
        Option(
            "ubatch-size", Whole(1, 1 << 16), "Tokens of one pass of the graph", 512, short="-ub"
        ),
        Option("flash-attn", Choice(("on", "off", "auto")), "Flash attention", "auto", short="-fa"),
        Option(
            "kernels",
            Choice(("auto", "fast")),
            "auto computes the target so that a row of a pass has the bits it has alone, on "
            "processors and for types of weights that can; fast is llama.cpp's own choice",
            "auto",
        ),
        Option(
            "cache-type-k",
            Choice(_CACHE_TYPES),
            "Type of the cache's keys; auto is f16, or bf16 with --kernels auto",
            "auto",
            short="-ctk",
        ),
        Option(
            "cache-type-v",
            Choice(_CACHE_TYPES),
            "Type of the cache's values, likewise; a quantized one needs flash attention",
            "auto",
            short="-ctv",
        ),
    ),
)

ANSWER = Group(
    "Answer",
    (
        Option(
            "predict",
            Whole(-1),
            "Most tokens of the answer; -1 goes on until the model stops or the context is full",
            -1,
            short="-n",
            also=("--max-tokens", "--n-predict"),
        ),
        Option(
            "stop",
            Several(Words(some=True)),
            "End the answer at this text; repeatable",
            (),
            short="-r",
            also=("--reverse-prompt",),
        ),
        Option(
            "ignore-eos",
            Switch(),
            "Never end by itself: the tokens that would end the answer are not drawn",
            False,
        ),
        Option("grammar", Words("GBNF"), "Only texts of this grammar"),
        Option("grammar-file", Words("FILE"), "The same, from a file"),
        Option("json-schema", Words("FILE|JSON"), "Only JSON that fits this schema"),
    ),
)

SAMPLING = Group(
    "Sampling",
    (
        Option(
            "temp",
            Number(0.0, 100.0),
            "Temperature; 0 always takes the most likely token",
            _LAW.temperature,
            also=("--temperature",),
        ),
        Option(
            "seed",
            Seed(),
            "Makes sampling repeatable; -1 takes a new one every time",
            short="-s",
            shown="-1",
        ),
        Option("top-k", Whole(0, 1 << 30), "Only the N most likely; 0 for all", _LAW.top_k),
        Option(
            "top-p",
            Number(0.0, 1.0, "P"),
            "Only the most likely tokens that reach this probability together",
            _LAW.top_p,
        ),
        Option(
            "min-p",
            Number(0.0, 1.0, "P"),
            "Only tokens with this share of the most likely one's probability",
            _LAW.min_p,
        ),
        Option(
            "typical", Number(0.0, 1.0, "P"), "Locally typical sampling; 1 is off", _LAW.typical_p
        ),
        Option(
            "repeat-penalty",
            Number(1e-3, 100.0),
            "Penalty on repeats; 1 is off",
            _LAW.repeat_penalty,
        ),
        Option(
            "repeat-last-n",
            Whole(-1, 1 << 30),
            "Tokens the penalties look back on; -1 for all of the context",
            _LAW.repeat_last_n,
        ),
        Option(
            "presence-penalty",
            Number(-100.0, 100.0),
            "Penalty on what occurred; 0 is off",
            _LAW.presence_penalty,
        ),
        Option(
            "frequency-penalty",
            Number(-100.0, 100.0),
            "Penalty for each occurrence; 0 is off",
            _LAW.frequency_penalty,
        ),
        Option(
            "dry-multiplier",
            Number(0.0, 100.0),
            "Strength of DRY against repeats; 0 is off",
            _LAW.dry_multiplier,
        ),
        Option("dry-base", Number(1.0, 100.0), "Growth of DRY with the phrase", _LAW.dry_base),
        Option(
            "dry-allowed-length",
            Whole(0, 1 << 30),
            "Longest repeat DRY lets pass",
            _LAW.dry_allowed_length,
        ),
        Option(
            "dry-penalty-last-n",
            Whole(-1, 1 << 30),
            "Tokens DRY looks back on; -1 for all of the context",
            _LAW.dry_last_n,
        ),
        Option(
            "logit-bias", Several(Bias()), "Add to a token's logit, such as 42-1.5; repeatable", ()
        ),
    ),
)

PROMPT = Group(
    "Prompt",
    (
        Option("prompt", Words(), "The prompt, instead of PROMPT", short="-p"),
        Option(
            "file",
            Several(Words("FILE")),
            "Read the prompt's beginning from a file; repeatable",
            (),
            short="-f",
        ),
        Option("system", Words(), "System message", short="-sys", also=("--system-prompt",)),
        Option("raw", Switch(), "Send the prompt as it is, without the chat template"),
        Option(
            "input",
            Words("FILE"),
            "Answer many prompts, one JSON object per line; - for stdin",
        ),
    ),
)

OUTPUT = Group(
    "Output",
    (
        Option("json", Switch(), "One JSON object at the end instead of text"),
        Option("jsonl", Switch(), "Events as JSON lines instead of text"),
        Option("stats", Switch(), "Print statistics on stderr", shown="yes, for text"),
        Option("show-drafts", Switch(), "Colour what came from accepted drafts"),
        Option(
            "color",
            Choice(("auto", "always", "never")),
            "Colour; auto follows the terminal",
            "auto",
        ),
        Option("trace", Words("FILE"), "Also write every event to a file, as JSON lines"),
        Option("quiet", Switch(), "Nothing on stderr but warnings and errors", short="-q"),
        Option(
            "verbose",
            Level(2),
            "What is loaded and how, and more statistics, on stderr; -vv llama.cpp's log as well",
            0,
            short="-v",
        ),
        Option("print-config", Switch(), "Print every value and where it comes from, then stop"),
    ),
)

RUN = (PROMPT, MODELS, DRAFTING, ANSWER, SAMPLING, HARDWARE, OUTPUT)


def options_of(groups: Sequence[Group]) -> list[Option]:
    """All options of some groups."""
    return [option for group in groups for option in group.options]


class Action(Protocol):
    """A command: positional words and the flags that were given, to an exit code."""

    __name__: str

    def __call__(self, words: Sequence[str], flags: Mapping[str, object], /) -> int: ...


def accepts(
    groups: Sequence[Group], words: str, before: Callable[[str], None] = lambda _: None
) -> Callable[[Action], Callable[..., int]]:
    """Turn an action into a function whose signature Typer reads: the words and all options.

    Values are left as written; the resolver reads them together with the other sources.

    Args:
        words: help of the positional arguments.
        before: called with the command's name before it runs.
    """
    parameter = inspect.Parameter
    parameters = [
        parameter(
            "words",
            parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[
                list[str] | None,
                typer.Argument(help=words, metavar="[PROFILE] [PROMPT]...", show_default=False),
            ],
        )
    ]
    options = options_of(groups)
    for option in options:
        given: Any = str | None
        if option.is_switch:
            given = bool | None
        elif option.is_counted:
            given = int | None
        elif isinstance(option.kind, Several):
            given = list[str] | None
        info = typer.Option(
            *option.flags, help=option.help, show_default=False, count=option.is_counted
        )
        parameters.append(
            parameter(
                option.key, parameter.KEYWORD_ONLY, default=None, annotation=Annotated[given, info]
            )
        )

    def wrap(action: Action) -> Callable[..., int]:
        def command(**given: Any) -> int:
            words = given.pop("words") or []
            flags = {
                option.name: given[option.key]
                for option in options
                if _is_given(option, given[option.key])
            }
            before(action.__name__)
            return action(words, flags)

        command.__doc__ = action.__doc__
        command.__name__ = action.__name__
        vars(command)["__signature__"] = inspect.Signature(parameters)
        command.__annotations__ = {item.name: item.annotation for item in parameters}
        return command

    return wrap

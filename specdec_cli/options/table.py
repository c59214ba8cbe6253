"""Every option, once: its spellings, its kind, its default, its help, and its type.

Parsing, help, environment variables, the configuration file and ``--print-config`` all follow from
these fields. A command names the groups it takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import NoneType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from specdec_cli.core.limits import DEFAULT_CONTEXT, DRAFT_MAX, DRAFT_MAX_FIXED, LONGEST_DRAFT
from specdec_cli.core.sampling import Sampling
from specdec_cli.drafters import registry
from specdec_cli.drafters.registry import Need
from specdec_cli.options.option import Group, Option, OptionSet, Origin, option
from specdec_cli.options.values import (
    Bias,
    Choice,
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

if TYPE_CHECKING:
    from specdec_cli.engine.settings import RuleName
    from specdec_cli.models.kernels import Kernels
    from specdec_cli.models.settings import CacheType, FlashAttention, SplitMode
    from specdec_cli.terminal.console import ColorChoice

_LAW = Sampling()
_PREDICT = ("--max-tokens", "--n-predict")
_CACHE_TYPES: Choice[CacheType] = Choice(
    ("auto", "f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl")
)
_DEVICES = Listed(
    r"[A-Za-z0-9._:\[\]/-]+", "a device's name", "NAME,…", {"none": "none", "cpu": "none"}
)
_SHARES = Listed(r"(?=.*[1-9])\d{1,9}(\.\d{1,9})?|0(\.0+)?", "a share, such as 3", "N,…")
_SERVERS = Listed(r"[A-Za-z0-9._-]+:\d{1,5}", "a server, such as 192.168.1.7:50052", "HOST:PORT,…")
_PROPOSES = registry.in_words([f"{spec.help} ({spec.name})" for spec in registry.DRAFTERS])
_LOOKING_UP = registry.in_words(registry.needing(Need.HISTORY))


def measured_length(help: str, shown: str, *, least: int = 2) -> int | None:
    """``--predict`` of a command that measures answers, and has lengths of its own."""
    return option(Whole(least, 1 << 20), help, short="-n", also=_PREDICT, shown=shown)


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """Which models, and how a conversation becomes their prompt."""

    model: str | None = option(
        Words("FILE"),
        "Target model, a GGUF file or one of the Hub that is downloaded, OWNER/NAME:QUANT; "
        "replaces PROFILE",
        short="-m",
        also=("-hf", "--hf-repo"),
    )
    draft_model: str | None = option(
        Words("FILE"),
        "Draft model, a GGUF file with the target's vocabulary; goes with -m",
        short="-md",
        also=("--model-draft", "--spec-draft-model", "-hfd", "--hf-repo-draft"),
    )
    chat_template: str | None = option(
        Words("FILE|NAME"),
        "A chat template in Jinja, or the name of one of llama.cpp's formats such as chatml, "
        "instead of the template in the target's file",
    )
    chat_template_kwargs: str | None = option(
        Words("JSON"),
        "What the template may ask for, such as '{\"enable_thinking\": false}'",
    )
    offline: bool | None = option(Switch(), "Never use the network")


@dataclass(frozen=True, slots=True)
class DraftingOptions:
    """What drafts, how far, and how drafts are verified."""

    drafter: str = option(
        Choice(registry.choices()),
        f"What proposes tokens: {_PROPOSES}; {registry.AUTO} is "
        f"{registry.automatic({Need.DRAFT_MODEL}).name} with a draft model, "
        f"{registry.automatic(()).name} without",
        registry.AUTO,
        also=("--spec-type",),
    )
    draft_max: int | None = option(
        Whole(0, LONGEST_DRAFT),
        f"Most tokens drafted in a round; if not given, {DRAFT_MAX}, or {DRAFT_MAX_FIXED} with "
        "--fixed",
        also=("--spec-draft-n-max", "--num-draft-tokens", "--num-speculative-tokens"),
    )
    draft_min: int = option(
        Whole(0, LONGEST_DRAFT),
        "Draft at least this many, whatever --draft-p-min says",
        0,
        also=("--spec-draft-n-min",),
    )
    draft_p_min: float = option(
        Number(0.0, 1.0, "P"),
        "Stop drafting when the draft model gives its token less than this probability; a "
        "profile's value counts with --fixed only",
        0.0,
        also=("--spec-draft-p-min",),
    )
    verify: RuleName = option(
        Choice(("auto", "match", "rejection", "block")),
        "How drafts are verified; every rule keeps the target's distribution. At temperature 0 all "
        "are match",
        "auto",
    )
    adaptive: bool = option(
        Switch(),
        "Choose the draft length by what it gains, as measured, between --draft-min and "
        "--draft-max, and draft nothing where that is faster; --fixed drafts --draft-max "
        "tokens where --draft-p-min does not stop earlier",
        True,
        shown="--adaptive",
        off="fixed",
    )
    expect: str | None = option(
        Words("FILE"),
        "A text the answer is likely to repeat in large parts, such as the old version of a "
        f"file to be edited; needs the drafter {_LOOKING_UP}",
    )
    exact: bool = option(
        Switch(),
        "The same bits whatever is drafted, plain decoding included; a little slower",
        False,
    )


@dataclass(frozen=True, slots=True)
class HardwareOptions:
    """Where the models lie, and how their contexts are laid out."""

    gpu_layers: int | str = option(
        Layers(),
        "Layers of the target to put on the GPU",
        "auto",
        short="-ngl",
        also=("--n-gpu-layers",),
    )
    gpu_layers_draft: int | str = option(
        Layers(),
        "Layers of the draft model to put on the GPU",
        "auto",
        short="-ngld",
        also=("--n-gpu-layers-draft",),
    )
    device: str | None = option(
        _DEVICES,
        "Devices for the target's layers, in this order; none keeps it on the processor",
        short="-dev",
        shown="all",
    )
    device_draft: str | None = option(
        _DEVICES,
        "Devices for the draft model's layers",
        short="-devd",
        also=("--spec-draft-device",),
        shown="the target's; with --rpc those of this machine",
    )
    split_mode: SplitMode = option(
        Choice(("layer", "row", "tensor", "none")),
        "How the models are spread over several devices; none uses one of them, and tensor is "
        "experimental in llama.cpp",
        "layer",
        short="-sm",
    )
    tensor_split: str | None = option(
        _SHARES,
        "Shares of the devices, such as 3,1",
        short="-ts",
        shown="by their free memory",
    )
    main_gpu: int = option(
        Whole(0, 255),
        "Which device --split-mode none uses, counted from 0; with row the one for what is not "
        "split",
        0,
        short="-mg",
    )
    rpc: str | None = option(
        _SERVERS,
        "Machines that run llama.cpp's rpc-server, to spread the target over; needs a build "
        "with RPC",
    )
    ctx_size: int | None = option(
        Whole(0, 1 << 24),
        "Context of both models in tokens; 0 for all the target was trained for",
        short="-c",
        shown=f"{DEFAULT_CONTEXT}, or what the target was trained for if that is less",
    )
    threads: int = option(
        Whole(0, 1024),
        "CPU threads; 0 for one per physical core",
        0,
        short="-t",
    )
    threads_draft: int = option(
        Whole(0, 1024),
        "CPU threads of the draft model; 0 for as many as the target's",
        0,
        short="-td",
    )
    batch_size: int = option(Whole(1, 1 << 16), "Prompt tokens read at once", 512, short="-b")
    ubatch_size: int = option(
        Whole(1, 1 << 16), "Tokens of one pass of the graph", 512, short="-ub"
    )
    flash_attn: FlashAttention = option(
        Choice(("on", "off", "auto")), "Flash attention", "auto", short="-fa"
    )
    kernels: Kernels = option(
        Choice(("auto", "fast")),
        "auto computes the target so that a row of a pass has the bits it has alone, on "
        "processors and for types of weights that can; fast is llama.cpp's own choice",
        "auto",
    )
    cache_type_k: CacheType = option(
        _CACHE_TYPES,
        "Type of the cache's keys; auto is f16, or bf16 with --kernels auto",
        "auto",
        short="-ctk",
    )
    cache_type_v: CacheType = option(
        _CACHE_TYPES,
        "Type of the cache's values, likewise; a quantized one needs flash attention",
        "auto",
        short="-ctv",
    )


@dataclass(frozen=True, slots=True)
class AnswerOptions:
    """How far an answer goes, and what it may be."""

    predict: int = option(
        Whole(-1),
        "Most tokens of the answer; -1 goes on until the model stops or the context is full",
        -1,
        short="-n",
        also=_PREDICT,
    )
    stop: tuple[str, ...] = option(
        Several(Words(some=True)),
        "End the answer at this text; repeatable",
        (),
        short="-r",
        also=("--reverse-prompt",),
    )
    ignore_eos: bool = option(
        Switch(),
        "Never end by itself: the tokens that would end the answer are not drawn",
        False,
    )
    grammar: str | None = option(Words("GBNF"), "Only texts of this grammar")
    grammar_file: str | None = option(Words("FILE"), "The same, from a file")
    json_schema: str | None = option(Words("FILE|JSON"), "Only JSON that fits this schema")


@dataclass(frozen=True, slots=True)
class SamplingOptions:
    """How tokens are drawn."""

    temp: float = option(
        Number(0.0, 100.0),
        "Temperature; 0 always takes the most likely token",
        _LAW.temperature,
        also=("--temperature",),
    )
    seed: int | None = option(
        Seed(),
        "Makes sampling repeatable; -1 takes a new one every time",
        short="-s",
        shown="-1",
    )
    top_k: int = option(Whole(0, 1 << 30), "Only the N most likely; 0 for all", _LAW.top_k)
    top_p: float = option(
        Number(0.0, 1.0, "P"),
        "Only the most likely tokens that reach this probability together",
        _LAW.top_p,
    )
    min_p: float = option(
        Number(0.0, 1.0, "P"),
        "Only tokens with this share of the most likely one's probability",
        _LAW.min_p,
    )
    typical: float = option(
        Number(0.0, 1.0, "P"), "Locally typical sampling; 1 is off", _LAW.typical_p
    )
    repeat_penalty: float = option(
        Number(1e-3, 100.0),
        "Penalty on repeats; 1 is off",
        _LAW.repeat_penalty,
    )
    repeat_last_n: int = option(
        Whole(-1, 1 << 30),
        "Tokens the penalties look back on; -1 for all of the context",
        _LAW.repeat_last_n,
    )
    presence_penalty: float = option(
        Number(-100.0, 100.0),
        "Penalty on what occurred; 0 is off",
        _LAW.presence_penalty,
    )
    frequency_penalty: float = option(
        Number(-100.0, 100.0),
        "Penalty for each occurrence; 0 is off",
        _LAW.frequency_penalty,
    )
    dry_multiplier: float = option(
        Number(0.0, 100.0),
        "Strength of DRY against repeats; 0 is off",
        _LAW.dry_multiplier,
    )
    dry_base: float = option(Number(1.0, 100.0), "Growth of DRY with the phrase", _LAW.dry_base)
    dry_allowed_length: int = option(
        Whole(0, 1 << 30),
        "Longest repeat DRY lets pass",
        _LAW.dry_allowed_length,
    )
    dry_penalty_last_n: int = option(
        Whole(-1, 1 << 30),
        "Tokens DRY looks back on; -1 for all of the context",
        _LAW.dry_last_n,
    )
    logit_bias: tuple[tuple[int, float], ...] = option(
        Several(Bias()), "Add to a token's logit, such as 42-1.5; repeatable", ()
    )


@dataclass(frozen=True, slots=True)
class PromptOptions:
    """Where the prompt comes from."""

    prompt: str | None = option(Words(), "The prompt, instead of PROMPT", short="-p")
    file: tuple[str, ...] = option(
        Several(Words("FILE")),
        "Read the prompt's beginning from a file; repeatable",
        (),
        short="-f",
    )
    system: str | None = option(Words(), "System message", short="-sys", also=("--system-prompt",))
    raw: bool | None = option(Switch(), "Send the prompt as it is, without the chat template")
    input: str | None = option(
        Words("FILE"),
        "Answer many prompts, one JSON object per line; - for stdin",
    )


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """What comes out, and where."""

    json: bool | None = option(Switch(), "One JSON object at the end instead of text")
    jsonl: bool | None = option(Switch(), "Events as JSON lines instead of text")
    stats: bool | None = option(Switch(), "Print statistics on stderr", shown="yes, for text")
    show_drafts: bool | None = option(Switch(), "Colour what came from accepted drafts")
    color: ColorChoice = option(
        Choice(("auto", "always", "never")),
        "Colour; auto follows the terminal",
        "auto",
    )
    trace: str | None = option(Words("FILE"), "Also write every event to a file, as JSON lines")
    quiet: bool | None = option(Switch(), "Nothing on stderr but warnings and errors", short="-q")
    verbose: int = option(
        Level(2),
        "What is loaded and how, and more statistics, on stderr; -vv llama.cpp's log as well",
        0,
        short="-v",
    )
    print_config: bool | None = option(
        Switch(), "Print every value and where it comes from, then stop"
    )


MODELS = Group.of("Models", ModelOptions)
DRAFTING = Group.of("Drafting and verification", DraftingOptions)
HARDWARE = Group.of("Hardware and memory", HardwareOptions)
ANSWER = Group.of("Answer", AnswerOptions)
SAMPLING = Group.of("Sampling", SamplingOptions)
PROMPT = Group.of("Prompt", PromptOptions)
OUTPUT = Group.of("Output", OutputOptions)

JSON = replace(OUTPUT.only("json").options[0], help="One JSON object instead of text")
"""``--json`` of commands that print nothing before their end."""


Own_co = TypeVar("Own_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The values of a command's options, section by section.

    Options of a section that the command does not offer have their built-in value.

    Args:
        profile: the name of the profile in use, if there is one.
        origins: where the value of each option comes from that the command offers, by its name.
    """

    prompt: PromptOptions = field(default_factory=PromptOptions)
    models: ModelOptions = field(default_factory=ModelOptions)
    drafting: DraftingOptions = field(default_factory=DraftingOptions)
    answer: AnswerOptions = field(default_factory=AnswerOptions)
    sampling: SamplingOptions = field(default_factory=SamplingOptions)
    hardware: HardwareOptions = field(default_factory=HardwareOptions)
    output: OutputOptions = field(default_factory=OutputOptions)
    profile: str | None = None
    origins: Mapping[str, Origin] = field(default_factory=dict)

    def value(self, option: Option) -> Any:
        """An option's value."""
        return getattr(getattr(self, self.place(option)), option.key)

    def with_value(self, option: Option, value: object, origin: Origin) -> Self:
        """The same options but for one."""
        at = self.place(option)
        section = replace(getattr(self, at), **{option.key: value})
        return replace(self, **{at: section}, origins={**self.origins, option.name: origin})

    def place(self, option: Option) -> str:
        """The field that holds an option's section."""
        names = (each.name for each in fields(self))
        return next(name for name in names if type(getattr(self, name)) is option.section)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandOptions(Options, Generic[Own_co]):
    """The same with the section of a command's own options, which no other command has."""

    own: Own_co


def length_asked(options: Options, given: int | None) -> int | None:
    """The length of answers that a person asked a measuring command for.

    A profile, or the configuration of all commands, means the answers of ``run``.
    """
    return given if options.origins["predict"] in ("flag", "environment") else None


RUN = OptionSet("run", NoneType, (PROMPT, MODELS, DRAFTING, ANSWER, SAMPLING, HARDWARE, OUTPUT))

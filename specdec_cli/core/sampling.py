"""The sampling parameters, checked once before any model is loaded."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

_COLDEST = 1e-3
"""Below this the distribution is a point mass up to rounding, and logits overflow when divided."""


WHOLE_CONTEXT = 1 << 30
"""Tokens of a window that covers the whole context, whatever its length."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """Parameters of the sampling chain, in the order the chain applies them.

    The distribution they define is: the grammar or the JSON schema, if any, takes away what it
    forbids; then logit bias, repetition/presence/frequency penalties and DRY on the path so far;
    then top-k, typical, top-p and min-p cut the candidates; then temperature. At temperature 0 the
    distribution is a point mass on the largest logit that the grammar, the bias and the penalties
    leave.

    Args:
        grammar: in GBNF.
        json_schema: as ``models.constraint.schema`` returns it.
        ignore_end: the bias of every token that ends the generation is minus infinity.

    Raises:
        ValueError: a value outside its range, naming it.
    """

    temperature: float = 0.0
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    typical_p: float = 1.0
    repeat_penalty: float = 1.0
    repeat_last_n: int = 64
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    dry_multiplier: float = 0.0
    dry_base: float = 1.75
    dry_allowed_length: int = 2
    dry_last_n: int = 1024
    logit_bias: dict[int, float] = field(default_factory=dict)
    grammar: str = ""
    json_schema: str = ""
    ignore_end: bool = False

    def __post_init__(self) -> None:
        for name, low, high in (
            ("temperature", 0.0, 100.0),
            ("top_p", 0.0, 1.0),
            ("min_p", 0.0, 1.0),
            ("typical_p", 0.0, 1.0),
            ("repeat_penalty", 1e-3, 100.0),
            ("presence_penalty", -100.0, 100.0),
            ("frequency_penalty", -100.0, 100.0),
            ("dry_multiplier", 0.0, 100.0),
            ("dry_base", 1.0, 100.0),
        ):
            value = getattr(self, name)
            if not low <= value <= high:  # also refuses NaN
                raise ValueError(f"{name} is {value}, it must be from {low:g} to {high:g}")
        if 0 < self.temperature < _COLDEST:
            raise ValueError(
                f"temperature is {self.temperature:g}: use 0, or at least {_COLDEST:g}"
            )
        for name in ("top_k", "repeat_last_n", "dry_allowed_length", "dry_last_n"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}, it must not be negative")

    @property
    def has_memory(self) -> bool:
        """Whether the distribution depends on the path, and not on the logits alone."""
        return self.penalizes or self.repeats_dry or self.constrains

    @property
    def constrains(self) -> bool:
        """Whether answers are kept to a grammar or a schema."""
        return bool(self.grammar or self.json_schema)

    @property
    def penalizes(self) -> bool:
        """Whether a repetition, presence or frequency penalty is on."""
        on = self.repeat_penalty != 1 or self.presence_penalty != 0 or self.frequency_penalty != 0
        return on and self.repeat_last_n > 0

    @property
    def repeats_dry(self) -> bool:
        """Whether DRY is on."""
        return self.dry_multiplier > 0 and self.dry_last_n > 0

    def untruncated(self) -> Sampling:
        """The same at temperature 1 with no candidate cut."""
        return replace(self, temperature=1.0, top_k=0, top_p=1.0, min_p=0.0, typical_p=1.0)

    @property
    def truncates(self) -> bool:
        """Whether candidates are cut at all."""
        return self.top_k > 0 or self.top_p < 1 or self.min_p > 0 or self.typical_p < 1

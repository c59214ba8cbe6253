"""The sampling chains of a pair: the target's, as it can run, and the draft's like it."""

from __future__ import annotations

from dataclasses import replace
from math import inf

from specdec_cli.core.sampling import Sampling
from specdec_cli.errors import UsageError
from specdec_cli.models.llama import LlamaVocabulary


def of_target(sampling: Sampling, vocab: LlamaVocabulary, n_ctx: int) -> Sampling:
    """The same distribution, with windows no longer than a path can be: llama.cpp allocates them.

    Where the end is to be ignored, the tokens that it is are biased away.

    Raises:
        UsageError: a biased token does not exist, or biases rule out every token.
    """
    missing = [token for token in sampling.logit_bias if token >= vocab.size]
    if missing:
        raise UsageError(
            f"--logit-bias names token {missing[0]}, the target has {vocab.size}",
            f"token ids go from 0 to {vocab.size - 1}",
        )
    ends = vocab.ends if sampling.ignore_end else ()
    biases = {**sampling.logit_bias, **dict.fromkeys(ends, -inf)}
    if sum(value == -inf for value in biases.values()) == vocab.size:
        raise UsageError("--logit-bias leaves no token to choose", "leave one out of it")
    return replace(
        sampling,
        logit_bias=biases,
        repeat_last_n=min(sampling.repeat_last_n, n_ctx),
        dry_last_n=min(sampling.dry_last_n, n_ctx),
        dry_allowed_length=min(sampling.dry_allowed_length, n_ctx),
    )


def of_draft(sampling: Sampling, common: int) -> Sampling:
    """The draft's chain: the target's, without the grammar: what it forbids is refused.

    Args:
        common: tokens both models share.
    """
    bias = {token: value for token, value in sampling.logit_bias.items() if token < common}
    return replace(sampling, grammar="", json_schema="", logit_bias=bias)

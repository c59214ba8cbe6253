"""What specdec adds to llama.cpp: the share of decoding spent outside ``llama_decode``."""

from __future__ import annotations

from collections.abc import Sequence

from specdec_cli.engine.decoder import Decoder
from specdec_cli.engine.settings import AnswerSettings, PairSettings
from tools.measure.answers import Timed, answer, encode


def report(settings: PairSettings, texts: Sequence[str], max_tokens: int) -> None:
    """Print the share, with and without drafts.

    Args:
        texts: prompts; without any, some tokens are one, for models that know no text.
    """
    with Decoder.load(settings) as decoder:
        prompts = [encode(decoder, text) for text in texts] or [list(range(10, 40))]
        for plain in (True, False):
            runs = [
                answer(decoder, prompt, AnswerSettings(), plain=plain, max_tokens=max_tokens)
                for prompt in prompts
            ]
            print(f"{'plain' if plain else 'drafted':>8} {_line(runs)}")


def _line(runs: Sequence[Timed]) -> str:
    decode = sum(run.stats.decode_seconds for run in runs)
    backend = sum(run.backend_seconds for run in runs)
    rounds = sum(run.stats.rounds for run in runs)
    own = decode - backend
    return (
        f"{rounds} rounds of {1e3 * decode / rounds:.2f} ms, own {1e6 * own / rounds:.0f} us a "
        f"round, {own / decode:.1%} of decoding"
    )

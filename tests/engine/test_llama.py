"""Real models: contexts, the sampling chain, and what exact mode promises, on the embedded pair."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from specdec_cli.core.distribution import NotNumbersError
from specdec_cli.core.events import Finished, PromptDone, Round, Text
from specdec_cli.core.sampling import Sampling
from specdec_cli.engine.decoder import Decoder
from specdec_cli.engine.loop import generate
from specdec_cli.engine.settings import AnswerSettings, ModelChoice, PairSettings
from specdec_cli.errors import BackendError, Cancelled, NotAModelError, UsageError
from specdec_cli.models.constraint.llama import GbnfConstraint
from specdec_cli.models.llama import LlamaModel
from specdec_cli.models.llama_context import LlamaContext
from specdec_cli.models.sampler_chain import LlamaSamplerChain
from specdec_cli.models.settings import ContextSettings, ModelSettings
from specdec_cli.templates.message import Message
from tests.ggufs import default_tokens, write_gguf, write_t5

EMBEDDED = Path(__file__).parents[2] / "specdec_cli" / "embedded"
TARGET, DRAFT = EMBEDDED / "tiny-target.gguf", EMBEDDED / "tiny-draft.gguf"
PROMPTS = [
    "Write a Python function that returns the sum of a list.",
    "What is the capital of France?",
    "Tell me a short story about a brave fox and a lost key.",
    "Explain what a hash table is.",
]


def test_an_encoder_is_refused_by_what_llama_cpp_says_of_it(tmp_path: Path) -> None:
    with pytest.raises(NotAModelError, match="encoder"):
        LlamaModel(write_t5(tmp_path / "t5.gguf"), ModelSettings())


def test_a_path_need_not_be_utf8(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    folder.mkdir()
    with closing(LlamaModel(write_gguf(folder / "x.gguf"), ModelSettings())) as model:
        assert model.vocab.size == len(default_tokens())


def open_pair(**settings: object) -> Decoder:
    settings = {"n_ctx": 512, "draft_max": 4} | settings
    draft = ModelChoice(DRAFT)
    return Decoder.load(PairSettings(ModelChoice(TARGET), draft, **settings))  # type: ignore[arg-type]


def tokens_of(pair: Decoder, prompt: str) -> list[int]:
    template = pair.models.chat_template()
    assert template
    text = template.render([Message("user", prompt)])
    return pair.models.vocab.tokenize(text, add_special=True, parse_special=True)


def answer(pair: Decoder, prompt: str, settings: AnswerSettings | None = None) -> list[int]:
    events = generate(
        pair.session(settings or AnswerSettings()), tokens_of(pair, prompt), max_tokens=120
    )
    return [token for event in events if isinstance(event, Round) for token in event.tokens]


@pytest.fixture(scope="module")
def model() -> Iterator[LlamaModel]:
    model = LlamaModel(TARGET, ModelSettings())
    yield model
    model.close()


@pytest.fixture
def context(model: LlamaModel) -> Iterator[LlamaContext]:
    layout = ContextSettings(n_ctx=256, n_batch=64, rows=8, threads=2)
    with closing(LlamaContext(model, layout)) as context:
        yield context


class TestContext:
    def test_rows_are_those_of_decoding_one_by_one(self, context: LlamaContext) -> None:
        tokens = [300, 301, 302, 303, 304]
        together = context.decode(tokens, 5).copy()
        context.truncate(0)
        for token, row in zip(tokens, together, strict=True):
            one = context.decode([token], 1)[0]
            np.testing.assert_allclose(one, row, atol=2e-2)

    def test_truncating_and_decoding_again_gives_the_same(self, context: LlamaContext) -> None:
        context.decode([300, 301], 0)
        first = context.decode([302, 303], 2).copy()
        context.truncate(2)
        context.decode([900, 901, 902], 3)
        context.truncate(2)
        np.testing.assert_array_equal(context.decode([302, 303], 2), first)
        assert context.length == 4

    def test_asking_for_more_rows_than_there_are_is_refused(self, context: LlamaContext) -> None:
        for tokens, rows in (([1] * 20, 9), ([1, 2], 3)):
            with pytest.raises(ValueError, match="rows"):
                context.decode(tokens, rows)

    def test_more_tokens_than_the_context_holds_are_refused(self, context: LlamaContext) -> None:
        for _ in range(4):
            context.decode([1] * 64, 0)
        with pytest.raises(ValueError, match="context"):
            context.decode([1], 1)

    def test_an_interrupted_decode_leaves_the_cache_as_it_was(self, context: LlamaContext) -> None:
        context.decode([300, 301], 0)
        expected = context.decode([302], 1).copy()
        context.truncate(2)
        context.interrupt_when(lambda: True)
        with pytest.raises(Cancelled):
            context.decode([400] * 60, 1)
        context.interrupt_when(None)
        assert context.length == 2
        np.testing.assert_array_equal(context.decode([302], 1), expected)

    def test_padding_is_invisible(self, model: LlamaModel) -> None:
        layout = ContextSettings(n_ctx=64, n_batch=64, rows=5, threads=2, pad=4)
        with closing(LlamaContext(model, layout)) as padded:
            rows = padded.decode([300, 301, 302, 303, 304], 5).copy()
            assert padded.length == 5
            padded.truncate(3)
            np.testing.assert_array_equal(padded.decode([303], 1)[0], rows[3])
            padded.truncate(0)
            for _ in range(64):  # to the last token of the context
                padded.decode([305], 1)
            assert padded.length == 64

    def test_truncating_into_padding_leaves_the_real_tokens(self, model: LlamaModel) -> None:
        layout = ContextSettings(n_ctx=64, n_batch=64, rows=8, threads=2, pad=4)
        with closing(LlamaContext(model, layout)) as padded:
            padded.decode([300, 301, 302, 303, 304], 5)
            padded.truncate(6)
            assert padded.length == 5

    def test_a_draft_reads_tokens_that_only_the_target_has(self, model: LlamaModel) -> None:
        size = model.vocab.size
        layout = ContextSettings(n_ctx=64, n_batch=64, rows=1, threads=2)
        with closing(LlamaContext(model, layout, shared=size - 5, followed=size + 9)) as shared:
            assert shared.decode([300, size + 3, 301], 1).shape == (1, size - 5)

    def test_loading_can_be_given_up(self) -> None:
        with pytest.raises(Cancelled):
            LlamaModel(TARGET, ModelSettings(), lambda _: False)


class TestVocabulary:
    @pytest.mark.parametrize(
        "text", ["", "Hello, world!", "naïve 😀 日本語\n\tdef f(x):", "\x00\x07"]
    )
    def test_pieces_give_the_text_back(self, model: LlamaModel, text: str) -> None:
        tokens = model.vocab.tokenize(text, add_special=False, parse_special=False)
        assert b"".join(map(model.vocab.piece, tokens)).decode() == text

    def test_special_tokens_are_read_only_when_asked_for(self, model: LlamaModel) -> None:
        plain = model.vocab.tokenize("<|im_end|>", add_special=False, parse_special=False)
        special = model.vocab.tokenize("<|im_end|>", add_special=False, parse_special=True)
        assert len(plain) > 1
        assert len(special) == 1
        assert model.vocab.is_end(special[0])
        assert model.vocab.piece(special[0]) == b""


class TestSamplerChain:
    LOGITS = np.random.default_rng(3).normal(0, 3, 100_000).astype(np.float32)

    def logits(self, model: LlamaModel) -> np.ndarray:
        return self.LOGITS[: model.vocab.size].copy()

    def test_truncation_and_temperature_follow_their_definitions(self, model: LlamaModel) -> None:
        logits = self.logits(model)
        sampling = Sampling(temperature=0.7, top_k=30, top_p=0.9, min_p=0.02)
        dist = LlamaSamplerChain(model, sampling).distribution(logits)
        order = np.argsort(-logits)[:30]
        probs = np.exp(logits[order].astype(np.float64) - logits[order[0]])
        probs /= probs.sum()
        kept = int(np.searchsorted(np.cumsum(probs), 0.9)) + 1
        order, probs = order[:kept], probs[:kept]
        keep = probs >= 0.02 * probs[0]
        order = order[keep]
        cooled = np.exp((logits[order].astype(np.float64) - logits[order[0]]) / 0.7)
        expected = dict(zip(order.tolist(), (cooled / cooled.sum()).tolist(), strict=True))
        assert dist.ids is not None
        found = dict(zip(dist.ids.tolist(), dist.probs.tolist(), strict=True))
        assert found.keys() == expected.keys()
        assert all(found[token] == pytest.approx(expected[token]) for token in expected)

    def test_a_large_vocabulary_gives_the_same_distribution_row_after_row(
        self, model: LlamaModel
    ) -> None:
        """There the samplers are given a shortlist."""
        sampling = Sampling(temperature=0.7)
        chain = LlamaSamplerChain(model, sampling, len(self.LOGITS))
        for spread in (1.0, 0.01, 4.0, 1.0):
            logits = (self.LOGITS * spread).astype(np.float32)
            likely = np.sort(np.argpartition(logits, -40)[-40:])
            dist = chain.distribution(logits)
            whole = LlamaSamplerChain(model, sampling, len(likely)).distribution(logits[likely])
            assert dist.ids is not None and whole.ids is not None
            assert dist.ids.tolist() == likely[whole.ids].tolist()
            np.testing.assert_allclose(dist.probs, whole.probs, rtol=1e-6)
            assert dist.probs.sum() == pytest.approx(1.0)

    def test_without_truncation_the_distribution_is_the_softmax(self, model: LlamaModel) -> None:
        logits = self.logits(model)
        dist = LlamaSamplerChain(model, Sampling(1.0, top_k=0, top_p=1, min_p=0)).distribution(
            logits
        )
        expected = np.exp(logits.astype(np.float64))
        np.testing.assert_allclose(dist.probs, expected / expected.sum(), rtol=1e-5)
        assert dist.ids is None

    def test_penalties_follow_the_path_and_leave_no_trace(self, model: LlamaModel) -> None:
        logits = self.logits(model)
        best, second = np.argsort(-logits)[:2].tolist()
        chain = LlamaSamplerChain(model, Sampling(frequency_penalty=50.0))
        chain.restart([5, 6])
        assert _only(chain.distribution(logits)) == best
        at = chain.distributions_along([logits, logits], [best])
        assert _only(at(0)) == best
        assert _only(at(1)) == second
        assert _only(chain.distribution(logits)) == best  # the walk is forgotten
        chain.commit([best])
        assert _only(chain.distribution(logits)) == second
        chain.restart([5, 6])
        assert _only(chain.distribution(logits)) == best

    def test_dry_and_logit_bias_are_applied(self, model: LlamaModel) -> None:
        logits = self.logits(model)
        best = int(logits.argmax())
        biased = LlamaSamplerChain(model, Sampling(logit_bias={7: 1e4}))
        assert _only(biased.distribution(logits)) == 7
        dry = LlamaSamplerChain(model, Sampling(dry_multiplier=100.0))
        dry.restart([1001, 1002, 1003, best, 1001, 1002, 1003])
        assert _only(dry.distribution(logits)) != best

    def test_a_grammar_allows_only_what_it_says(self, model: LlamaModel) -> None:
        for temperature in (0.0, 1.0):
            grammar = GbnfConstraint(model, 'root ::= "yes" | "no"')
            chain = LlamaSamplerChain(model, Sampling(temperature, top_k=5), None, grammar)
            dist = chain.distribution(self.logits(model))
            ids = dist.ids.tolist() if dist.ids is not None else []
            assert ids
            assert {model.vocab.piece(token)[:1] for token in ids} <= {b"y", b"n"}

    def test_a_grammar_that_is_not_one_is_a_usage_error(self, model: LlamaModel) -> None:
        for grammar, reason in (("root ::= (", "expecting"), ("root ::= foo", "foo")):
            with pytest.raises(UsageError, match=f"GBNF.*{reason}"):
                GbnfConstraint(model, grammar)


def _only(dist: object) -> int:
    ids = dist.ids  # type: ignore[attr-defined]
    assert len(ids) == 1
    return int(ids[0])


class TestDecoder:
    def test_exact_mode_gives_the_same_bits_for_any_draft_length(self) -> None:
        with open_pair(exact=True, drafter="none") as plain:
            expected = [answer(plain, prompt) for prompt in PROMPTS]
        for draft_max in (1, 3, 7, 11):
            with open_pair(exact=True, draft_max=draft_max) as pair:
                assert [answer(pair, prompt) for prompt in PROMPTS] == expected

    def test_exact_rows_are_equal_to_the_bit(self) -> None:
        rows = []
        for draft_max, sizes in ((11, (1, 1, 1, 1)), (11, (4,)), (11, (2, 1, 1)), (11, (3, 1))):
            with open_pair(exact=True, draft_max=draft_max) as pair:
                model = pair.models.target.context
                model.decode([300, 301, 302], 0)
                tokens, got = [400, 401, 402, 403], []
                for size in sizes:
                    part, tokens = tokens[:size], tokens[size:]
                    got.append(model.decode(part, size).copy())
                rows.append(np.concatenate(got))
        for other in rows[1:]:
            np.testing.assert_array_equal(other.view(np.int32), rows[0].view(np.int32))

    def test_the_same_seed_gives_the_same_tokens_under_match(self) -> None:
        settings = AnswerSettings(Sampling(temperature=0.9), "match", seed=7)
        with open_pair(exact=True, drafter="none") as plain, open_pair(exact=True) as pair:
            for prompt in PROMPTS:
                assert answer(pair, prompt, settings) == answer(plain, prompt, settings)

    def test_exact_mode_gives_plain_decoding_s_answer_at_any_temperature(self) -> None:
        settings = AnswerSettings(Sampling(temperature=0.8), "auto", seed=5)
        with open_pair(exact=True, drafter="none") as plain, open_pair(exact=True) as pair:
            for prompt in PROMPTS:
                assert answer(pair, prompt, settings) == answer(plain, prompt, settings)

    def test_windows_longer_than_the_context_are_cut_to_it(self) -> None:
        sampling = Sampling(
            repeat_penalty=1.1,
            repeat_last_n=1 << 30,
            dry_multiplier=0.5,
            dry_last_n=1 << 30,
            dry_allowed_length=1 << 30,
        )
        with open_pair() as pair:
            assert answer(pair, PROMPTS[1], AnswerSettings(sampling))

    def test_a_bias_on_a_token_that_does_not_exist_is_a_usage_error(self) -> None:
        with open_pair() as pair, pytest.raises(UsageError, match="999999"):
            pair.session(AnswerSettings(Sampling(logit_bias={999999: 1.0})))

    def test_p_min_is_the_draft_s_own_doubt_with_penalties_too(self) -> None:
        # Greedy chains with penalties give a distribution that is sure of one token, however
        # doubtful the draft is; and now and then it is so sure that its probability rounds to 1.
        for sampling in (Sampling(), Sampling(repeat_penalty=1.0001)):
            drafted = []
            for p_min in (0.0, 1.0):
                with open_pair(draft_p_min=p_min) as pair:
                    session = pair.session(AnswerSettings(sampling))
                    prompt = tokens_of(pair, PROMPTS[2])
                    events = generate(session, prompt, max_tokens=16)
                    drafted.append(sum(e.drafted for e in events if isinstance(e, Round)))
            assert drafted[1] < drafted[0] / 4

    def test_a_speed_up_is_known_from_the_first_round(self) -> None:
        with open_pair() as pair:
            assert pair.costs.token

    def test_penalties_and_grammars_hold_with_and_without_drafts(self) -> None:
        schema = '{"type": "array", "items": {"type": "integer"}, "minItems": 8, "maxItems": 12}'
        for sampling in (
            Sampling(repeat_penalty=1.3, frequency_penalty=0.5),
            Sampling(dry_multiplier=0.8),
            Sampling(grammar='root ::= ("red" | "green" | "blue ") root | "."'),
            Sampling(json_schema=schema),
            Sampling(1.0, repeat_penalty=1.2, json_schema=schema),
        ):
            settings = AnswerSettings(sampling)
            with open_pair(exact=True, drafter="none") as plain, open_pair(exact=True) as pair:
                for prompt in PROMPTS[:2]:
                    assert answer(pair, prompt, settings) == answer(plain, prompt, settings)

    def test_a_second_prompt_reads_only_what_is_new(self) -> None:
        with open_pair() as pair:
            prompt = tokens_of(pair, PROMPTS[0])
            said = answer(pair, PROMPTS[0])
            longer = [*prompt, *said, *prompt]
            events = list(generate(pair.session(AnswerSettings()), longer, max_tokens=5))
            done = next(event for event in events if isinstance(event, PromptDone))
            assert done.reused >= len(prompt) + len(said) - 2

    def test_answers_are_text_and_end_by_themselves(self) -> None:
        with open_pair() as pair:
            for prompt in PROMPTS:
                events = list(
                    generate(
                        pair.session(AnswerSettings()), tokens_of(pair, prompt), max_tokens=400
                    )
                )
                assert "".join(event.text for event in events if isinstance(event, Text)).strip()
                end = events[-1]
                assert isinstance(end, Finished)
                assert end.reason == "stop"

    def test_cancelling_while_loading(self) -> None:
        settings = PairSettings(ModelChoice(TARGET), ModelChoice(DRAFT), n_ctx=256)
        with pytest.raises(Cancelled):
            Decoder.load(settings, lambda _: False)

    def test_a_context_beyond_memory_is_refused_with_one_that_fits(self) -> None:
        with pytest.raises(BackendError, match="not enough memory") as caught:
            open_pair(n_ctx=200_000_000)
        assert "-c" in caught.value.hint

    def test_the_model_drafter_needs_a_draft_model(self) -> None:
        with pytest.raises(UsageError):
            Decoder.load(PairSettings(ModelChoice(TARGET), drafter="model", n_ctx=256))


@pytest.mark.parametrize("broken", [np.nan, np.inf])
@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(temperature=0.0, logit_bias={3: 1.0}),
        Sampling(temperature=0.8),
        Sampling(temperature=0.8, top_k=0, top_p=1.0, min_p=0.0),
        Sampling(temperature=0.8, repeat_penalty=1.2),
    ],
    ids=["greedy", "usual", "untruncated", "penalties"],
)
def test_one_logit_that_is_not_a_number_is_enough(
    model: LlamaModel, sampling: Sampling, broken: float
) -> None:
    row = np.linspace(-5, 5, model.vocab.size, dtype=np.float32)
    chain = LlamaSamplerChain(model, sampling)
    chain.restart([1])
    chain.distribution(row)
    row[7] = broken
    with pytest.raises(NotNumbersError):
        chain.distribution(row)

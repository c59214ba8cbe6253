import io

from specdec_cli.core.events import Finished, Parked, PromptDone, Resumed, Round
from specdec_cli.core.stats import RunStats
from specdec_cli.terminal.console import Streams
from specdec_cli.terminal.footer import answer_line, loading_line
from specdec_cli.terminal.summary import print_table, summary_lines


def stats(*, drafted: int = 4, source: str = "model") -> RunStats:
    result = RunStats(load_seconds=0.5, baseline_token_seconds=0.5)
    result.observe(PromptDone(12, 4, 0.25))
    result.observe(Round((4,), drafted, 0, source, 0.2, 0.6))
    result.observe(Round((1, 2, 3), drafted, 2 if drafted else 0, source, 0.2, 0.6))
    result.observe(Finished("stop", 2.0))
    return result


def test_two_lines() -> None:
    assert summary_lines(stats()) == [
        "4 tokens in 2.00 s · 2.0 tok/s · ×1.50 vs plain · prompt 12 tokens in 0.25 s (4 reused)",
        "accept 25 % (by position 50 50 0 0) · 2.00 tok/pass · draft 20 verify 60 other 20 %",
    ]


def test_a_machine_that_is_too_busy_gets_words_instead_of_a_number() -> None:
    found = RunStats(baseline_token_seconds=0.5)
    found.observe(Round((1, 2), 2, 1, "model", 0.1, 0.4, interrupted=True))
    found.observe(Finished("stop", 0.5))
    assert "machine too busy to compare with plain" in summary_lines(found)[0]
    plain = RunStats(baseline_token_seconds=0.5)
    plain.observe(Round((1,), 0, 0, "none", 0.0, 0.4, interrupted=True))
    plain.observe(Finished("stop", 0.5))
    assert "plain" not in summary_lines(plain)[0]


def test_plain_decoding_has_one_line_and_an_empty_run_divides_nothing() -> None:
    (line,) = summary_lines(stats(drafted=0))
    assert "vs plain" not in line
    assert summary_lines(RunStats()) == [], "stopped while its prompt was read"
    print_table(RunStats(), Streams(io.StringIO(), err := io.StringIO(), *[False] * 3, {}).rich())
    assert err.getvalue() == ""
    read = RunStats()
    read.observe(PromptDone(12, 4, 0.25))
    assert summary_lines(read) == ["prompt 12 tokens in 0.25 s (4 reused)"]


def test_positions_are_shares_of_the_drafts_that_reached_them() -> None:
    found = stats()
    for _ in range(20):
        found.observe(Round((1,), 0, 0, "none", 0.0, 0.5, parked=True))
    found.observe(Round((1, 2), 1, 1, "model", 0.0, 0.5))
    assert "(by position 67 50 0 0)" in summary_lines(found)[1]


def test_long_drafts_are_cut_short() -> None:
    assert "50 50 0 0 0 0 0 0 …" in summary_lines(stats(drafted=12))[1]


def test_the_table_has_a_row_per_source_and_no_colour_where_none_is_wanted() -> None:
    err = io.StringIO()
    streams = Streams(io.StringIO(), err, False, False, False, {})
    both = stats() + stats(source="[red]ngram\x1b[31m")
    print_table(both, streams.rich())
    text = err.getvalue()
    assert "[red]ngram␛[31m" in text
    assert "\x1b" not in text
    assert "load 0.50 s · draft 0.80 s · verify 2.40 s · other 0.80 s" in text


def test_rounds_without_a_draft_are_explained() -> None:
    found = stats()
    found.observe(Parked("no gain", 0.123, 0.35))
    found.observe(Round((1,), 0, 0, "none", 0.0, 0.5, parked=True))
    found.observe(Round((1,), 0, 0, "none", 0.0, 0.5, parked=True))
    found.observe(Resumed())
    said = "parked in 50 % of rounds: 12 % accepted"
    assert summary_lines(found)[-1] == f"{said}, 35 % needed"
    found.observe(Parked("no gain", 0.123, 1.01))  # nothing would pay
    assert summary_lines(found)[-1] == said
    found.observe(Parked("no gain", 0.9, 0.8))  # more than enough, but for what it costs
    assert summary_lines(found)[-1].endswith("rounds: drafts cost more than they saved")
    found.observe(Parked("no gain", 0.123, 1.01))
    err = io.StringIO()
    print_table(found, Streams(io.StringIO(), err, False, False, False, {}).rich())
    assert said in err.getvalue()


def test_footers() -> None:
    assert answer_line(stats(), 2.0, 4) == (
        "2.0 tok/s · accept 25 % · 2.0 tok/pass · ×1.5 vs plain · k 4"
    )
    assert answer_line(stats(), 2.0, 4, Parked("no gain", 0.123, 0.35)) == (
        "2.0 tok/s · accept 25 % · 2.0 tok/pass · ×1.5 vs plain · parked: 12 % accepted"
    )
    assert answer_line(RunStats(), 0.0, 0) == "0.0 tok/s"
    line = loading_line({"target": ("a\x1bb.gguf", 0.5), "draft": ("x" * 99, 7.0)})
    assert line.startswith("loading target a␛b.gguf ━━━━━━╌╌╌╌╌╌ 50 % · draft xxx")
    assert line.endswith("━━━━━━━━━━━━ 100 %")

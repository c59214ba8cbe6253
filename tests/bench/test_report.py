"""Tables, charts and the page, from results made by hand."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from specdec_cli.bench.charts import charts
from specdec_cli.bench.page import page, write_report
from specdec_cli.bench.results import (
    ArmResult,
    BenchResult,
    CostPoint,
    Difference,
    Estimate,
    Figures,
)
from specdec_cli.bench.svg import Chart, Point, Series, nice_ticks, svg
from specdec_cli.bench.words import notes, rows_by_arm, rows_by_kind

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '</script><b a="1">&'


def figures(speedup: float) -> Figures:
    return Figures(
        prompts=2,
        pairs=2,
        speedup=Estimate(speedup, speedup * 0.9, speedup * 1.1),
        tokens_per_second=100.0 * speedup,
        plain_tokens_per_second=100.0,
        acceptance_rate=0.8,
        mean_accepted_length=3.0,
        mean_draft_length=4.5,
        kept_by_position=(0.9, 0.7, 0.5),
        draft_share=0.2,
        verify_share=0.7,
        overhead_share=0.1,
        compared=2,
        same=1,
        bandwidth_share=0.5,
        plain_bandwidth_share=0.8,
    )


def arm(name: str, speedup: float, k: int | None = None) -> ArmResult:
    kinds = {"code": figures(speedup), HOSTILE: figures(speedup / 2)}
    differences = (Difference("code", 1, 3),) if name == "default" else ()
    return ArmResult(name, "model", "match", k, kinds, figures(speedup), differences)


RESULT = BenchResult(
    complete=True,
    profile=None,
    target=f"/models/{HOSTILE}.gguf",
    draft=None,
    settings={"workload": HOSTILE, "max_tokens": 8},
    arms=(arm("default", 2.0), arm("k2", 1.5, 2), arm("k4", 1.8, 4)),
    bandwidth=50e9,
    bandwidth_source="given",
    costs=(CostPoint(1, 0.01), CostPoint(2, 0.012), CostPoint(4, 0.011)),
)


class Page(HTMLParser):
    """Checks that elements are closed in order, and keeps what stands in them."""

    VOID = ("meta", "!doctype")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.text: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.text[self.open[-1]] = self.text.get(self.open[-1], "") + data


def test_the_charts_are_xml_and_inside_their_frame() -> None:
    drawn = charts(RESULT)
    assert list(drawn) == ["speedup", "acceptance", "costs", "draft-length"]
    for document in drawn.values():
        root = ET.fromstring(document)
        width, height = map(float, root.attrib["viewBox"].split()[2:])
        for line in root.iter(f"{SVG}line"):
            assert 0 <= float(line.attrib["x1"]) <= width
            assert 0 <= float(line.attrib["y1"]) <= height
            assert 0 <= float(line.attrib["y2"]) <= height
        for mark in root.iter(f"{SVG}path"):
            found = re.fullmatch(r"translate\((\S+) (\S+)\)", mark.attrib["transform"])
            assert found
            assert 0 < float(found[1]) < width
            assert 0 < float(found[2]) < height


def test_what_is_higher_is_drawn_higher() -> None:
    points = [Point(1, 1.0, 0.8, 1.2), Point(2, 2.0), Point(3, 0.5)]
    root = ET.fromstring(svg(Chart("t", "x", "y", [Series("s", points)])))
    (line,) = root.iter(f"{SVG}polyline")
    drawn = [tuple(map(float, pair.split(","))) for pair in line.attrib["points"].split()]
    assert [x for x, _ in drawn] == sorted(x for x, _ in drawn)
    assert drawn[1][1] < drawn[0][1] < drawn[2][1]
    intervals = [each for each in root.iter(f"{SVG}line") if each.attrib["class"] == "i"]
    assert len(intervals) == 3  # the interval and its two ends
    assert float(intervals[0].attrib["y1"]) > drawn[0][1] > float(intervals[0].attrib["y2"])


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 1, (0, 0.2, 0.4, 0.6, 0.8, 1)),
        (0, 2.3, (0, 0.5, 1, 1.5, 2, 2.5)),
        (0, 37, (0, 10, 20, 30, 40)),
        (1, 16, (0, 5, 10, 15, 20)),
    ],
)
def test_ticks_are_round(low: float, high: float, ticks: tuple[float, ...]) -> None:
    assert nice_ticks(low, high) == pytest.approx(ticks)


def test_a_chart_of_nothing_and_of_one_point() -> None:
    for points in ([], [Point(1, 0.0)], [Point(5, 1.0)]):
        ET.fromstring(svg(Chart("t", "x", "y", [Series("s", points)])))


def test_the_page_is_sound_and_says_no_more_than_it_should() -> None:
    text = page(RESULT)
    parsed = Page()
    parsed.feed(text)
    parsed.close()
    assert parsed.open == []
    assert parsed.seen.count("figure") == 4
    assert "b" not in parsed.seen
    assert HOSTILE in parsed.text["td"]
    assert json.loads(parsed.text["script"]) == json.loads(json.dumps(RESULT.as_dict()))
    assert not re.search(r'(?:src|href)="', text)
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_the_report_s_files(tmp_path: Path) -> None:
    files = write_report(RESULT, tmp_path / "deep" / "report")
    assert files[0].name == "index.html"
    assert {file.suffix for file in files[1:]} == {".svg"}
    assert all(file.stat().st_size > 500 for file in files)


def test_cells() -> None:
    heading, code, *_, whole = rows_by_kind(RESULT.arms[0])
    row = dict(zip(heading, code, strict=True))
    assert (row["kind"], row["n"], row["speed-up"], row["95 %"]) == (
        "code",
        "2",
        "×2.00",
        "1.80–2.20",
    )
    assert (row["accept"], row["same"]) == ("80 %", "1/2")
    assert whole[0] == "all"
    table = rows_by_arm(RESULT)
    assert [row[0] for row in table] == ["arm", "plain", "default", "k2", "k4"]
    assert table[3][1:4] == ("×1.50", "×0.75", "×1.50")


def test_notes() -> None:
    said = " ".join(notes(RESULT))
    assert "90 70 50 %" in said
    assert "50 % of 50 GB/s (given), plain decoding 80 %" in said
    assert "prompt 1 (code) at token 4" in said
    assert "Interrupted" not in said
    assert "×: the median over prompts, not the quotient of two speeds; for all, the mean" in said

"""Tables, charts and the page, from results made by hand."""

from __future__ import annotations

import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from specdec_cli.bench.charts import charts
from specdec_cli.bench.drawing import Chart, Point, Series, svg
from specdec_cli.bench.page import page, write_report
from specdec_cli.bench.results import (
    ArmResult,
    BenchResult,
    CostPoint,
    Difference,
    Estimate,
    Figures,
    Settings,
)
from specdec_cli.bench.words import notes, rows_by_arm, rows_by_kind
from specdec_cli.terminal.jsonl import report_object

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
    settings=Settings(
        *(0, 4, 0.0, False, False, "auto"),
        workload=HOSTILE,
        max_tokens=8,
        seeds=(1,),
        repeats=1,
        temperature=0.0,
        threads=1,
    ),
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
        marks = list(root.iter(f"{SVG}use"))
        assert len(marks) > 3
        for mark in marks:
            assert 0 < float(mark.attrib["x"]) < width
            assert 0 < float(mark.attrib["y"]) < height


def test_what_is_higher_is_drawn_higher_and_an_interval_around_its_point() -> None:
    points = [Point(1, 1.0, 0.8, 1.2), Point(2, 2.0), Point(3, 0.5)]
    drawing = svg(Chart("t", "x", "y", [Series("s", points)]))
    root = ET.fromstring(drawing)
    colour = re.findall(r"--c(\d+):#0072b2", drawing)[0]
    own = f"stroke: var(--c{colour})"
    lines = [each for each in root.iter(f"{SVG}path") if own in each.attrib.get("style", "")]
    corners = [re.findall(r"[ML] ([\d.]+) ([\d.]+)", each.attrib["d"]) for each in lines]
    (drawn,) = ([(float(x), float(y)) for x, y in line] for line in corners if len(line) == 3)
    assert [x for x, _ in drawn] == sorted(x for x, _ in drawn)
    assert drawn[1][1] < drawn[0][1] < drawn[2][1]
    upright = [
        sorted(float(y) for _, y in line)
        for line in corners
        if len(line) == 2 and float(line[0][0]) == pytest.approx(drawn[0][0])
    ]
    assert [top < drawn[0][1] < bottom for top, bottom in upright] == [True]


def test_every_colour_has_one_for_dark_pages() -> None:
    for drawing in charts(RESULT).values():
        body = drawing[drawing.index("</style>") :]
        assert not re.search("#[0-9a-f]{6}", body)
        named = set(re.findall(r"var\((--c\d+)\)", body))
        assert len(named) > 3
        light, dark = drawing[: drawing.index("</style>")].split("prefers-color-scheme:dark")
        assert all(f"{name}:#" in light and f"{name}:#" in dark for name in named)


def test_a_chart_of_nothing_and_of_one_point() -> None:
    for points in ([], [Point(1, 0.0)], [Point(5, 1.0)]):
        ET.fromstring(svg(Chart("t", "x", "y", [Series("s", points)])))


def test_labels_are_text_whatever_stands_in_them() -> None:
    labels = ["_hidden", r"$\frac{", HOSTILE, "two\nlines\x00\x1b", "数学"]
    series = [Series(label, [Point(0, 1.0)]) for label in labels]
    root = ET.fromstring(svg(Chart("t$", "x", "y", series, categories=labels)))
    shown = [text.text for text in root.iter(f"{SVG}text")]
    for label in ("_hidden", r"$\frac{", HOSTILE, "twolines", "数学"):
        assert label in shown


def test_the_page_is_sound_and_says_no_more_than_it_should() -> None:
    text = page(RESULT, charts(RESULT))
    parsed = Page()
    parsed.feed(text)
    parsed.close()
    assert parsed.open == []
    assert parsed.seen.count("figure") == 4
    assert "b" not in parsed.seen
    assert HOSTILE in parsed.text["td"]
    assert json.loads(parsed.text["script"]) == json.loads(json.dumps(report_object(RESULT)))
    names = re.findall(r' id="([^"]*)"', text)
    assert len(set(names)) == len(names)
    links = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert links
    assert {link.removeprefix("#") for link in links} <= set(names)
    assert "http" not in re.sub(r"http://www\.w3\.org/(2000/svg|1999/xlink)", "", text)


def test_the_report_s_files(tmp_path: Path) -> None:
    files = write_report(RESULT, tmp_path / "deep" / "report")
    assert files[0].name == "index.html"
    assert {file.suffix for file in files[1:]} == {".svg"}
    assert all(file.stat().st_size > 500 for file in files)


def test_without_matplotlib_there_is_a_page_that_says_how_to_get_charts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "matplotlib.figure", raising=False)
    (file,) = write_report(RESULT, tmp_path)
    text = file.read_text("utf-8")
    assert "pip install &#39;specdec-cli[report]&#39;" in text
    assert "<table>" in text and "<figure" not in text


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


def test_names_that_would_run_into_one_another_are_turned() -> None:
    for count, turned in ((3, False), (7, True)):
        names = [f"translation {i}" for i in range(count)]
        points = [Point(i, 1.0) for i in range(count)]
        drawing = svg(Chart("t", "x", "y", [Series("s", points)], categories=names))
        assert ("rotate(-20" in drawing) == turned

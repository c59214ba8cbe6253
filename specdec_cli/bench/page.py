"""``--report``: one page that needs nothing else, and its charts as files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment

from specdec_cli import atomic
from specdec_cli.bench.charts import charts
from specdec_cli.bench.drawing import WITHOUT, available
from specdec_cli.bench.results import BenchResult
from specdec_cli.bench.words import notes, rows_by_arm, rows_by_kind
from specdec_cli.terminal.jsonl import as_json, dumps, report_object

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>specdec bench: {{ title }}</title>
<style>
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;
color:#222;background:#fff}
table{border-collapse:collapse;margin:1rem 0;font-variant-numeric:tabular-nums}
th,td{padding:.25rem .8rem;text-align:right;border-bottom:1px solid #ddd}
th:first-child,td:first-child{text-align:left}
figure{margin:1.5rem 0;max-width:44rem}figure svg{width:100%;height:auto}
.wide{overflow-x:auto}code,dd{overflow-wrap:anywhere}dt{font-weight:600}
dd{margin:0 0 .4rem 1rem}
@media(prefers-color-scheme:dark){body{color:#eee;background:#181a1b}th,td{border-color:#444}}
</style>
</head>
<body>
<h1>{{ title }}</h1>
{% if not result.complete %}<p><strong>Interrupted: the figures cover what was measured until
then.</strong></p>{% endif %}
{% for name, drawing in charts.items() %}
<figure id="{{ name }}">{{ drawing | safe }}</figure>
{% endfor %}
{% for heading, table in tables %}
<h2>{{ heading }}</h2>
<div class="wide"><table>
<thead><tr>{% for cell in table[0] %}<th scope="col">{{ cell }}</th>{% endfor %}</tr></thead>
<tbody>
{% for row in table[1:] %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</tbody>
</table></div>
{% endfor %}
{% for note in notes %}<p>{{ note }}</p>
{% endfor %}
<h2>How it was measured</h2>
<p>Every prompt was read cold and decoded plainly and with drafts in turn, there and back, in one
process. A speed-up is plain time per token over drafted time per token of the same prompt and seed;
a kind's is the median of its prompts, all kinds together their geometric mean. Intervals are 95 %
bootstrap intervals over prompts.</p>
<dl>
{% for name, value in settings.items() %}<dt>{{ name }}</dt><dd>{{ value }}</dd>
{% endfor %}</dl>
<script type="application/json" id="result">{{ data | safe }}</script>
</body>
</html>
"""


def page(result: BenchResult, drawings: Mapping[str, str] | None) -> str:
    """Return the HTML page; everything in it that comes from files or options is escaped.

    Args:
        drawings: SVG documents by name; ``None`` where nothing can draw them.
    """
    environment = Environment(autoescape=True, trim_blocks=True)
    tables = [("By kind of task", rows_by_kind(result.default))] if result.default else []
    if len(result.arms) > 1:
        tables.append(("Speed-up by way of decoding", rows_by_arm(result)))
    settings = {
        "target": result.target,
        "draft": result.draft or "none",
        **{
            name: value
            for name, value in as_json(result.settings).items()
            if value not in (None, [], "")
        },
    }
    # In a script only the end of the script has a meaning; inside JSON strings \\u003c says "<".
    data = dumps(report_object(result)).replace("<", "\\u003c")
    return environment.from_string(_PAGE).render(
        title=result.profile or Path(result.target).name,
        result=result,
        charts=drawings or {},
        tables=tables,
        notes=[*notes(result), *([WITHOUT] if drawings is None else [])],
        settings=settings,
        data=data,
    )


def write_report(result: BenchResult, folder: Path) -> list[Path]:
    """Write ``index.html`` and the charts into a folder, which is made if need be.

    Raises:
        OSError: it cannot be written.
    """
    drawings = charts(result) if available() else None
    files = {"index.html": page(result, drawings)}
    files |= {f"{name}.svg": drawing + "\n" for name, drawing in (drawings or {}).items()}
    for name, text in files.items():
        atomic.write_text(folder / name, text)
    return [folder / name for name in files]

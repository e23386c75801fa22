"""The health panel in a browser, and the parser of the metrics that it reads."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.conftest import Serve, ask
from tests.page.conftest import PageOf, Scripted, serious_findings
from tests.page.keys import new_key

QUESTION = "How many days of parental leave do I get?"

METRICS = r"""
# HELP size_total Sizes, with "quotes" in the help.
# TYPE size_total counter
size_total{path="C:\\new\n\"x\"",kind="a,b}"} 3
size_total{path="",kind="c"} 1.5e2 1395066363000
size_total 2
# TYPE wait histogram
wait_bucket{le="0.1"} 1
wait_bucket{le="+Inf"} 4
wait_bucket{le="1"} 3
wait_sum 6
wait_count 4
not a line
odd NaN
"""


def test_the_parser_reads_what_prometheus_writes(scripted: Scripted, page_of: PageOf) -> None:
    page = page_of(scripted.url)
    found = page.evaluate(
        """async (text) => {
            const m = await import("./page/exposition.js");
            const series = m.parseMetrics(text);
            const later = m.parseMetrics(text.replace("size_total 2", "size_total 7").replace(" 1.5e2", " 50"));
            return {
                samples: series.get("size_total"),
                sum: m.sumOf(series, "size_total"),
                some: m.sumOf(series, "size_total", { kind: "c" }),
                by: m.sumsBy(series, "size_total", "kind"),
                buckets: m.bucketsOf(series, "wait").map(({ to, count }) => [String(to), count]),
                mean: m.meanOf(series, "wait"),
                median: m.quantileOf(m.bucketsOf(series, "wait"), 0.5),
                none: m.meanOf(series, "nothing"),
                grown: m.sumsBy(m.since(later, series), "size_total", "kind"),
            };
        }""",
        METRICS,
    )
    assert found["samples"][0] == {"labels": {"path": 'C:\\new\n"x"', "kind": "a,b}"}, "value": 3}
    assert (found["sum"], found["some"], found["none"], found["mean"]) == (155, 150, None, 1.5)
    assert found["by"] == {"a,b}": 3, "c": 150, "": 2}
    assert found["median"] == pytest.approx(0.1 + 0.9 * (2 - 1) / 2)
    assert found["buckets"] == [["0.1", 1], ["1", 2], ["Infinity", 1]]
    # One series grew by five, and one is smaller than before: its server has begun anew.
    assert found["grown"] == {"a,b}": 0, "c": 50, "": 5}


def test_the_panel_shows_the_answers_that_were_made(serve: Serve, page_of: PageOf) -> None:
    url = serve()
    page = page_of(url, hash="health")
    expect(page.get_by_text("Nothing was answered yet.").first).to_be_visible()
    assert serious_findings(page) == []
    for question in (QUESTION, QUESTION, "What is the capital of Mongolia?"):
        version = ask(url, question)["plumbline"]["policy_version"]
    outcomes = page.get_by_role("table", name="Outcomes")
    expect(outcomes.get_by_role("row", name="answered")).to_contain_text("2")
    expect(outcomes.get_by_role("row", name="not in the documents")).to_contain_text("1")
    stages = page.get_by_role("table", name="Time by stage")
    for stage in ("retrieve", "generate", "judge", "log"):
        expect(stages.get_by_role("row", name=stage)).to_contain_text("ms")
    rewards = page.get_by_role("table", name=f"by version: {version}")
    counts = [int(cell.inner_text()) for cell in rewards.locator("td:last-child").all()]
    assert sum(counts) == 3
    expect(page.locator(".tile", has_text="Answers per minute")).not_to_contain_text("–")
    expect(page.locator(".tile", has_text="Policy")).to_contain_text("answers")
    assert serious_findings(page) == []


def test_metrics_that_are_open_are_for_readers_too(
    serve: Serve, page_of: PageOf, tmp_path: Path
) -> None:
    keys = tmp_path / "keys.yaml"
    key = new_key(keys, "ann")
    for is_open in (False, True):
        url = serve(server__keys_file=keys, server__open_metrics=is_open)
        page = page_of(url, key=key, language="zh-CN", hash="health")
        tab = page.get_by_role("link", name="运行状况")
        expect(page.get_by_role("link", name="文档")).to_be_visible()
        expect(tab).to_have_count(1 if is_open else 0)
    expect(page.get_by_role("heading", name="各阶段用时")).to_be_visible()

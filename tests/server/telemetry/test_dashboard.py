"""The dashboard shows metrics that exist, and the files around it are where compose looks for them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.conftest import ROOT

DEPLOY = ROOT / "deploy"
NAME = re.compile(r"\b(?:plumbline|process)_[a-z_]+")


@pytest.fixture(scope="module")
def dashboard() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((DEPLOY / "grafana" / "plumbline.json").read_text("utf-8"))
    return loaded


@pytest.fixture(scope="module")
def families(server_url: str) -> set[str]:
    """The names that /metrics declares."""
    text = httpx.get(f"{server_url}/metrics").text
    return {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")}


def shown(dashboard: dict[str, Any]) -> set[str]:
    queries = [t["expr"] for panel in dashboard["panels"] for t in panel.get("targets", [])]
    return {name for query in queries for name in NAME.findall(query)}


def family(name: str) -> str:
    return re.sub(r"_(bucket|sum|count)$", "", name)


def test_every_query_names_a_metric_that_exists(
    dashboard: dict[str, Any], families: set[str]
) -> None:
    names = shown(dashboard)
    assert len(names) > 20
    assert {
        name for name in names if name not in families and family(name) not in families
    } == set()


def test_every_metric_of_ours_is_on_the_dashboard_and_in_the_docs(
    dashboard: dict[str, Any], families: set[str]
) -> None:
    ours = {name for name in families if name.startswith("plumbline_")}
    assert ours - {family(name) for name in shown(dashboard)} == set()
    docs = (ROOT / "docs" / "operations.md").read_text("utf-8")
    assert {name for name in ours if f"`{name.removesuffix('_total')}`" not in docs} == set()


def test_panels_have_a_place_of_their_own(dashboard: dict[str, Any]) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken and max(x for x, _ in cells) < 24, panel["title"]
        taken |= cells
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)


def test_what_compose_mounts_is_there() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]
    mounted = [
        volume.split(":")[0]
        for name in ("prometheus", "grafana")
        for volume in services[name]["volumes"]
        if volume.startswith("./")
    ]
    assert mounted
    for file in mounted:
        assert (DEPLOY / Path(file)).is_file(), file
    scrape = yaml.safe_load((DEPLOY / "prometheus.yml").read_text("utf-8"))["scrape_configs"][0]
    assert scrape["static_configs"][0]["targets"] == ["plumbline:8000"]
    assert "plumbline" in services

"""The committed dashboards are what their definitions build."""

from __future__ import annotations

import json
from collections import Counter

import yaml

from deploy.grafana.build import FOLDER, built
from tests.deploy.promql import ROOT, panels


def test_the_committed_dashboards_are_built_from_their_definitions() -> None:
    committed = {path.name: path.read_text() for path in FOLDER.iterdir()}
    assert committed == built(), "run `python -m deploy.grafana.build`"


def test_dashboards_have_names_of_their_own_and_lead_to_each_other() -> None:
    dashboards = [json.loads(text) for text in built().values()]
    assert Counter(item["uid"] for item in dashboards).most_common(1)[0][1] == 1
    assert all(item["tags"] == ["fuseway"] for item in dashboards)
    assert all(item["links"][0]["tags"] == ["fuseway"] for item in dashboards)


def test_panels_do_not_overlap_and_fill_the_width() -> None:
    for text in built().values():
        cells = Counter(
            (x, y)
            for panel in json.loads(text)["panels"]
            for position in [panel["gridPos"]]
            for x in range(position["x"], position["x"] + position["w"])
            for y in range(position["y"], position["y"] + position["h"])
        )
        assert set(cells.values()) == {1}
        assert max(x for x, _ in cells) == 23


def test_each_panel_has_a_unit_and_its_series_names() -> None:
    for place, panel in panels():
        assert panel["fieldConfig"]["defaults"]["unit"], place
        if panel["type"] != "stat":
            assert all(target["legendFormat"] for target in panel["targets"]), place


def test_grafana_is_told_where_the_dashboards_and_prometheus_are() -> None:
    folder = ROOT / "deploy" / "grafana" / "provisioning"
    (source,) = yaml.safe_load((folder / "datasources" / "prometheus.yaml").read_text())["datasources"]
    (provider,) = yaml.safe_load((folder / "dashboards" / "fuseway.yaml").read_text())["providers"]
    configuration = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
    assert source["type"] == "prometheus"
    assert source["jsonData"]["timeInterval"] == configuration["global"]["scrape_interval"]
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards"

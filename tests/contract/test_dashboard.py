"""The Grafana dashboard can be imported as it is, for any Prometheus."""

import json
from itertools import combinations
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[2]
BOARD: dict[str, Any] = json.loads((_ROOT / "docs/grafana.json").read_text())
PANELS: list[dict[str, Any]] = BOARD["panels"]
WIDTH = 24
UNITS = {"short", "s", "bytes"}


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return all(
        one[start] < other[start] + other[size] and other[start] < one[start] + one[size]
        for start, size in (("x", "w"), ("y", "h"))
    )


def test_it_can_be_imported_for_any_prometheus() -> None:
    assert BOARD["schemaVersion"] >= 36, "older schemas refer to a data source by name"
    assert "id" not in BOARD, "Grafana assigns it; importing would overwrite another dashboard"
    (variable,) = BOARD["templating"]["list"]
    assert (variable["type"], variable["query"]) == ("datasource", "prometheus")
    wanted = {"type": "prometheus", "uid": f"${{{variable['name']}}}"}
    assert all(panel["datasource"] == wanted for panel in PANELS)


def test_panels_do_not_overlap() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    places = [panel["gridPos"] for panel in PANELS]
    assert all(place["x"] + place["w"] <= WIDTH for place in places)
    assert not [pair for pair in combinations(places, 2) if overlap(*pair)]


def test_every_panel_has_a_title_and_the_right_unit() -> None:
    for panel in PANELS:
        assert panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
        names = [target["refId"] for target in panel["targets"]]
        assert len(set(names)) == len(names) > 0
        seconds = [target["expr"] for target in panel["targets"] if "_seconds" in target["expr"]]
        counts = [each for each in seconds if "_seconds_count" in each]
        assert (panel["fieldConfig"]["defaults"]["unit"] == "s") == (len(seconds) > len(counts))


def test_the_most_important_metrics_are_shown() -> None:
    shown = " ".join(target["expr"] for panel in PANELS for target in panel["targets"])
    for name in (
        "unseen_lookups_total",
        "unseen_lookup_seconds_bucket",
        "unseen_index_hashes",
        "unseen_index_bytes",
        "unseen_index_lag_changes",
        "unseen_index_lag_seconds",
        "unseen_index_merge_seconds_bucket",
        "unseen_webhooks_waiting",
        "unseen_change_apply_seconds_bucket",
    ):
        assert name in shown

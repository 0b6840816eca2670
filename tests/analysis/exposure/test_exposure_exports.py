"""Exports say what was measured, how, and start no formula."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.exposure.exports import (
    Origin,
    as_dict,
    brands_csv,
    episodes_csv,
    safe_cell,
    web_vtt,
)
from analysis.exposure.measure import METHODOLOGIES, Exposure, MediaRate, measure
from analysis.film.columns import Columns
from tests.analysis.exposure.exposure_cases import columns, seconds

NAMES = {7: "Acme", 3: "Bolt & Söhne"}
EXPORTS = [brands_csv, episodes_csv, web_vtt]


def exposure(**options: object) -> Exposure:
    boxes = [(0, 7, 0, 0, 0.5, 0.5), (1, 7, 0, 0, 0.5, 0.5), (1, 3, 0.5, 0.5, 1, 1)]
    arguments = {"duration_s": 4.0, "labels": [7, 3]} | options
    return measure(columns(seconds(4), boxes), **arguments)  # type: ignore[arg-type]


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_brands_come_as_one_row_each():
    acme, bolt = rows_of(brands_csv(exposure(), NAMES))
    assert (acme["brand"], bolt["brand"]) == ("Acme", "Bolt & Söhne")
    assert (acme["reported"], acme["reported_s"], bolt["solus_s"]) == ("0:00:02.0", "2.0", "0.0")
    assert acme["media_value"] == acme["currency"] == ""
    assert (acme["threshold"], acme["method"], acme["method_version"]) == ("0.5", "1-second", "1")


def test_episodes_come_in_playing_order():
    rows = rows_of(episodes_csv(exposure(), NAMES))
    assert [(row["brand"], row["start"], row["end"]) for row in rows] == [
        ("Acme", "0:00:00.0", "0:00:02.0"),
        ("Bolt & Söhne", "0:00:01.0", "0:00:02.0"),
    ]
    assert rows[0]["mean_size"] == "0.25"


@pytest.mark.parametrize("export", [*EXPORTS, lambda *given: json.dumps(as_dict(*given))])
@pytest.mark.parametrize("key", METHODOLOGIES)
def test_every_export_carries_its_methodology_and_limits(export, key):
    method = METHODOLOGIES[key]
    text = export(exposure(method=method), NAMES)
    if export is episodes_csv and key == "mrc-50-2":
        assert len(rows_of(text)) == 1  # only one brand lasts 2 s
    assert method.name in text
    assert method.note in text
    assert "One sample every 1 s" in text


def test_each_row_says_where_it_comes_from_and_starts_no_formula():
    origin = Origin(file="=final.mp4", project="Cup", report="Round 1", run="12")
    for export in (brands_csv, episodes_csv):
        for row in rows_of(export(exposure(), NAMES, origin)):
            assert [row[column] for column in ("file", "project", "report", "run")] == [
                *("'=final.mp4", "Cup", "Round 1", "12")
            ]


def test_hidden_brands_are_not_sent_on():
    text = brands_csv(exposure(hidden=[3]), NAMES)
    assert [row["brand"] for row in rows_of(text)] == ["Acme"]
    assert "Bolt" not in web_vtt(exposure(hidden=[3]), NAMES)


def test_values_are_plain_json():
    values = as_dict(exposure(rate=MediaRate(per_30_s=300)), NAMES)
    again = json.loads(json.dumps(values, allow_nan=False))
    assert again == values
    acme = again["brands"][0]
    assert (acme["name"], acme["reported_s"], acme["media_value"]) == ("Acme", 2.0, 20.0)
    assert acme["episodes"][0]["end_s"] == 2.0
    assert again["rate"]["formula"].endswith("÷ 30 × 300.00 EUR")
    assert as_dict(exposure(), NAMES)["rate"] is None


@pytest.mark.parametrize("duration_s", [0.0, 3.0])
def test_nothing_found_exports_too(duration_s):
    nothing = measure(Columns.empty(), duration_s=duration_s, labels=[7])
    assert len(rows_of(brands_csv(nothing, NAMES))) == 1
    assert rows_of(episodes_csv(nothing, NAMES)) == []
    assert web_vtt(nothing, NAMES).startswith("WEBVTT\n\nNOTE ")
    json.dumps(as_dict(nothing, NAMES), allow_nan=False)


@pytest.mark.parametrize("name", ["=1+1", "+49", "-2", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1"])
def test_a_name_cannot_start_a_formula(name):
    for export in (brands_csv, episodes_csv):
        cell = rows_of(export(exposure(), NAMES | {7: name}))[0]["brand"]
        assert cell == "'" + name
    assert safe_cell("Acme-Bolt = 1") == "Acme-Bolt = 1"


@settings(max_examples=50)
@given(st.text(max_size=12))
def test_any_name_keeps_the_shape_of_the_export(name):
    names = NAMES | {7: name}
    assert len(list(csv.reader(io.StringIO(brands_csv(exposure(), names), newline="")))) == 3
    blocks = web_vtt(exposure(), names).strip().split("\n\n")
    cues = [block for block in blocks if "-->" in block]
    assert len(cues) == 2
    assert all(len(cue.split("\n")) == 3 for cue in cues)


def test_a_cue_is_marked_up_safely():
    text = web_vtt(exposure(), {7: "<b>A</b>\n\n00:00 --> x", 3: "B"})
    assert "&lt;b&gt;A&lt;/b&gt; 00:00 --&gt; x: 2.0 s on screen" in text
    assert re.search(r"^00:00:00\.000 --> 00:00:02\.000$", text, re.MULTILINE)

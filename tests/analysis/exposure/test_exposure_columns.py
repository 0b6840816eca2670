"""One table says what the columns are; the page about the methodology has it word for word."""

import csv
import io
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.exposure.columns import (
    BY_KEY,
    COLUMNS,
    Face,
    clock,
    edges,
    figure,
    markdown,
    shown,
    shown_on,
    spoken,
)
from analysis.exposure.columns import seconds as seconds_said
from analysis.exposure.exports import brands_csv, episodes_csv
from analysis.exposure.measure import BrandExposure, measure
from tests.analysis.exposure.exposure_cases import columns, seconds

NAMES = {7: "Acme", 3: "Bolt"}
METHODOLOGY = Path(__file__).parents[3] / "docs" / "methodology.md"


def test_the_methodology_says_what_every_column_is():
    assert markdown() in METHODOLOGY.read_text(encoding="utf-8")


def test_every_column_is_a_figure_of_a_brand_and_stands_once():
    keys = [column.key for column in COLUMNS]
    known = {field.name for field in fields(BrandExposure)}
    assert len(set(keys)) == len(keys)
    assert all(key in known or hasattr(BrandExposure, key) for key in keys)


@pytest.mark.parametrize("face", [face for face in Face if face is not Face.MONEY])
def test_every_face_shows_seconds_on_screen_beside_what_is_reported(face):
    assert [column.title for column in shown_on(face)][:2] == ["On screen", "Reported"]
    assert not any(column.unit in ("s", "time") for column in shown_on(face, of_picture=True)), (
        "a picture has no seconds"
    )


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("reported_s", 161.44, "2:41.4"),
        ("reported_s", 3723.0, "1:02:03.0"),
        ("share_of_screen_time", 0.4567, "45.7\u202f%"),
        ("share_of_voice_time", 0.4567, "46\u202f%"),
        ("count", 1234, "1,234"),
        ("media_value", 1234.5, "1,234.50"),
        ("clarity", None, "–"),
    ],
)
def test_a_figure_reads_as_its_column_says(key, value, text):
    assert shown(BY_KEY[key], value) == text
    assert figure(BY_KEY[key], {key: value}) == text


def test_a_report_issued_before_a_column_was_there_shows_a_dash():
    assert figure(BY_KEY["clarity"], {}) == "–"


@pytest.mark.parametrize(
    ("time_s", "text"),
    [
        (0, "0:00:00.0"),
        (12.96, "0:00:12.9"),
        (26.299999999999997, "0:00:26.3"),
        (3599.99, "0:59:59.9"),
        (36_000.5, "10:00:00.5"),
        (None, ""),
    ],
)
def test_times_read_as_a_clock(time_s, text):
    assert clock(time_s, hours=True) == text


@given(st.floats(0, 100_000), st.integers(0, 3))
def test_a_clock_never_shows_more_than_there_is_nor_a_whole_tick_less(time_s, decimals):
    hours, minutes, rest = clock(time_s, decimals, hours=True).split(":")
    shown_s = int(hours) * 3600 + int(minutes) * 60 + float(rest)
    assert time_s - 10**-decimals - 1e-6 < shown_s <= time_s + 1.1e-6


def test_seconds_in_a_sentence_and_aloud():
    assert seconds_said(12.96) == "12.9 s"
    assert seconds_said(1234.5) == "1,234.5 s"
    assert spoken(12.96) == "12.9 seconds"
    assert spoken(61) == "1 minute 1 second"
    assert spoken(161.44) == "2 minutes 41.4 seconds"


@pytest.mark.parametrize(("off_s", "text"), [(0.2, "0.2"), (0.04, "0.1"), (0.30000001, "0.3")])
def test_edges_say_how_far_they_can_be_off_at_most(off_s, text):
    assert edges(off_s) == f"edges ± {text} s"


def test_a_csv_holds_every_column_and_says_its_limits_once():
    boxes = [(i, label, 0, 0, 0.5, 0.5) for i in range(3) for label in (7, 3)]
    exposure = measure(columns(seconds(3), boxes), duration_s=3, labels=[7, 3])
    for text in (brands_csv(exposure, NAMES), episodes_csv(exposure, NAMES)):
        first, second = csv.DictReader(io.StringIO(text))
        assert exposure.method.note in first["limits"]
        assert second["limits"] == ""
        assert first["method"] == second["method"] == exposure.method.name
    header = next(csv.reader(io.StringIO(brands_csv(exposure, NAMES))))
    assert [key for key in header if key in BY_KEY] == [column.key for column in COLUMNS]

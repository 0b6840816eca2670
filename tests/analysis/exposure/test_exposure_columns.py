"""One table says what the columns are; the page about the methodology has it word for word."""

import csv
import io
from dataclasses import fields
from pathlib import Path

import pytest

from analysis.exposure.columns import (
    BY_KEY,
    COLUMNS,
    Face,
    edges,
    figure,
    markdown,
    shown,
    shown_on,
)
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


def test_edges_say_how_far_they_can_be_off():
    assert edges(0.2) == "edges ± 0.2 s"


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

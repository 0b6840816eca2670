"""One table says what the columns are; the page about the methodology has it word for word."""

from dataclasses import fields
from pathlib import Path

from analysis.exposure.columns import COLUMNS, markdown
from analysis.exposure.measure import BrandExposure

METHODOLOGY = Path(__file__).parents[3] / "docs" / "methodology.md"


def test_the_methodology_says_what_every_column_is():
    assert markdown() in METHODOLOGY.read_text(encoding="utf-8")


def test_every_column_is_a_figure_of_a_brand_and_stands_once():
    keys = [column.key for column in COLUMNS]
    known = {field.name for field in fields(BrandExposure)}
    assert len(set(keys)) == len(keys)
    assert all(key in known or hasattr(BrandExposure, key) for key in keys)

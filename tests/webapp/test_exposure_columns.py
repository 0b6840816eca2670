"""Page, report, PDF and API name each column as the one table does."""

from __future__ import annotations

import io
import re
from html import unescape

import numpy as np
import pytest
from django.urls import reverse
from django.utils.text import capfirst
from pypdf import PdfReader

from analysis.exposure.columns import COLUMNS, UNCHECKED, Face, edges, figure, shown_on
from analysis.film.columns import Columns
from tests.conftest import INTERVAL_S
from webapp.timeline.choices import Choices
from webapp.timeline.exposure import Looked


@pytest.fixture
def at_work(analyst, client_for):
    return client_for(analyst)


@pytest.fixture
def run(run):
    """Each frame answers for half of the time before it, as samples between frames do."""
    for segment in run.segments.all():
        columns = Columns.unpack(segment.result.columns)
        frames = columns.frames.copy()
        for edge in ("start_s", "end_s"):
            frames[edge] = np.maximum(frames[edge] - INTERVAL_S / 2, 0)
        segment.result.columns = Columns(frames, columns.detections).pack()
        segment.result.save()
    return run


@pytest.fixture
def kestrel(run):
    return Looked.at(run, Choices.read({})).exposure().brands[0]


def headings(html: str, table: str) -> list[tuple[str, str]]:
    """Of the first table of a class: the tooltip and the words of each heading."""
    head = html[html.index(f'class="{table}"') :].split("</thead>")[0]
    found = re.findall(r'<th scope="col" class="num" title="([^"]*)">([^<]*)</th>', head)
    return [(unescape(tip), unescape(words)) for tip, words in found]


def test_the_page_shows_its_columns(at_work, run, kestrel):
    panel = at_work.get(reverse("run-view", args=[run.pk])).json()["panel"]
    columns = shown_on(Face.PAGE)
    assert headings(panel, "exposure") == [(c.tip, c.brief) for c in columns]
    for column in columns:
        assert f">{figure(column, kestrel)}</button>" in panel
    assert kestrel.border_error_s
    assert edges(kestrel.border_error_s) in panel
    assert capfirst(UNCHECKED) in panel
    assert "at most" not in panel.lower()


def test_the_report_shows_its_columns(at_work, run, kestrel):
    page = at_work.get(reverse("run-report", args=[run.pk]) + "?rate=30").content.decode()
    columns = shown_on(Face.REPORT)
    assert headings(page, "kept") == [(c.tip, c.title) for c in columns]
    for column in columns:
        assert figure(column, kestrel) in page
    for column in shown_on(Face.MONEY):
        assert f">{column.brief}</th>" in page
    assert kestrel.border_error_s
    assert edges(kestrel.border_error_s) in page
    assert capfirst(UNCHECKED) in page
    assert "s at most" not in page


def test_the_pdf_shows_its_columns(at_work, run, kestrel):
    file = at_work.get(reverse("run-file", args=[run.pk, "pdf"])).content
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(file)).pages)
    flat = " ".join(text.split())
    for column in shown_on(Face.PAPER):
        assert column.title in flat
        assert " ".join(figure(column, kestrel).split()) in flat
    assert kestrel.border_error_s
    assert edges(kestrel.border_error_s) in flat
    assert UNCHECKED in flat


def test_the_api_documents_every_column_and_answers_with_it(at_work, run):
    schema = at_work.get("/api/v1/schema/?format=json").json()
    brand = schema["components"]["schemas"]["BrandExposure"]["properties"]
    answered = at_work.get(f"/api/v1/runs/{run.pk}/exposure/").json()
    assert set(answered["brands"][0]) == set(brand)
    assert set(answered) == set(schema["components"]["schemas"]["Exposure"]["properties"])
    for column in COLUMNS:
        assert column.title in brand[column.key]["description"]
        assert column.help in brand[column.key]["description"]

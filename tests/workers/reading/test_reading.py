"""What was read, as rows: replaced whole, and one row for a line that goes on over a border."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from django.core.files.storage import default_storage
from PIL import Image

from analysis.media.frame_table import read_frame_table
from tests.captions import a_reading_worker, item, lettered, needs_a_reader, still_film, stored
from tests.spoken import finished, planned
from webapp.assets.models import Asset, Rendition
from webapp.indexing.indexing import Indexing
from webapp.indexing.line_edits import LineEdit
from webapp.indexing.segments import IndexingSegment
from webapp.indexing.text_regions import TextRegion
from webapp.indexing.written import written_items
from webapp.runs.workers import Worker
from workers.engine.originals import keep
from workers.engine.piece import NotYet
from workers.indexing.pieces import TRIES, index, index_segment
from workers.reading import readers

pytestmark = pytest.mark.django_db


@pytest.fixture
def indexing(asset, owner):
    a_reading_worker()
    return Indexing.objects.request(asset, "text", by=owner)


def rows(indexing) -> list[tuple[float, float, str]]:
    return [(row.start_s, row.end_s, row.text) for row in indexing.text_regions.all()]


def test_a_line_over_several_borders_becomes_one_row(indexing):
    first, second, third = planned(indexing, 0, 10, 20, 30)
    stored(first, [item("HBR 1-0", 2, 10, kind="overlay", looks=9)])
    stored(second, [item("HBR 1-0", 10, 20)])
    stored(third, [item("HBR 1-O", 20, 24, confidence=0.6)])
    assert len(rows(indexing)) == 3
    finished(indexing)
    assert rows(indexing) == [(2, 20, "HBR 1-0"), (20, 24, "HBR 1-O")]  # another digit, another row
    assert indexing.text_regions.first().kind == "overlay"
    assert indexing.text_regions.first().looks == 10


def test_what_moved_keeps_its_path_over_the_border(indexing):
    first, second = planned(indexing, 0, 10, 20)
    here, there = (0.1, 0.5, 0.3, 0.6), (0.4, 0.5, 0.6, 0.6)
    stored(first, [item("KESTREL", 0, 10, there, kind="scene", path=((0, here), (9.5, there)))])
    stored(second, [item("KESTREL", 10, 12, there)])
    finished(indexing)
    [row] = indexing.text_regions.all()
    assert (row.end_s, row.kind) == (12, "scene")
    assert [place[0] for place in row.path] == [0, 9.5, 10]


def test_another_line_at_the_border_stays_another(indexing):
    first, second = planned(indexing, 0, 10, 20)
    stored(first, [item("Kestrel", 2, 10), item("gone before", 2, 5)])
    stored(second, [item("Norra Bank", 10, 12), item("gone before", 13, 14)])
    finished(indexing)
    assert len(rows(indexing)) == 4


def test_a_correction_holds_where_the_same_is_read_again_in_the_same_place(indexing, owner):
    (segment,) = planned(indexing, 0, 20)
    stored(segment, [item("N0RRA", 2, 6), item("N0RRA", 15, 16), item("HBR", 2, 6)])
    finished(indexing)
    first, _, other = indexing.text_regions.order_by("pk")
    LineEdit.objects.make(first, "Norra", by=owner)
    LineEdit.objects.make(other, "HBK", by=owner)
    again = Indexing.objects.request(indexing.asset, "text", by=owner)
    (segment,) = planned(again, 0, 20)
    stored(segment, [item("N0RRA", 2.2, 6), item("N0RRA", 15, 16), item("HBR 1-0", 2, 6)])
    finished(again)
    assert [one.text for one in written_items(indexing.asset)] == ["HBR 1-0", "Norra", "N0RRA"]


def test_a_segment_done_again_replaces_what_it_stored(indexing):
    (segment,) = planned(indexing, 0, 20)
    mine = IndexingSegment.objects.claim(segment.pk, "a:1:1")
    TextRegion.objects.create(
        indexing=indexing, segment=segment, start_s=0, end_s=1, text="half", box=[0, 0, 1, 1]
    )
    mine.release()
    assert stored(segment, [item("all of it", 1, 2)])
    assert rows(indexing) == [(1, 2, "all of it")]


def test_who_lost_the_lease_stores_nothing(indexing):
    from analysis.reading import ReadFilm
    from workers.reading.segment import store

    (segment,) = planned(indexing, 0, 20)
    slow = IndexingSegment.objects.claim(segment.pk, "a:1:1")
    IndexingSegment.objects.filter(pk=segment.pk).update(lease_until="2020-01-01T00:00Z")
    assert stored(segment, [item("the quick one", 1, 2)])
    assert not store(slow, ReadFilm((item("too late", 1, 2),), 1, 1), busy_s=1.0)
    assert rows(indexing) == [(1, 2, "the quick one")]


def test_nothing_written_is_said(indexing):
    (segment,) = planned(indexing, 0, 20)
    stored(segment, [])
    assert finished(indexing).notes == ["Nothing is written on it."]


def _with_file(asset: Asset, path: Path, **fields) -> Asset:
    """The asset, with this as its file and its frame table beside it."""
    target = Path(default_storage.path(asset.file))
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, target)
    Asset.objects.filter(pk=asset.pk).update(**fields)
    asset.refresh_from_db()
    if asset.kind == Asset.Kind.VIDEO:
        table = read_frame_table(path)
        file = keep(f"renditions/{asset.pk}/frames.bin", table.pack())
        Rendition.keep(asset, "frame_table", file, frames=len(table), end_s=table.end_s)
    return asset


def _carry_out(indexing: Indexing) -> Indexing:
    index(indexing.pk)
    for segment in indexing.segments.all():
        index_segment(segment.pk)
    index(indexing.pk)
    indexing.refresh_from_db()
    return indexing


def test_a_film_is_read_from_asking_to_the_end(indexing, tmp_path):
    needs_a_reader()
    _with_file(indexing.asset, still_film(tmp_path / "still.mp4"))
    done = _carry_out(indexing)
    assert (done.state, done.error) == ("done", "")
    assert rows(done) == [(0, pytest.approx(3.0), "KESTREL")]
    assert done.segments.get().frames["read"] == 1
    [written] = written_items(done.asset)
    assert [(word.text, word.end_s) for word in written.words] == [("KESTREL", pytest.approx(3))]


def test_a_picture_is_one_segment(indexing, tmp_path):
    needs_a_reader()
    image = np.full((360, 640, 3), 50, np.uint8)
    lettered(image, "vitalo water", (100, 150), 48)
    Image.fromarray(image).save(tmp_path / "bottle.png")
    _with_file(indexing.asset, tmp_path / "bottle.png", kind="image", duration_s=0)
    done = _carry_out(indexing)
    assert (done.state, done.error) == ("done", "")
    assert rows(done) == [(0, 0, "vitalo water")]


def test_weights_that_vanished_between_segments_are_said_and_can_come_back(indexing):
    planned(indexing, 0, 60, 120)  # by an engine that no machine has
    Worker.objects.all().delete()
    for _ in range(TRIES):
        indexing.segments.update(lease_until=None)  # its time to be tried again has come
        index_segment(indexing.segments.first().pk)
    indexing.refresh_from_db()
    assert indexing.state == "failed"
    assert "is not on this machine any more" in indexing.error
    assert indexing.can_retry
    assert indexing.retry()


def test_a_worker_without_the_engine_leaves_the_segment_to_one_that_has_it(indexing):
    planned(indexing, 0, 60)
    with pytest.raises(NotYet):
        readers.reader(indexing)


def test_a_film_whose_frames_are_not_listed_is_a_failure_in_words(indexing):
    needs_a_reader()
    for _ in range(TRIES):
        Indexing.objects.update(lease_until=None)
        index(indexing.pk)
    indexing.refresh_from_db()
    assert indexing.state == "failed"
    assert "list of this video's frames is missing" in indexing.error

"""A run's columns, from memory, from the disk, from the database: always the same."""

from pathlib import Path

import numpy as np
import pytest
from django.conf import settings

from webapp.leases import Status
from webapp.runs import kept, results
from webapp.runs.results import columns_of
from webapp.runs.run import Run
from webapp.runs.segments import SegmentResult


def files() -> list[Path]:
    return list((Path(settings.CACHE_DIR) / "columns").glob("*"))


def same(a, b) -> bool:
    return np.array_equal(a.frames, b.frames) and a.detections.tobytes() == b.detections.tobytes()


def test_another_process_finds_them_ready_on_the_disk(run):
    first = columns_of(run)
    results.forget()
    SegmentResult.objects.all().delete()  # so they cannot come from there
    again = columns_of(run)
    assert same(first, again)
    assert again.labels == first.labels
    assert np.array_equal(again.boxes.area, first.boxes.area)


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY half of it", b"not one at all"])
def test_a_damaged_file_is_made_again(run, damage):
    first = columns_of(run)
    results.forget()
    files()[0].write_bytes(damage)
    assert same(columns_of(run), first)
    results.forget()
    assert kept.load(run) is not None


def test_a_disk_that_cannot_be_written_costs_nothing_but_time(run, settings, tmp_path):
    blocked = tmp_path / "a file"
    blocked.write_text("")
    settings.CACHE_DIR = blocked
    assert len(columns_of(run).frames) == 240


def test_a_run_that_goes_on_is_not_kept(run):
    Run.objects.filter(pk=run.pk).update(status=Run.Status.RUNNING)
    run.segments.filter(index=1).update(status=Status.WAITING)
    run.refresh_from_db()
    assert len(columns_of(run).frames) == 120
    assert files() == []
    run.segments.filter(index=1).update(status=Status.DONE)
    assert len(columns_of(run).frames) == 240


def test_old_files_make_room_for_new_ones(run, monkeypatch):
    monkeypatch.setattr(kept, "_KEPT_FILES", 2)
    columns = columns_of(run)
    for pk in (901, 902, 903):
        kept.keep(Run(pk=pk), columns)
    assert len(files()) == 2
    assert any(path.name.startswith("903-") for path in files())


def test_the_worker_makes_a_finished_run_ready(run):
    kept.make_ready(run.pk)
    assert kept.load(run) is not None
    kept.make_ready(run.pk + 1)  # deleted in the meantime


def test_nothing_half_written_stays(run):
    columns_of(run)
    results.forget()
    assert [path.suffix for path in files()] == [".npy"]

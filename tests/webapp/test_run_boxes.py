"""Pages of boxes come out of the columns: each box once, in order, by numbers that last."""

from __future__ import annotations

import threading

import pytest

from webapp.runs import kept, results
from webapp.runs.boxes import Boxes
from webapp.runs.results import columns_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(client, key_for, analyst):
    headers = key_for(analyst)
    return lambda url, **query: client.get(url, query or None, **headers)


def path(run) -> str:
    return f"/api/v1/runs/{run.pk}/detections/"


def test_pages_go_forwards_and_back_over_the_same_boxes(api, run):
    pages, url = [], f"{path(run)}?page_size=9"
    while url:
        answer = api(url).json()
        pages.append([box["id"] for box in answer["results"]])
        url, back = answer["next"], answer["previous"]
    assert len({number for page in pages for number in page}) == 84
    again = [pages[-1]]
    while back:
        answer = api(back).json()
        again.append([box["id"] for box in answer["results"]])
        back = answer["previous"]
    assert again[::-1] == pages


def test_a_box_keeps_its_number_when_more_is_asked_or_found(run):
    everything = {box.id: box for box in Boxes(run).after(-1, 500)}
    some = Boxes(run, floor=0.5, start_s=15).after(-1, 500)
    assert some
    assert all(everything[box.id] == box for box in some)
    run.segments.filter(index=0).delete()
    results.forget()
    run.status = run.Status.RUNNING
    assert all(everything[b.id].box == b.box for b in Boxes(run).after(-1, 500))


def test_a_page_ends_where_the_stretch_does(run):
    times = [box.time_s for box in Boxes(run, start_s=12, end_s=13).after(-1, 500)]
    assert times
    assert all(12 <= time_s < 13 for time_s in times)
    assert not Boxes(run, start_s=13, end_s=12).after(-1, 500)


@pytest.mark.parametrize(
    "cursor", ["x", "cD1zb29u", "cD0tNQ==", "cD05OTk5OTk5OTk5OTk5OTk5OTk5OQ=="]
)
def test_a_cursor_of_somebody_else_is_refused_or_harmless(api, run, cursor):
    answer = api(path(run), cursor=cursor)
    assert answer.status_code in (200, 404)
    assert answer["Content-Type"].startswith("application/")


def test_a_stranger_sees_no_box(client, key_for, stranger, run, other_workspace):
    assert client.get(path(run), **key_for(stranger)).status_code == 404


def test_threads_that_ask_at_once_read_once(run, monkeypatch):
    reads, release = [], threading.Event()

    def slow(asked):
        reads.append(asked.pk)
        release.wait(5)
        return prepared

    prepared = columns_of(run)
    results.forget()
    monkeypatch.setattr(results, "_read", slow)
    revision = results.revision(run)
    monkeypatch.setattr(results, "revision", lambda _: revision)
    got: list[object] = []
    threads = [threading.Thread(target=lambda: got.append(columns_of(run))) for _ in range(8)]
    for thread in threads:
        thread.start()
    release.set()
    for thread in threads:
        thread.join()
    assert reads == [run.pk]
    assert got == [prepared] * 8


def test_what_was_not_looked_at_for_longest_goes_first_when_memory_is_short(run, monkeypatch):
    columns = kept.read(run)
    monkeypatch.setattr(results, "_KEPT_BYTES", 2.5 * results._n_bytes(columns))
    for number in range(4):
        results._remember((number, ""), columns)
    assert [key[0] for key in results._cache] == [2, 3]

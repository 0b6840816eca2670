"""What lies over the picture, and one frame at a time."""

from itertools import pairwise

import numpy as np
import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from analysis.film.columns import DETECTION, FRAME, Columns
from webapp.assets.models import Rendition
from webapp.leases import Status
from webapp.runs.segments import SegmentResult
from webapp.timeline.frames import frame_at


@pytest.fixture
def client_of_viewer(client_for, viewer):
    return client_for(viewer)


def test_a_segment_comes_as_columns(client_of_viewer, run, project):
    boxes = client_of_viewer.get(reverse("run-boxes", args=[run.pk, 0])).json()
    kestrel = project.labels.get(name="Kestrel").pk
    assert boxes["times"][:3] == [0.0, 0.5, 1.0]
    assert boxes["ends"][0] == 0.5
    first = boxes["label"].index(kestrel)
    assert boxes["times"][boxes["frame"][first]] == 10.0
    assert [side[first] for side in boxes["box"]] == [0.1, 0.1, 0.3, 0.2]
    assert boxes["confidence"][first] == pytest.approx(0.9)
    assert boxes["sprite"] is None


def test_finished_results_are_kept_by_the_browser(client_of_viewer, run):
    url = reverse("run-boxes", args=[run.pk, 0])
    response = client_of_viewer.get(url)
    assert "immutable" in response["Cache-Control"]
    assert "private" in response["Cache-Control"]
    again = client_of_viewer.get(url, headers={"If-None-Match": response["ETag"]})
    assert again.status_code == 304


def test_results_that_may_still_change_are_not_kept(client_of_viewer, run):
    from webapp.runs.run import Run

    Run.objects.filter(pk=run.pk).update(status=Run.Status.RUNNING)
    response = client_of_viewer.get(reverse("run-boxes", args=[run.pk, 0]))
    assert "immutable" not in response["Cache-Control"]


def test_a_segment_that_is_not_done_has_no_boxes_yet(client_of_viewer, run):
    run.segments.filter(index=1).update(status=Status.WORKING)
    assert client_of_viewer.get(reverse("run-boxes", args=[run.pk, 1])).status_code == 404


def test_a_segment_whose_results_are_lost_has_no_frames_and_is_asked_for_again(
    client_of_viewer, run
):
    SegmentResult.objects.filter(segment__run=run, segment__index=1).delete()
    response = client_of_viewer.get(reverse("run-boxes", args=[run.pk, 1]))
    assert response.status_code == 200
    assert (response.json()["times"], response.json()["frame"]) == ([], [])
    assert "no-store" in response["Cache-Control"]
    rest = client_of_viewer.get(reverse("run-boxes", args=[run.pk, 0]))
    assert rest.json()["times"], "the rest is shown as before"


def test_small_pictures_are_reached_by_a_signed_link(client_of_viewer, run):
    url = reverse("run-sprite", args=[run.pk, 0])
    assert client_of_viewer.get(url).status_code == 404
    run.segments.filter(index=0).update(sprite="sprites/1.jpg")
    assert client_of_viewer.get(url)["Location"].startswith("/media/")


@pytest.mark.parametrize("name", ["run-boxes", "run-sprite"])
def test_segments_are_not_for_strangers(client_for, stranger, other_workspace, run, name):
    assert client_for(stranger).get(reverse(name, args=[run.pk, 0])).status_code == 404


# --- one frame ------------------------------------------------------------------------------


def test_a_full_picture_is_made_when_it_is_first_asked_for(client_of_viewer, run):
    url = reverse("run-frame-picture", args=[run.pk])
    response = client_of_viewer.get(url, {"t": "10.2"})
    assert response.status_code == 202
    assert response["Retry-After"] == "1"
    picture = Rendition.objects.get()
    assert picture.recipe == "frame@10.000000"  # the analysed frame that answers for 10.2
    client_of_viewer.get(url, {"t": "10.4"})
    assert Rendition.objects.count() == 1
    Rendition.keep(run.asset, picture.recipe, "renditions/frame.jpg")
    assert client_of_viewer.get(url, {"t": "10.2"}).json()["url"].startswith("/media/")
    download = client_of_viewer.get(url, {"t": "10.2", "download": "1"})
    assert "as=matchday-10.000s.jpg" in download["Location"]


def test_a_picture_that_cannot_be_made_says_why(client_of_viewer, run):
    Rendition.objects.create(
        asset=run.asset, recipe="frame@10.000000", status=Status.FAILED, error="It is damaged."
    )
    response = client_of_viewer.get(reverse("run-frame-picture", args=[run.pk]), {"t": "10"})
    assert response.status_code == 422
    assert response.json()["detail"] == "It is damaged."


def test_the_analysis_of_a_frame_reads_as_custom_labels_do(client_of_viewer, run):
    run.asset.probe = {"frame_rate": 25}
    run.asset.save(update_fields=["probe"])
    response = client_of_viewer.get(reverse("run-frame-analysis", args=[run.pk]), {"t": "15.3"})
    frame = response.json()
    assert frame["FrameNumber"] == 375
    assert frame["TimestampMillis"] == 15000
    assert [label["Name"] for label in frame["CustomLabels"]] == ["Kestrel", "Norra Bank"]
    kestrel = frame["CustomLabels"][0]
    assert kestrel["Confidence"] == pytest.approx(90.0)
    box = kestrel["Geometry"]["BoundingBox"]
    assert box == pytest.approx({"Width": 0.2, "Height": 0.1, "Left": 0.1, "Top": 0.1})
    assert response["Content-Disposition"] == 'attachment; filename="matchday-15.000s.json"'


def test_a_frame_without_a_brand_is_an_answer_too(client_of_viewer, run):
    response = client_of_viewer.get(reverse("run-frame-analysis", args=[run.pk]), {"t": "1"})
    assert response.json()["CustomLabels"] == []


@pytest.mark.parametrize("name", ["run-frame-picture", "run-frame-analysis"])
def test_a_time_that_is_none_is_refused(client_of_viewer, run, name):
    assert client_of_viewer.get(reverse(name, args=[run.pk]), {"t": "soon"}).status_code == 400


def test_a_name_cannot_break_out_of_the_header(client_of_viewer, run):
    run.asset.name = 'a"; filename="evil\r\nX: y.mp4'
    run.asset.save(update_fields=["name"])
    response = client_of_viewer.get(reverse("run-frame-analysis", args=[run.pk]), {"t": "1"})
    assert response["Content-Disposition"].count('"') == 2


def cells(borders):
    frames = [((a + b) / 2, a, b) for a, b in pairwise(borders)]
    return Columns(np.array(frames, FRAME), np.empty(0, DETECTION))


@given(
    st.lists(st.integers(0, 9000), min_size=2, max_size=30, unique=True).map(sorted),
    st.integers(-5, 9005),
)
def test_the_frame_of_a_time_is_the_one_whose_cell_holds_it(borders, time):
    columns, time_s = cells([border / 90 for border in borders]), time / 90
    frame = columns.frames[frame_at(columns, time_s)]
    inside = [f for f in columns.frames if f["start_s"] <= time_s < f["end_s"]]
    if inside:
        assert frame == inside[0]


def test_no_frames_have_no_frame():
    assert frame_at(Columns.empty(), 3.0) is None


def test_a_time_between_cells_goes_to_the_nearer_frame():
    frames = np.array([(1, 0.5, 1.5), (9, 8.5, 9.5)], FRAME)
    columns = Columns(frames, np.empty(0, DETECTION))
    assert frame_at(columns, 3.0) == 0
    assert frame_at(columns, 7.0) == 1

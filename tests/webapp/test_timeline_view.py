"""The figures of a run as the page's slider asks for them. See FOUND in conftest.py."""

import numpy as np
import pytest
from django.urls import reverse

from analysis.film.columns import DETECTION, FRAME, Columns


@pytest.fixture
def ask(client_for, viewer, run):
    client = client_for(viewer)

    def get(**query):
        return client.get(reverse("run-view", args=[run.pk]), query)

    return get


@pytest.fixture
def kestrel(project):
    return project.labels.get(name="Kestrel")


@pytest.fixture
def norra(project):
    return project.labels.get(name="Norra Bank")


def test_one_answer_redraws_everything(ask, kestrel, norra):
    view = ask(progress="1").json()
    lane = view["lanes"]["rows"][str(kestrel.pk)]
    assert [lane["start"], lane["end"]] == [[10.0, 70.0, 80.0], [20.0, 75.0, 82.0]]
    assert lane["weak"] == [0, 1, 0]
    assert view["counts"] == {str(kestrel.pk): 2, str(norra.pk): 1, **_others(view)}
    assert view["thresholds"][str(kestrel.pk)] == 0.5
    assert view["segments"][1] == {"index": 1, "start": 60.0, "end": 120.0, "done": True}
    assert "Kestrel" in view["panel"]
    assert "0:12.0" in view["panel"]  # 10 s and 2 s; the 5 s at 0.2 are below the threshold
    assert sum(view["minutes"]["share"][0]) * 10 == pytest.approx(12.0)


def _others(view):
    return {label: count for label, count in view["counts"].items() if count == 0}


def test_the_slider_counts_what_was_weak(ask, kestrel):
    view = ask(threshold="0.15").json()
    assert view["counts"][str(kestrel.pk)] == 3
    assert "0:17.0" in view["panel"]
    assert view["lanes"]["rows"][str(kestrel.pk)]["weak"] == [0, 0, 0]


def test_a_brand_left_out_is_nobodys_company(ask, kestrel, norra):
    view = ask(off=str(norra.pk)).json()
    assert view["lanes"]["rows"][str(norra.pk)]["start"] == []
    assert "left out" in view["panel"]
    assert "100\u202f%" in view["panel"]  # all of the share of voice is Kestrel's now


def test_a_range_gives_the_figures_of_the_range_only(ask, kestrel):
    view = ask(**{"in": "12", "out": "16"}).json()
    assert view["counts"][str(kestrel.pk)] == 1
    assert "0:04.0" in view["panel"]
    assert "0:12.0 to 0:16.0 only" in view["panel"]


def test_an_opened_brand_lists_each_time_as_a_way_there(ask, kestrel):
    panel = ask(open=str(kestrel.pk)).json()["panel"]
    assert 'data-seek="10.000"' in panel
    assert 'data-seek="80.000"' in panel
    assert 'data-seek="70.000"' not in panel


def test_zooming_asks_for_the_lanes_alone(ask, kestrel):
    view = ask(only="lanes", **{"from": "70", "to": "81", "bins": "100"}).json()
    assert list(view) == ["lanes"]
    assert view["lanes"]["rows"][str(kestrel.pk)]["end"] == [75.0, 81.0]


@pytest.mark.parametrize("query", [{"threshold": "2"}, {"method": "x"}, {"from": "5", "to": "1"}])
def test_nonsense_is_answered_with_a_sentence(ask, query):
    response = ask(**query)
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["detail"]


def test_a_bin_count_out_of_reason_is_brought_into_it(ask):
    assert ask(bins="99999999").status_code == 200
    assert ask(bins="-5").status_code == 200


def test_results_come_in_while_the_run_goes_on(ask, run, kestrel):
    from webapp.leases import Status
    from webapp.runs.run import Run

    Run.objects.filter(pk=run.pk).update(status=Run.Status.RUNNING, stage=Run.Stage.ANALYSE)
    second = run.segments.get(index=1)
    run.segments.filter(index=1).update(status=Status.WAITING)
    assert ask().json()["counts"][str(kestrel.pk)] == 1
    second.status = Status.DONE
    second.save(update_fields=["status"])
    assert ask().json()["counts"][str(kestrel.pk)] == 2


def test_the_tables_say_what_the_charts_show(client_for, viewer, run):
    client = client_for(viewer)
    episodes = client.get(reverse("run-episodes", args=[run.pk])).content.decode()
    assert episodes.index("0:10.0") < episodes.index("0:15.0") < episodes.index("1:20.0")
    minutes = client.get(reverse("run-minutes", args=[run.pk])).content.decode()
    assert "Share of each 10 seconds" in minutes  # of two minutes, whole minutes say little
    assert "Overall" in minutes


def test_a_picture_has_figures_without_time(client_for, viewer, project, asset_in, run_of):
    picture = asset_in(project.workspace, "poster.jpg", kind="image", duration_s=0.0)
    run = run_of(picture, project, found=[])
    view = client_for(viewer).get(reverse("run-view", args=[run.pk])).json()
    assert view["lanes"]["rows"] == {}
    assert view["minutes"]["edges"] in ([], [0.0])


PATHS = ["run-view", "run-episodes", "run-minutes", "run-frame-picture", "run-frame-analysis"]


@pytest.mark.parametrize("name", PATHS)
def test_a_stranger_finds_nothing(client_for, stranger, other_workspace, run, name):
    assert client_for(stranger).get(reverse(name, args=[run.pk])).status_code == 404


@pytest.mark.parametrize("name", PATHS)
def test_a_labeller_may_not_look(client_for, labeller, run, name):
    assert client_for(labeller).get(reverse(name, args=[run.pk])).status_code == 403


@pytest.mark.parametrize("name", PATHS)
def test_who_is_not_signed_in_is_asked_to(client, run, name):
    response = client.get(reverse(name, args=[run.pk]))
    assert response.status_code == 302
    assert reverse("sign-in") in response["Location"]


def test_asking_again_gives_the_same_and_a_new_name_shows_at_once(ask, kestrel):
    assert ask().content == ask().content
    kestrel.name = "Kestrel Sport"
    kestrel.save(update_fields=["name"])
    assert "Kestrel Sport" in ask().json()["panel"]


def test_a_changed_threshold_of_a_label_counts_at_once(ask, kestrel):
    assert ask().json()["counts"][str(kestrel.pk)] == 2
    kestrel.threshold = 0.15
    kestrel.save(update_fields=["threshold"])
    assert ask().json()["counts"][str(kestrel.pk)] == 3


def test_a_brand_that_nothing_could_find_is_not_called_unseen(ask, run, client_for, viewer):
    panel = ask().json()["panel"]
    vitalo = panel[panel.index("Vitalo") :]
    assert "not looked for" in vitalo
    assert panel.count("not looked for") == 1  # Norra Bank was found, whatever looked for it
    report = client_for(viewer).get(reverse("run-report", args=[run.pk])).content.decode()
    assert "Not looked for, with neither a logo picture nor a model: Norra Bank, Vitalo." in report


def test_where_nothing_is_found_it_names_only_what_was_looked_for(ask, run):
    from webapp.runs.segments import SegmentResult

    empty = Columns(np.empty(0, FRAME), np.empty(0, DETECTION)).pack()
    SegmentResult.objects.filter(segment__run=run).update(columns=empty)
    panel = ask().json()["panel"]
    assert "It looked for Kestrel in" in panel
    assert "Nothing told it what Norra Bank, Vitalo look like." in panel

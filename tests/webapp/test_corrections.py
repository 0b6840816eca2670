"""Correcting what was found where one reads it: counted at once, undone, named in the report."""

from __future__ import annotations

import pytest
from django.urls import reverse

from webapp.accounts.models import Event
from webapp.datasets.dataset import Dataset
from webapp.projects.models import Project
from webapp.reports.models import Report
from webapp.reports.season import figures_of
from webapp.reviewing.corrections import Correction
from webapp.reviewing.verdicts import Verdict
from webapp.runs.boxes import Boxes
from webapp.runs.results import columns_of
from webapp.timeline.choices import Choices
from webapp.timeline.exposure import Looked


@pytest.fixture
def browser(reviewer, client_for):
    return client_for(reviewer)


@pytest.fixture
def kestrel(run):
    """On screen from 10 to 20 s and from 80 to 82 s."""
    return run.project.labels.get(name="Kestrel")


def say(browser, run, label, start: float, end: float, **more):
    values = {"label": label.pk, "start": start, "end": end} | more
    return browser.post(reverse("run-correct", args=[run.pk]), values)


def seconds(browser, run, name: str, query: str = "") -> float:
    answer = browser.get(f"/api/v1/runs/{run.pk}/exposure/{query}").json()
    return next(b["on_screen_s"] for b in answer["brands"] if b["name"] == name)


def page(browser, run, query: str = "") -> str:
    return browser.get(reverse("run-view", args=[run.pk]) + query).json()["panel"]


def test_the_figures_follow_at_once_and_what_was_found_stays(browser, run, kestrel):
    found = len(columns_of(run).detections)
    before = page(browser, run, f"?open={kestrel.pk}")
    made = say(browser, run, kestrel, 10, 15)
    assert made.status_code == 201
    assert made.json()["said"].startswith("Kestrel is not there from 0:10.0 to 0:15.0")
    assert seconds(browser, run, "Kestrel") == pytest.approx(7.0)
    assert seconds(browser, run, "Kestrel", "?corrections=off") == pytest.approx(12.0)
    assert page(browser, run, f"?open={kestrel.pk}") != before
    assert len(columns_of(run).detections) == found
    assert Event.objects.filter(what="corrected what was found").count() == 1


def test_it_is_taken_back(browser, run, kestrel):
    undo = say(browser, run, kestrel, 10, 20).json()["undo"]
    assert "1 correction by people is counted" in page(browser, run)
    assert browser.post(undo).status_code == 200
    assert seconds(browser, run, "Kestrel") == pytest.approx(12.0)
    assert "by people is counted" not in page(browser, run)
    assert browser.post(undo).status_code == 200, "twice does no harm"


def test_it_can_be_brought_into_the_next_model(browser, run, kestrel, analyst, client_for):
    dataset = Dataset.objects.begin(run.project, "Boards", by=analyst)
    review = client_for(analyst)
    assert "Into the next model" not in review.get(reverse("review")).content.decode()
    undo = say(browser, run, kestrel, 10, 20).json()["undo"]
    page = review.get(reverse("review")).content.decode()
    assert "Boards: 1 new or changed" in page
    review.post(reverse("review-learn"), {"dataset": dataset.pk})
    assert dataset.transfers.get().options == {"how": "reviewed", "assets": [run.asset_id]}
    browser.post(undo)
    assert "Into the next model" not in review.get(reverse("review")).content.decode()


def test_what_is_another_brand_counts_there(browser, run, kestrel):
    bank = run.project.labels.get(name="Norra Bank")  # from 15 to 40 s
    say(browser, run, kestrel, 10, 20, instead=bank.pk)
    assert seconds(browser, run, "Kestrel") == pytest.approx(2.0)
    assert seconds(browser, run, "Norra Bank") == pytest.approx(30.0)


def test_a_later_analysis_of_the_film_is_corrected_too(browser, run, kestrel, run_of, asset):
    say(browser, run, kestrel, 10, 20)
    assert seconds(browser, run_of(asset, run.project), "Kestrel") == pytest.approx(2.0)


def test_the_report_names_it_and_one_issued_before_stays(at_report, browser, run, kestrel):
    def issue() -> Report:
        at_report.post(reverse("report-issue", args=[run.pk]), {"title": "Cup"})
        return Report.objects.latest("pk")

    before = issue()
    say(browser, run, kestrel, 10, 20)
    after = issue()
    on_screen = [
        next(b["on_screen_s"] for b in r.numbers["exposure"]["brands"] if b["name"] == "Kestrel")
        for r in (Report.objects.get(pk=before.pk), after)
    ]
    assert on_screen == pytest.approx([12.0, 2.0])
    sentence = "Corrected by Rene: Kestrel is not there from 0:10.0 to 0:20.0."
    assert sentence in after.numbers["notes"]
    assert after.numbers["corrections"][0]["label"] == kestrel.pk
    live = at_report.get(reverse("run-report", args=[run.pk]) + "?corrections=off")
    assert "the figures of the model alone" in live.content.decode()


def report(client, run, query: str = "") -> str:
    return client.get(reverse("run-report", args=[run.pk]) + query).content.decode()


def test_who_may_correct_does_so_in_the_report_and_takes_it_back_there(
    browser, run, kestrel, viewer, client_for
):
    form = f'data-correct-stretch="{kestrel.pk}"'
    assert form in report(browser, run)
    assert "is Norra Bank" in report(browser, run)
    made = say(browser, run, kestrel, 10, 20).json()
    assert f'data-uncorrect="{made["undo"]}"' in report(browser, run)
    alone = report(browser, run, "?corrections=off")
    assert form not in alone, "what counts for nothing there is not asked for"
    assert "data-uncorrect" not in report(client_for(viewer), run)
    assert form not in report(client_for(viewer), run)


def test_what_is_issued_is_corrected_nowhere_and_says_where(at_report, run):
    issued = at_report.post(reverse("report-issue", args=[run.pk]), {"title": "Cup"})["Location"]
    page = at_report.get(issued).content.decode()
    assert "data-correct" not in page
    assert reverse("run-report", args=[run.pk]) in page


@pytest.mark.parametrize(
    ("start", "end", "why"),
    [
        (20, 10, "the start comes before the end"),
        (500, 600, "the start comes before the end"),
        (10, "nan", "from when to when"),
        ("", 10, "from when to when"),
    ],
)
def test_nonsense_is_refused_in_words(browser, run, kestrel, start, end, why):
    answer = say(browser, run, kestrel, start, end)
    assert answer.status_code == 422
    assert why in answer.json()["detail"]
    assert not Correction.objects.exists()


def test_what_was_said_already_and_labels_of_others_are_refused(
    browser, run, kestrel, other_workspace
):
    from webapp.projects.models import Project

    say(browser, run, kestrel, 10, 20)
    assert "already" in say(browser, run, kestrel, 12, 15).json()["detail"]
    assert "already" in say(browser, run, kestrel, 1, 2, instead=kestrel.pk).json()["detail"]
    theirs = Project.objects.create(workspace=other_workspace, name="Theirs")
    label = theirs.labels.create(name="Theirs", position=0)
    assert say(browser, run, label, 10, 20).status_code == 404
    assert say(browser, run, kestrel, 30, 40, instead=label.pk).status_code == 404


def test_who_only_looks_corrects_nothing(viewer, client_for, run, kestrel):
    assert say(client_for(viewer), run, kestrel, 10, 20).status_code == 403


def test_over_the_api(browser, run, kestrel):
    wish = {"asset": run.asset_id, "label": kestrel.pk, "start_s": 10, "end_s": 12}
    made = browser.post("/api/v1/corrections/", wish, content_type="application/json")
    assert made.status_code == 201, made.content
    listed = browser.get(f"/api/v1/corrections/?asset={run.asset_id}").json()["results"]
    assert [one["said"] for one in listed] == ["Kestrel is not there from 0:10.0 to 0:12.0"]
    back = browser.post(f"/api/v1/corrections/{made.json()['id']}/undo/")
    assert back.json()["undone"]


# --- single boxes, in the frame view ----------------------------------------------------------


def judge(browser, run, **values):
    return browser.post(reverse("run-judge", args=[run.pk]), values)


def first_box(run, time_s: float) -> int:
    return round(time_s * 1e6) * 1000


def shown(browser, run, query: str = "?said=x") -> list[tuple[float, int, int]]:
    """(time, label, place) of each box on the picture in the first minute."""
    told = browser.get(reverse("run-boxes", args=[run.pk, 0]) + query).json()
    times = [told["times"][frame] for frame in told["frame"]]
    return list(zip(times, told["label"], told["place"], strict=True))


def test_a_box_that_is_not_there_is_gone_from_the_figures_and_from_the_picture(
    browser, run, kestrel
):
    before = shown(browser, run)
    said = judge(browser, run, box=first_box(run, 12.0)).json()
    assert said["said"] == "Kestrel at 0:12.0 is not there. The figures follow."
    assert seconds(browser, run, "Kestrel") == pytest.approx(11.5)
    assert set(before) - set(shown(browser, run)) == {(12.0, kestrel.pk, 0)}
    assert shown(browser, run, "") == before, "what was found stays"
    assert Event.objects.filter(what="said what a box is").count() == 1
    browser.post(said["undo"])
    assert seconds(browser, run, "Kestrel") == pytest.approx(12.0)
    assert shown(browser, run) == before


def test_a_whole_track_is_another_brand(browser, run, kestrel):
    vitalo = run.project.labels.get(name="Vitalo")
    judge(browser, run, box=first_box(run, 12.0), label=vitalo.pk, track="on")
    assert seconds(browser, run, "Kestrel") == pytest.approx(2.0)
    assert seconds(browser, run, "Vitalo") == pytest.approx(10.0)
    labels = {label for time_s, label, _ in shown(browser, run) if 10 <= time_s < 15}
    assert labels == {vitalo.pk}
    version = browser.get(reverse("run-view", args=[run.pk])).json()["said"]
    assert version
    model = browser.get(reverse("run-view", args=[run.pk]) + "?corrections=off").json()
    assert model["said"] == ""


def test_what_was_missed_is_drawn_and_counts_where_it_is(browser, run):
    vitalo = run.project.labels.get(name="Vitalo")
    box = {"x1": 0.6, "y1": 0.6, "x2": 0.8, "y2": 0.8}
    said = judge(browser, run, label=vitalo.pk, t=5.1, **box).json()["said"]
    assert said == "Vitalo at 0:05.0 was missed and is there. The figures follow."
    assert seconds(browser, run, "Vitalo") == pytest.approx(0.5)
    assert (5.0, vitalo.pk, -1) in shown(browser, run)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"box": 1}, "no such box"),
        ({"box": "x"}, "Say which box"),
        ({"t": 5}, "Say which box"),
        ({"t": 5, "x1": 0.9, "y1": 0.1, "x2": 0.2, "y2": 0.3, "label": 0}, "Say which box"),
    ],
)
def test_what_names_no_box_is_refused_in_words(browser, run, values, sentence):
    answer = judge(browser, run, **values)
    assert answer.status_code == 422
    assert sentence in answer.json()["detail"]


def test_a_label_of_another_project_is_not_found(browser, run, workspace, owner):
    other = Project.objects.begin(workspace, "Elsewhere", by=owner, brands=["Kite"])
    label = other.labels.get()
    assert judge(browser, run, box=first_box(run, 12.0), label=label.pk).status_code == 404


def test_a_labeller_says_nothing_of_it(run, labeller, client_for):
    assert judge(client_for(labeller), run, box=first_box(run, 12.0)).status_code in (403, 404)


def test_what_is_said_and_taken_back_while_figures_are_made_is_not_kept(run, kestrel, reviewer):
    """They are kept under what was said when somebody began to look, and read boxes later."""
    mine = [box for box in Boxes(run).after(-1, 100) if box.label == kestrel.pk]
    about = {"by": reviewer, "actually": None, "of_track": False}
    Verdict.objects.say(run, mine[0], **about)
    before = figures_of(Looked.at(run, Choices(threshold=0.3)))[kestrel.pk]["on_screen_s"]
    begun = Looked.at(run, Choices(threshold=0.4))
    meanwhile = Verdict.objects.say(run, mine[1], **about)
    assert figures_of(begun)[kestrel.pk]["on_screen_s"] < before, "made while it stood"
    meanwhile.undo(by=reviewer)
    again = Looked.at(run, Choices(threshold=0.4))
    assert again.key() != begun.key()
    assert figures_of(again)[kestrel.pk]["on_screen_s"] == before

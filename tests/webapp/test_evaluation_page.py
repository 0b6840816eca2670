"""How good a version is: its figures, the threshold, the gallery, comparison and files."""

from __future__ import annotations

import json

import pytest
from django.core.files.storage import default_storage
from hypothesis import given
from hypothesis import strategies as st

from analysis.measuring.curves import curves
from analysis.measuring.figures import figures
from analysis.measuring.gallery import outcomes
from tests.trained import dataset_version, evaluation, model_version, predictions
from webapp.leases import Status
from webapp.training.advice import advice
from webapp.training.evaluations import read_threshold
from webapp.training.measured import Measured, gallery, overall
from webapp.training.models import Evaluation

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def browser(client_for, analyst):
    return client_for(analyst)


@pytest.fixture
def frozen(project):
    return dataset_version(project)


@pytest.fixture
def measured(workspace, frozen):
    return evaluation(model_version(workspace), frozen)


def fragment(browser, row, **query) -> str:
    return browser.get(f"/evaluations/{row.pk}/outcomes", query, **HTMX).content.decode()


def test_the_page_says_what_the_stored_figures_say(browser, measured):
    page = browser.get(f"/evaluations/{measured.pk}").content.decode()
    overall_ = measured.figures["overall"]
    for name in ("precision", "recall", "f1", "ap50", "ap50_95"):
        assert f"{overall_[name]:.3f}" in page
    for text in ("41", "5.4", "Confusion matrix", "below 32 × 32 pixels"):
        assert text in page


def test_the_threshold_is_applied_to_the_stored_predictions(browser, measured):
    # From 0.65 Kestrel has one right (0.9) and one false (0.7) of three.
    text = fragment(browser, measured, threshold="0.65")
    assert "At 0.65" in text
    row = text[text.index('<th scope="row">Kestrel') :]
    cells = [part.split("<")[0].strip() for part in row.split('<td class="num">')[1:8]]
    assert cells == ["0.65", "1", "1", "2", "0.500", "0.333", "0.400"]


def test_at_their_own_thresholds_the_rows_are_those_of_the_figures(measured):
    known = Measured(predictions())
    own = {row["label"]: row["threshold"] for row in measured.figures["labels"]}
    for row, said in zip(known.at(own), measured.figures["labels"], strict=True):
        for name in ("tp", "fp", "fn", "precision", "recall", "f1", "n_truth"):
            assert row[name] == said[name]
    totals = overall(known.at(own))
    assert totals == {name: measured.figures["overall"][name] for name in totals}


@given(threshold=st.floats(0.05, 1))
def test_a_picture_shows_what_the_numbers_count(threshold):
    known = Measured(predictions())
    at = dict.fromkeys(known.labels, threshold)
    shown = gallery(known, at)
    assert len(shown) == 4
    for label in known.labels:
        row = next(row for row in known.at(at) if row["label"] == label)
        for kind, name in (("true", "tp"), ("false", "fp"), ("missed", "fn")):
            some = gallery(known, at, label=label, kind=kind)
            assert sum(len(picture[kind]) for picture in some) == row[name]
            assert all(picture[kind] for picture in some)


LABELS = ["a", "b"]
SHARES = st.integers(0, 20).map(lambda n: n / 20)
BOXES = st.tuples(SHARES, SHARES).map(lambda p: [p[0] * 0.5, p[1] * 0.5, 0.5, 0.5])
TRUTHS = st.fixed_dictionaries({"label": st.sampled_from(LABELS), "box": BOXES})
FOUND = st.fixed_dictionaries(
    {"label": st.sampled_from(LABELS), "box": BOXES, "confidence": SHARES}
)
PICTURES = st.fixed_dictionaries(
    {"truth": st.lists(TRUTHS, max_size=4), "found": st.lists(FOUND, max_size=6)}
)
NAMED = st.fixed_dictionaries({"label": st.sampled_from(LABELS), "confidence": SHARES})
WHOLE = st.fixed_dictionaries(
    {
        "truth": st.lists(st.sampled_from(LABELS), unique=True),
        "found": st.lists(NAMED, unique_by=lambda row: row["label"]),
    }
)


def plain(pictures) -> list[dict[str, list[str]]]:
    """What is on each picture, whatever the order."""
    kinds = ("true", "false", "missed")
    return [{kind: sorted(map(repr, picture[kind])) for kind in kinds} for picture in pictures]


@given(
    task=st.sampled_from(["boxes", "concept"]),
    data=st.data(),
    chosen=st.fixed_dictionaries({"a": SHARES, "b": SHARES}),
)
def test_laid_on_the_truth_once_it_says_at_each_threshold_what_matching_anew_says(
    task, data, chosen
):
    pictures = data.draw(st.lists(PICTURES if task == "boxes" else WHOLE, max_size=3))
    told = {"task": task, "labels": LABELS, "pictures": pictures}
    known = Measured(told)
    assert plain(known.outcomes(chosen)) == plain(outcomes(told, chosen))
    lines = curves(told)
    for row in known.at(chosen):
        assert (row["tp"], row["fp"], row["fn"]) == lines[row["label"]].at(chosen[row["label"]])


def test_the_gallery_is_filtered_by_label_and_kind(browser, measured):
    text = fragment(browser, measured, label="Vitalo", kind="missed")
    assert text.count("data-shot") == 2
    assert 'class="missed"' in text
    assert "Nothing false here" in fragment(browser, measured, label="Vitalo", kind="false")
    assert fragment(browser, measured).count("data-shot") == 4
    assert "it is Vitalo" in fragment(browser, measured, kind="false", threshold="0.3")


def test_many_pictures_come_after_the_page(browser, measured, monkeypatch):
    monkeypatch.setattr("webapp.training.evaluations.MANY", 3)
    page = browser.get(f"/evaluations/{measured.pk}", {"kind": "missed"}).content.decode()
    assert "data-shot" not in page
    assert f"/evaluations/{measured.pk}/outcomes?kind=missed" in page


@pytest.mark.parametrize("text", ["", "nan", "inf", "-1", "0", "1.01", "x", "0.5;"])
def test_nonsense_for_a_threshold_is_each_labels_own(browser, measured, text):
    assert read_threshold(text) is None
    assert "each label's own threshold" in fragment(browser, measured, threshold=text)


def test_predictions_that_are_gone_are_said_and_the_rest_stands(browser, measured):
    default_storage.delete(measured.predictions)
    page = browser.get(f"/evaluations/{measured.pk}")
    assert page.status_code == 200
    assert "cannot be read. Measure it again" in page.content.decode()
    answer = browser.get(f"/evaluations/{measured.pk}/manifest", follow=True)
    assert "cannot be read" in answer.content.decode()


def test_two_versions_stand_side_by_side(browser, measured, workspace, frozen):
    better = predictions()
    better["pictures"][2]["found"][0]["label"] = "Vitalo"
    other = evaluation(model_version(workspace), frozen, better)
    page = browser.get(f"/evaluations/{other.pk}", {"with": measured.pk}).content.decode()
    change = other.figures["overall"]["f1"] - measured.figures["overall"]["f1"]
    assert change > 0
    assert f"+{change:.3f}" in page
    assert f'<option value="{measured.pk}" selected>' in page
    assert "different pictures" not in page


def test_a_comparison_on_other_pictures_says_so(browser, measured, workspace, project):
    other = evaluation(model_version(workspace), dataset_version(project, "Shirts"))
    page = browser.get(f"/evaluations/{measured.pk}", {"with": other.pk}).content.decode()
    assert "measured on different pictures" in page


@pytest.mark.parametrize("asked", ["x", "999999", "1' or 1=1"])
def test_nothing_to_compare_with_is_no_error(browser, measured, asked):
    assert browser.get(f"/evaluations/{measured.pk}", {"with": asked}).status_code == 200


def test_the_files_say_what_the_page_says(browser, measured):
    summary = browser.get(f"/evaluations/{measured.pk}/summary")
    assert "EvaluationSummary-boards-1.json" in summary.headers["Content-Disposition"]
    metrics = summary.json()["AggregatedEvaluationResults"]["Metrics"]
    assert metrics["F1Score"] == pytest.approx(measured.figures["overall"]["f1"])
    lines = browser.get(f"/evaluations/{measured.pk}/manifest").content.decode().splitlines()
    assert [json.loads(line)["source-ref"] for line in lines] == [f"{n}.jpg" for n in (1, 2, 3, 4)]
    again = figures(browser.get(f"/evaluations/{measured.pk}/predictions").json())
    assert again["overall"] == measured.figures["overall"]
    assert browser.get(f"/evaluations/{measured.pk}/figures").json() == measured.figures


def test_the_best_thresholds_become_the_projects(browser, measured, project):
    before = project.version
    browser.post(f"/evaluations/{measured.pk}/thresholds")
    best = {row["label"]: row["threshold"] for row in measured.figures["labels"]}
    assert project.labels.get(name="Kestrel").threshold == round(best["Kestrel"], 3)
    assert project.labels.get(name="Norra Bank").threshold == 0.5
    project.refresh_from_db()
    assert project.version == before + 1


def test_a_version_is_measured_on_the_same_pictures(browser, measured, workspace, frozen):
    fresh = model_version(workspace)
    page = browser.get(f"/evaluations/{measured.pk}").content.decode()
    assert f'<option value="{fresh.pk}">' in page
    wish = {"model_version": fresh.pk, "dataset_version": frozen.pk, "split": "test"}
    answer = browser.post("/evaluations/new", wish)
    row = Evaluation.objects.get(model_version=fresh)
    assert answer.url == f"/evaluations/{row.pk}"
    page = browser.get(answer.url).content.decode()
    assert "No training worker is running" in page
    assert "every 2s" in page
    Evaluation.objects.claim(row.pk, "w1").fail("The disk is full.", can_retry=True)
    ended = browser.get(f"/evaluations/{row.pk}/status", **HTMX)
    assert "The disk is full." in ended.content.decode()
    assert ended.headers["HX-Refresh"] == "true"
    browser.post(f"/evaluations/{row.pk}/retry")
    row.refresh_from_db()
    assert row.status == Status.WAITING


@pytest.mark.parametrize("wish", [{}, {"model_version": "x", "dataset_version": "1"}])
def test_an_incomplete_wish_is_said(browser, wish):
    answer = browser.post("/evaluations/new", wish, follow=True)
    assert "Choose a version and what to measure it on" in answer.content.decode()


def test_advice_names_what_to_mend():
    rows = [
        {"label": "Kestrel", "tp": 1, "fp": 9, "fn": 2, "n_truth": 3},
        {"label": "Vitalo", "tp": 1, "fp": 0, "fn": 29, "n_truth": 30},
        {"label": "Norra", "tp": 0, "fp": 0, "fn": 0, "n_truth": 0},
    ]
    names = ["Kestrel", "Vitalo", "background"]
    confusion = {"labels": names, "matrix": [[1, 0, 2], [5, 1, 24], [3, 0, 0]]}
    said = advice({"labels": rows, "confusion": confusion})
    assert said[0].startswith("Vitalo is taken for Kestrel 5 times")
    assert "Vitalo is missed 29 times of 30" in said[1]
    assert any("Kestrel is seen 9 times where it is not" in s for s in said)
    assert any("rough guess" in s and "Kestrel" in s for s in said)
    assert any("bears Norra" in s for s in said)
    assert advice({"labels": []}) == []


def test_small_things_are_advised_only_where_they_were_measured_to_be_missed():
    sizes = [
        {"name": "small", "n_truth": 20, "recall": 0.3},
        {"name": "large", "n_truth": 20, "recall": 0.9},
    ]
    assert "it finds 30%, of what is larger 90%" in advice({"labels": [], "sizes": sizes})[0]
    assert not advice({"labels": [], "sizes": [sizes[0] | {"n_truth": 3}, sizes[1]]})


def test_an_evaluation_of_nothing_is_shown(browser, workspace, frozen):
    empty = predictions() | {"pictures": [], "labels": []}
    row = evaluation(model_version(workspace), frozen, empty)
    page = browser.get(f"/evaluations/{row.pk}")
    assert page.status_code == 200
    assert "No picture with this" in page.content.decode()


def test_whole_pictures_are_shown_without_boxes(browser, workspace, project):
    pictures = dataset_version(project, "Skies", task="concept")
    about = {"file": "samples/1.jpg", "width": 640, "height": 360}
    found = {
        "task": "concept",
        "labels": ["sky", "night"],
        "pictures": [
            about | {"source": "1.jpg", "truth": ["sky"], "found": [said("sky", 0.9)]},
            about | {"source": "2.jpg", "truth": ["night"], "found": [said("sky", 0.6)]},
            about | {"source": "3.jpg", "truth": [], "found": []},
        ],
    }
    row = evaluation(model_version(workspace, task="concept"), pictures, found)
    page = browser.get(f"/evaluations/{row.pk}").content.decode()
    assert "<rect" not in page
    assert "AP 0.5–0.95</th>" not in page.split("Beside another version")[0]
    missed = fragment(browser, row, kind="missed")
    assert missed.count("data-shot") == 1
    assert "2.jpg" in missed
    for kind in ("summary", "manifest", "predictions"):
        assert browser.get(f"/evaluations/{row.pk}/{kind}").status_code == 200


def said(label: str, confidence: float) -> dict[str, object]:
    return {"label": label, "confidence": confidence}


PAGES = ["", "/status", "/outcomes", "/summary", "/manifest", "/predictions", "/figures"]


def test_a_viewer_reads_and_changes_nothing(client_for, viewer, measured, frozen):
    browser = client_for(viewer)
    for page in PAGES:
        assert browser.get(f"/evaluations/{measured.pk}{page}").status_code == 200
    for verb in ("retry", "thresholds"):
        assert browser.post(f"/evaluations/{measured.pk}/{verb}").status_code == 403
    assert browser.post("/evaluations/new", {}).status_code == 403


def test_a_labeller_sees_no_evaluation(client_for, labeller, measured):
    for page in PAGES:
        assert client_for(labeller).get(f"/evaluations/{measured.pk}{page}").status_code == 403


def test_a_stranger_finds_no_evaluation(client_for, stranger, other_workspace, measured, frozen):
    browser = client_for(stranger)
    for page in PAGES:
        assert browser.get(f"/evaluations/{measured.pk}{page}").status_code == 404
    for verb in ("retry", "thresholds"):
        assert browser.post(f"/evaluations/{measured.pk}/{verb}").status_code == 404
    theirs = model_version(other_workspace)
    for version, pictures in ((measured.model_version_id, frozen.pk), (theirs.pk, frozen.pk)):
        wish = {"model_version": version, "dataset_version": pictures}
        assert browser.post("/evaluations/new", wish).status_code == 404


def test_a_strangers_evaluation_is_not_compared_with(
    client_for, analyst, other_workspace, stranger, measured
):
    from webapp.projects.models import Project

    theirs = Project.objects.create(workspace=other_workspace, name="Theirs", created_by=stranger)
    other = evaluation(model_version(other_workspace, "Secret"), dataset_version(theirs))
    page = client_for(analyst).get(f"/evaluations/{measured.pk}", {"with": other.pk})
    assert "Secret" not in page.content.decode()

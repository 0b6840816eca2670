"""What people decided comes into a dataset: keyed by film and time, so that nothing is doubled."""

from __future__ import annotations

import pytest

from analysis.datasets.types import LabelledBox
from analysis.types import Box
from tests.services.film import film
from webapp.accounts.models import Refused
from webapp.auditing.audits import Audit, AuditedLabel
from webapp.auditing.items import AuditItem
from webapp.datasets.dataset import Dataset
from webapp.leases import Status
from webapp.management.commands.analyse import receive
from webapp.review_queue import deciding
from webapp.review_queue.choosing import choose
from webapp.review_queue.items import ReviewItem
from webapp.review_queue.lessons import teach, untaught
from webapp.review_queue.rules import ReviewRule
from webapp.reviewing.corrections import Correction
from webapp.reviewing.verdicts import Verdict
from webapp.runs.boxes import Boxes
from workers.datasets import transfers
from workers.media import ingest

FOUND = [
    ("Kestrel", 1.0, 3.0, (0.10, 0.10, 0.30, 0.20), 0.9),
    ("Norra Bank", 4.0, 6.0, (0.50, 0.10, 0.80, 0.25), 0.8),
    ("Vitalo", 8.0, 9.0, (0.40, 0.60, 0.50, 0.65), 0.6),
]


@pytest.fixture
def clip(tmp_path, workspace):
    asset = receive(film(tmp_path / "clip.mp4", seconds=16), workspace)
    ingest.ingest(asset.pk)
    asset.refresh_from_db()
    return asset


@pytest.fixture
def dataset(project, analyst):
    return Dataset.objects.begin(project, "Boards", by=analyst)


@pytest.fixture
def items(run_of, clip, project) -> list[ReviewItem]:
    """The first sight of three brands."""
    run = run_of(clip, project, found=FOUND)
    new = {"ConditionType": "FirstAppearance", "ConditionParameters": {}}
    rule = ReviewRule.objects.make(project, "New", {"Conditions": [new]}, by=None)
    ReviewItem.objects.bulk_create(choose(run, [rule]).items)
    return list(ReviewItem.objects.order_by("time_s"))


def decide(item: ReviewItem, by, *, is_unsure: bool = False, keep: bool = True) -> None:
    found = item.boxes[0]
    said = {"prediction": "b0", "label": found["label"], "box": found["box"]}
    deciding.decide(item, [said] if keep else [], by=by, is_unsure=is_unsure)


def learn(dataset, by) -> int:
    row, n, _ = teach(dataset, by=by)
    assert row is not None
    transfers.transfer(row.pk)
    row.refresh_from_db()
    assert (row.status, row.error) == (Status.DONE, "")
    assert row.report["added"] == n
    return n


def said(dataset) -> dict[str, list[str]]:
    return {
        sample.source: sorted(str(box.label) for box in sample.annotations.all())
        for sample in dataset.samples.current().order_by("time_s")
    }


def test_three_new_ones_beside_twelve_are_fifteen_and_a_correction_of_one_is_no_other(
    items, dataset, clip, reviewer, analyst
):
    options = {"assets": [clip.pk], "how": "interval", "every_s": 1.25, "most": 12}
    row = dataset.transfers.model.objects.request(dataset, "frames", options=options, by=analyst)
    transfers.transfer(row.pk)
    assert dataset.samples.count() == 12
    for item in items:
        decide(item, reviewer)
    assert learn(dataset, analyst) == 3
    new = {k: v for k, v in said(dataset).items() if v}
    assert list(new.values()) == [["Kestrel"], ["Norra Bank"], ["Vitalo"]]
    n_before = dataset.samples.count()
    assert n_before == len(said(dataset))
    deciding.undo(items[0], by=reviewer)
    decide(items[0], reviewer, keep=False)
    assert learn(dataset, analyst) == 1
    assert dataset.samples.count() == n_before
    first = dataset.samples.get(time_s=items[0].time_s)
    assert (first.annotations.count(), first.state) == (0, "labelled"), "nothing is on it"


def test_what_is_brought_in_is_not_brought_in_again(items, dataset, reviewer, analyst):
    decide(items[0], reviewer)
    decide(items[1], reviewer, is_unsure=True)
    assert learn(dataset, analyst) == 1, "whoever could not tell teaches nothing"
    with pytest.raises(Refused, match="says all that was decided"):
        teach(dataset, by=analyst)
    assert [sample.origin for sample in dataset.samples.all()] == ["review"]


def test_frames_of_an_audit_never_train(items, dataset, reviewer, analyst, project):
    for item in items:
        decide(item, reviewer)
    item = items[0]
    audit = Audit.objects.create(run=item.run, seed=1)
    audited = AuditedLabel.objects.create(
        audit=audit, label=project.labels.first(), threshold=0.5, seed=1
    )
    AuditItem.objects.create(
        audited=audited, frame=item.frame, time_s=item.time_s, stratum=0, place=0, round=1
    )
    assert [told.item for told in untaught(dataset)] == items[1:]
    Correction.objects.correct(
        item.run.asset, project.labels.get(name="Kestrel"), by=reviewer, start_s=item.time_s - 0.5,
        end_s=item.time_s + 0.5,
    )  # fmt: skip
    assert [told.item for told in untaught(dataset)] == items[1:], (
        "neither when corrected elsewhere"
    )


def test_what_is_corrected_where_it_is_read_is_learnt_too(items, dataset, project, clip, reviewer):
    run, kestrel = items[0].run, project.labels.get(name="Kestrel")
    bank = project.labels.get(name="Norra Bank")
    # a box that is none, one that was missed, and a stretch that is another brand
    none = Boxes(run).at(round(1.5 * 1e6) * 1000)
    made = Verdict.objects.say(run, none, by=reviewer, actually=None, of_track=False)
    Verdict.objects.draw(run, bank, 2.5, Box(0.6, 0.6, 0.8, 0.8), by=reviewer)
    Correction.objects.correct(clip, bank, by=reviewer, start_s=4, end_s=6, instead=kestrel)
    assert learn(dataset, reviewer) == 3
    assert list(said(dataset).values()) == [[], ["Kestrel", "Norra Bank"], ["Kestrel"]]
    with pytest.raises(Refused, match="says all that was decided"):
        teach(dataset, by=reviewer)
    Verdict.objects.say(run, none, by=reviewer, actually=bank, of_track=False)
    assert learn(dataset, reviewer) == 1, "who thought again changes the picture that is there"
    assert next(iter(said(dataset).values())) == ["Norra Bank"]
    made.undo(by=reviewer)
    assert dataset.samples.count() == 3


def test_who_decides_later_in_the_queue_has_the_last_word(items, dataset, reviewer):
    item = items[0]
    found = Boxes(item.run).at(round(item.time_s * 1e6) * 1000)
    Verdict.objects.say(item.run, found, by=reviewer, actually=None, of_track=False)
    decide(item, reviewer)
    assert [(told.item, told.frame) for told in untaught(dataset)] == [(item, None)]


def test_a_decision_that_is_taken_back_teaches_nothing(items, dataset, reviewer):
    decide(items[0], reviewer)
    deciding.undo(items[0], by=reviewer)
    assert list(untaught(dataset)) == []


def test_a_picture_goes_when_the_decision_that_it_came_with_is_taken_back(
    items, dataset, reviewer, analyst
):
    for item in items[:2]:
        decide(item, reviewer)
    learn(dataset, analyst)
    deciding.undo(items[0], by=reviewer)
    assert teach(dataset, by=analyst) == (None, 0, 1)
    assert list(said(dataset).values()) == [["Norra Bank"]]
    with pytest.raises(Refused, match="says all that was decided"):
        teach(dataset, by=analyst)
    decide(items[0], reviewer)
    assert learn(dataset, analyst) == 1, "decided again it comes again"
    deciding.undo(items[0], by=reviewer)
    teach(dataset, by=analyst)
    assert list(said(dataset).values()) == [["Norra Bank"]]


def test_a_picture_that_was_there_says_again_what_it_said(items, dataset, clip, reviewer, analyst):
    options = {"assets": [clip.pk], "how": "interval", "every_s": 1.25, "most": 12}
    row = dataset.transfers.model.objects.request(dataset, "frames", options=options, by=analyst)
    transfers.transfer(row.pk)
    first = dataset.samples.get(time_s=0)
    first.annotate([LabelledBox("Vitalo", Box(0.1, 0.1, 0.2, 0.2), occluded=True)], by=analyst)
    kestrel = dataset.project.labels.get(name="Kestrel")
    drawn = Box(0.6, 0.6, 0.8, 0.8)
    made = [Verdict.objects.draw(items[0].run, kestrel, 0, drawn, by=reviewer) for _ in range(2)]
    assert learn(dataset, reviewer) == 1
    made[0].undo(by=reviewer)
    assert learn(dataset, reviewer) == 1, "something of it still holds"
    assert set(said(dataset)[first.source]) == {"Kestrel"}
    made[1].undo(by=reviewer)
    assert teach(dataset, by=reviewer) == (None, 0, 1)
    (box,) = first.annotations.all()
    assert (str(box.label), box.box, box.occluded) == ("Vitalo", (0.1, 0.1, 0.2, 0.2), True)
    assert box.by == analyst


def test_what_somebody_changed_since_stays(items, dataset, reviewer, analyst):
    decide(items[0], reviewer)
    learn(dataset, analyst)
    dataset.samples.get().annotate([], by=analyst)
    deciding.undo(items[0], by=reviewer)
    with pytest.raises(Refused, match="says all that was decided"):
        teach(dataset, by=analyst)
    assert list(said(dataset).values()) == [[]]


def test_in_a_dataset_of_whole_pictures_the_labels_are_said(items, project, reviewer, analyst):
    concept = Dataset.objects.begin(project, "Scenes", by=analyst, task=Dataset.Task.CONCEPT)
    decide(items[0], reviewer)
    learn(concept, analyst)
    sample = concept.samples.get()
    assert sample.labels == [items[0].label_id]

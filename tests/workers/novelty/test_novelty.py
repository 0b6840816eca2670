"""From a film with a logo that nobody named to a label that is known, without decoding anew."""

from __future__ import annotations

import pytest

from tests.services.film import film
from webapp.datasets.dataset import Dataset
from webapp.leases import Status
from webapp.management.commands.analyse import receive
from webapp.novelty.groups import NewBrand
from webapp.novelty.known import KnownLooks
from webapp.novelty.work import NoveltyWork
from webapp.projects.models import Project
from webapp.runs.regions import regions_of
from webapp.runs.run import Run
from webapp.runs.segments import SegmentRegions
from workers.media import ingest
from workers.novelty import pieces
from workers.runs import analyse

pytestmark = pytest.mark.django_db

SECONDS = 8


def work() -> None:
    while row := NoveltyWork.objects.filter(status=Status.WAITING).order_by("pk").first():
        pieces.novelty(row.pk)
        row.refresh_from_db()
        assert (row.status, row.error) == (Status.DONE, "")


@pytest.fixture
def run(tmp_path, workspace, project, owner) -> Run:
    """It looks for Kestrel, which is not in the film; something else is."""
    asset = receive(film(tmp_path / "clip.mp4", seconds=SECONDS), workspace)
    ingest.ingest(asset.pk)
    asset.refresh_from_db()
    made = Run.objects.request(asset, project, by=owner, sampling={"interval_s": 0.5})
    while analyse.plan_next() or analyse.analyse_next() or analyse.finish_next():
        pass
    made.refresh_from_db()
    assert made.status == Run.Status.SUCCEEDED, made.error
    return made


def test_what_nobody_named_is_offered_named_and_given_pictures_and_examples(run, project, analyst):
    assert regions_of(run).regions.rows["time_s"].max() < SECONDS
    work()
    known = KnownLooks.objects.get(project=project)
    assert known.fit is None
    assert "too few" in known.problem, "nothing is sure of anything: it says so"
    offered = list(NewBrand.objects.offered())
    assert offered, "the logo that drifts by"
    first = offered[0]
    assert first.seconds >= 1
    assert not first.is_doubtful, "it is drawn, and sharp"
    dataset = Dataset.objects.begin(project, "Boards", by=analyst)
    label = first.name_it("Acme", dataset=dataset, by=analyst)
    work()
    assert label.references.count() >= 1
    sample = dataset.samples.first()
    assert [box.label for box in sample.annotations.all()][:1] == [label]
    assert not NewBrand.objects.offered().filter(pk=first.pk).exists()
    again = NewBrand.objects.get(pk=first.pk)
    assert (again.state, again.label) == ("named", label)


def test_a_group_that_was_dismissed_does_not_come_back_until_it_is_put_back(run, project, analyst):
    work()
    n = NewBrand.objects.offered().count()
    first = NewBrand.objects.offered().first()
    first.dismiss(by=analyst)
    NoveltyWork.objects.ask_gather(project, by=analyst)
    work()
    assert NewBrand.objects.offered().count() == n - 1
    first.put_back(by=analyst)
    assert NewBrand.objects.offered().count() == n


def test_regions_of_an_analysis_from_before_are_made_of_the_film_and_go_with_it(run, owner):
    before = regions_of(run)
    SegmentRegions.objects.all().delete()
    NoveltyWork.objects.all().delete()
    assert regions_of(run) is None
    NoveltyWork.objects.ask_keep(run, by=owner)
    work()
    made = regions_of(run)
    assert len(made.regions.rows) >= len(before.regions.rows) / 2
    assert NewBrand.objects.offered().exists()
    run.remove()
    assert not SegmentRegions.objects.exists()
    assert Project.objects.exists()

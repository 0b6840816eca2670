"""Why a box was found, from asking on the page to the answer, on a real film and its analysis."""

from __future__ import annotations

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse

from tests.services.film import film, logo
from webapp.explaining.explanations import Explanation
from webapp.leases import Status
from webapp.management.commands.analyse import receive
from webapp.projects.models import Reference
from webapp.runs.boxes import Boxes
from webapp.runs.run import Run
from workers.explaining.explain import explain
from workers.media import ingest, rendition
from workers.runs import analyse

pytestmark = pytest.mark.django_db


@pytest.fixture
def seen(tmp_path, workspace, project, owner) -> Run:
    """A film of six seconds that shows Vitalo's logo, analysed."""
    file = default_storage.save("references/logo.png", ContentFile(logo()))
    about = {"file": file, "sha256": "1", "width": 160, "height": 120}
    Reference.objects.create(label=project.labels.get(name="Vitalo"), name="logo.png", **about)
    asset = receive(film(tmp_path / "clip.mp4", seconds=6), workspace)
    ingest.ingest(asset.pk)
    asset.refresh_from_db()
    run = Run.objects.request(asset, project, by=owner, sampling={"interval_s": 1.0})
    while analyse.plan_next() or analyse.analyse_next() or analyse.finish_next():
        pass
    run.refresh_from_db()
    assert run.status == Run.Status.SUCCEEDED, run.error
    return run


def test_a_page_says_by_what_it_was_known(seen, viewer, client_for):
    box = max(Boxes(seen).after(-1, 1000), key=lambda one: one.confidence)
    browser = client_for(viewer)
    address = reverse("run-why", args=[seen.pk, box.id])
    assert "Asking the detector again" in browser.get(address).content.decode()
    row = Explanation.objects.get()
    explain(row.pk)
    row.refresh_from_db()
    assert (row.status, row.error) == (Status.DONE, "")
    assert row.result["heat"]["confidence"] == pytest.approx(box.confidence, abs=0.15)
    assert max(max(line) for line in row.result["heat"]["effects"]) > 0.05
    assert len(row.result["matches"][0]["points"]) >= 3
    browser.get(address)  # asks for the frame
    rendition.rendition(seen.asset.renditions.get(recipe__startswith="frame@").pk)
    page = browser.get(address).content.decode()
    assert "surer when it is in view" in page
    assert "points lie where one place of the logo predicts them" in page
    assert Explanation.objects.count() == 1, "it is worked out once"


def test_a_box_that_is_none_is_not_found(seen, viewer, client_for):
    browser = client_for(viewer)
    assert browser.get(reverse("run-why", args=[seen.pk, 1])).status_code == 404
    asked = {"run": seen.pk, "box": 1}
    answer = browser.post("/api/v1/explanations/", asked, "application/json")
    assert answer.status_code == 422
    assert "no such box" in answer.json()["detail"]

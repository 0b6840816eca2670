"""A network on tiles is taught with what is real, and what it finds alone is marked."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from analysis.models.describe import describe
from analysis.sky.sources import Sources
from tests.analysis.sky.test_subtraction import one_thread  # noqa: F401
from tests.workers.nights.test_night import request, searched
from tests.workers.nights.test_teaching import made
from webapp.accounts.models import Refused
from webapp.leases import Status
from webapp.nights.exposures import NightExposure, packed
from webapp.nights.night import Night
from webapp.nights.teaching import SkyTeaching
from workers.engine.originals import local_path
from workers.nights.gathering import gather
from workers.nights.pieces import teach_sky
from workers.nights.teach import work_folder

pytest.importorskip("astropy", reason="requirements-sky.txt is not installed")
if find_spec("ultralytics") is None:  # importing it here would change Pillow for all other tests
    pytest.skip("requirements.txt is not installed", allow_module_level=True)


@pytest.fixture
def night(workspace, exposures, reference) -> Night:
    return searched(request(workspace, exposures, reference))


def test_a_taught_network_looks_at_the_next_night(
    workspace, night, owner, exposures, reference, monkeypatch
):
    monkeypatch.setattr("workers.nights.teach_tiles.MOST_COPIES", 4)
    wish = {"epochs": 1, "tiles": True, "tile_epochs": 1}
    row = SkyTeaching.objects.request(workspace, [night], by=owner, options=wish)
    name = default_storage.save(f"sky-teaching/{row.pk}/examples-x.npz", ContentFile(made(15)))
    SkyTeaching.objects.filter(pk=row.pk).update(examples=name)
    teach_sky(row.pk)
    row.refresh_from_db()
    assert row.status == Status.DONE, row.error
    assert describe(local_path(row.network)).labels == ("new",)
    told = row.figures["tiles"]
    assert {one["is_trail"] for one in told["shares"]} == {True, False}
    assert any(one["classical"] for one in told["shares"]), "the usual search finds some of it"
    assert not work_folder(row.pk).exists()

    # after one epoch it is sure of nothing: what it is least sure of is listed as well
    SkyTeaching.objects.filter(pk=row.pk).update(
        figures=row.figures | {"tiles": told | {"threshold": 1e-4}}
    )
    options = {"network": True, "injected": 0, "least": 50}
    again = searched(request(workspace, exposures, reference, options=options))
    assert again.status == Status.DONE, again.error
    assert again.network == row
    n = sum(one.n_by_network for one in again.exposures.all())
    assert n == again.figures["by_network"] > 0
    alone = again.candidates.filter(n_by_network=1)
    assert alone.count() == n, "each detection is a candidate where nothing can be linked"
    usual = again.candidates.filter(n_by_network=0)
    assert usual.count() == night.figures["detections"], "what the usual search finds is the same"
    assert all(one.points.get().is_by_network for one in alone)


def test_a_night_cannot_look_by_what_nobody_taught(workspace, exposures, reference):
    with pytest.raises(Refused, match="teach one"):
        request(workspace, exposures, reference, options={"network": True})
    with pytest.raises(Refused, match="true or false"):
        request(workspace, exposures, reference, options={"network": "yes"})


def test_a_network_that_was_deleted_is_missed_and_said(workspace, exposures, reference, owner):
    row = SkyTeaching.objects.create(
        workspace=workspace, status=Status.DONE, network="sky-teaching/x.safetensors",
        figures={"tiles": {"threshold": 0.3}},
    )  # fmt: skip
    night = request(workspace, exposures, reference, options={"network": True, "injected": 0})
    row.remove(by=owner)
    searched(night)
    assert night.status == Status.DONE, night.error
    assert any("deleted" in note for note in night.notes)
    assert night.candidates.filter(is_still=False).count() == 1


def test_what_the_network_found_alone_lies_before_the_trails(workspace, night):
    """Five detections: two of the usual search, two of the network, a trail."""
    table = Sources.of(np.ones(5), x=np.arange(5.0), y=0.0, flux=1.0, flux_error=1.0, score=5.0)
    columns = {
        name: getattr(table, name)
        for name in ("x", "y", "ra", "dec", "flux", "flux_error", "score", "length", "angle")
    }
    one = night.exposures.first()
    NightExposure.objects.filter(pk=one.pk).update(
        found=packed(columns), found_put_in=packed(columns), n_by_network=2,
        n_by_network_put_in=1, trails=[{"length": 30.0}],
    )  # fmt: skip
    one.refresh_from_db()
    assert gather([one]).by_network.tolist() == [False, False, True, True, False]
    without = gather([one], with_network=False)
    assert without.rows.tolist() == [0, 1, 4]
    copy = gather([one], with_put_in=True)
    assert copy.by_network.tolist() == [False, False, False, False, True]

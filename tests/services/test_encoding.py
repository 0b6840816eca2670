"""kill -9 while pictures are encoded, in passing too, and while an index is built: what there is in
the end is what an undisturbed worker makes, once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.crossmodal.encodings import Encodings as Packed
from analysis.crossmodal.types import Encoded, Place
from analysis.film.columns import FRAME
from analysis.types import Box
from tests.encoded import space_of
from tests.services.film import film
from tests.services.folders import files_in
from tests.services.test_surviving import over
from tests.services.test_understanding import is_half_done, is_over
from webapp.assets.models import Asset
from webapp.encodings.kept import EncodedInPassing, Encodings
from webapp.indexing.indexing import Indexing
from webapp.leases import Status
from webapp.runs.run import Run
from webapp.runs.workers import Worker
from webapp.spaces.indexes import IndexPart, SpaceIndex
from webapp.spaces.searching import nearest, read_space
from webapp.spaces.space import Space
from workers.encodings.segment import keep_packed, row_of
from workers.engine import housekeeping

pytestmark = [pytest.mark.services, pytest.mark.embedded]

QUEUES = "soon,ingest,batch"
SECONDS = 60


@pytest.fixture
def worker(site):
    return site.start_worker(QUEUES)


@pytest.fixture
def asset(site, tmp_path, worker):
    from tests.services.conftest import _workspace
    from webapp.management.commands.analyse import receive

    made = receive(film(tmp_path / "film.mp4", seconds=SECONDS), _workspace())
    site.wait(lambda: is_over(made), "the film to be ingested")
    site.wait(Worker.objects.seeing().exists, "the worker to say what it can")
    return made


def kept(indexing: Indexing) -> list[tuple[float, int, bytes]]:
    rows = Encodings.objects.filter(segment__indexing=indexing).order_by("segment__index")
    about = [(row.segment.start_s, row.n_items, row.read().pack()) for row in rows]
    assert [at for at, _, _ in about] == list(indexing.segments.values_list("start_s", flat=True))
    return about


def restarted(site: Any, worker: Any, queues: str = QUEUES) -> Any:
    site.kill(worker)
    housekeeping.sweep()
    return site.start_worker(queues)


def test_pictures_whose_encoder_was_killed_are_all_there_once(site, asset, worker):
    calm = Indexing.objects.request(asset, "pictures", by=None)
    site.wait(lambda: is_over(calm), "the undisturbed encoding")
    for _ in range(4):
        again = Indexing.objects.request(asset, "pictures", by=None)
        site.wait(lambda: is_over(again) or is_half_done(again), "the midst", 90, 0.02)  # noqa: B023
        was_over = is_over(again)
        worker = restarted(site, worker)
        site.wait(lambda: is_over(again), "the end")  # noqa: B023
        if not was_over:
            break
    assert not was_over, "no worker was killed in the midst"
    assert kept(again) == kept(calm)
    names = set(Encodings.objects.values_list("file", flat=True))
    assert len(names) == Encodings.objects.count() == 2 * calm.segments.count()


def test_a_run_that_was_killed_leaves_the_pictures_encoded_once(site, ready_asset, project):
    worker = site.start_worker("soon,ingest,analysis,batch")
    run = Run.objects.request(ready_asset, project, by=None)

    def is_in_the_midst() -> bool:
        return EncodedInPassing.objects.filter(segment__run=run).count() >= 2

    site.wait(is_in_the_midst, "some of it", 90, 0.02)
    restarted(site, worker, "soon,ingest,analysis,batch")
    site.wait(lambda: over(run), "the run to end")
    [indexing] = Indexing.objects.filter(asset=ready_asset, step="pictures")
    assert indexing.status == Status.DONE
    assert len(kept(indexing)) == run.segments.count()
    assert not EncodedInPassing.objects.exists()
    second = Run.objects.request(ready_asset, project, by=None)
    site.wait(lambda: over(second), "another run")
    assert Indexing.objects.filter(asset=ready_asset, step="pictures").count() == 1


def made_up(asset: Asset, n: int) -> Encodings:
    """A film that was encoded: every frame another place."""
    rng = np.random.default_rng(asset.pk)
    at = np.arange(n, dtype=float)
    times = np.array(list(zip(at, at, at + 1, strict=True)), FRAME)
    cells = tuple(
        Place(box=Box(x / 6, y / 6, (x + 1) / 6, (y + 1) / 6)) for y in range(6) for x in range(6)
    )
    gists, parts = rng.normal(size=(n, 64)), rng.normal(size=(n, 36, 32))
    found = [Encoded(gist, part, cells) for gist, part in zip(gists, parts, strict=True)]
    made = Packed.of("picture", "made-up", times, found)
    done = {"status": "done", "stage": "finish", "engine": "logos", "engine_digest": "made-up"}
    indexing = Indexing.objects.create(asset=asset, step="pictures", duration_s=n, **done)
    segment = indexing.segments.create(index=0, start_s=0, end_s=n, status="done")
    name = keep_packed(f"encodings/{indexing.pk}", 0, made)
    return Encodings.objects.create(segment=segment, **row_of(asset.pk, name, made))


def test_an_index_whose_builder_was_killed_holds_everything_once(site, worker):
    from tests.services.conftest import _workspace

    workspace = _workspace()
    assets = [
        Asset.objects.create(
            workspace=workspace, name=f"{n}.mp4", sha256=f"{n:064}", size_bytes=1, kind="video",
            file=f"originals/{n}", status=Status.DONE, duration_s=600,
        )
        for n in range(50)
    ]  # fmt: skip
    rows = [made_up(asset, 600) for asset in assets]
    site.kill(worker)
    space = space_of(workspace)
    worker = site.start_worker(QUEUES)

    def index() -> SpaceIndex:
        return SpaceIndex.objects.get(space=space, modality="picture")

    site.wait(lambda: 0 < index().progress < 1, "some of it", 120, 0.02)
    site.kill(worker)
    before = index()
    assert before.status == Status.WORKING
    assert 0 < len(before.placed) < len(assets)
    assert 0 < before.n_items < 600 * len(assets)
    space.refresh_from_db()
    assert space.state == Space.State.COMING
    housekeeping.sweep()
    site.start_worker(QUEUES)
    site.wait(lambda: is_over(index()), "the end", 120)
    after = index()
    assert after.n_items == 600 * len(assets)
    assert before.placed.items() <= after.placed.items()
    site.wait(lambda: Space.objects.serving(workspace) == space, "the space to serve")
    for asset, row in list(zip(assets, rows, strict=True))[::10]:
        asked = read_space(space).place("picture", [row.read().encoded(7)])
        every = np.array([one.pk for one in assets])
        [hit] = nearest(space, "picture", "picture", asked, 1, owners=every)
        assert (hit.asset, hit.encodings, hit.row, hit.time_s) == (asset.pk, row.pk, 7, 7.0)
    site.wait(lambda: not SpaceIndex.objects.unfinished().exists(), "all to be over")
    named = set(IndexPart.objects.values_list("file", flat=True))
    stored = [p for p in files_in(site.folder / "media" / "spaces") if p.suffix == ".tar"]
    assert {str(Path(path).relative_to(site.folder / "media")) for path in stored} >= named
    assert len(stored) <= len(named) + 1, "at most one that nobody named any more: the sweep's"

"""A space that was taught from what is said: words find pictures, sounds find sounds and pictures,
and words propose boxes for labelling."""

from __future__ import annotations

import numpy as np
import pytest
from django.urls import reverse

pytest.importorskip("torch")

from analysis.crossmodal.encodings import Encodings as Packed
from analysis.film.columns import FRAME
from tests.encoded import index_all
from tests.scenes import ENGINES, encodings_of, one, shown_in, spoken_as_shown
from tests.workers.spaces.test_teaching import ask as teach
from tests.workers.spaces.test_teaching import done
from webapp.asking.answering import answer
from webapp.asking.asks import Ask
from webapp.asking.findings import Finding
from webapp.asking.wishes import Wish
from webapp.indexing.indexing import Indexing
from webapp.labelling.items import Clip
from webapp.labelling.jobs import LabelingJob
from webapp.leases import Status
from webapp.spaces.indexes import SpaceIndex
from webapp.spaces.space import Space
from workers.asking.finding import find_all

pytestmark = pytest.mark.django_db
SHOWN = shown_in(600)


@pytest.fixture
def film(workspace, asset_in, owner):
    """Ten minutes, of which what is said names what is shown, in a space that learnt from it."""
    film = asset_in(workspace, "film.mp4", duration_s=600.0)
    encodings_of(film, SHOWN)
    encodings_of(film, SHOWN, "sound")
    spoken_as_shown(film, SHOWN)
    row = done(teach(workspace, "spoken", "heard", by=owner, epochs=8))
    assert row.status == Status.DONE, row.error
    SpaceIndex.objects.request_for(workspace)
    index_all()
    assert Space.objects.serving(workspace) == row.result
    Indexing.objects.filter(step="speech").update(removed=row.finished)  # words find no words
    return film


def test_words_sounds_and_labels_are_found_by_what_the_space_learnt(
    film, workspace, viewer, analyst, pictures, project, client_for
):
    wanted = SHOWN[100]
    words = " and ".join(wanted)
    found = answer(workspace, viewer, words, [])
    frames = [one for one in found.hits.values() if one.hit.modality == "picture"]
    shown = [set(wanted) & set(SHOWN[int(one.hit.time_s)]) for one in frames[:5]]
    assert sum(map(bool, shown)) >= 4, "what is nearest shows something of what was asked"
    browser = client_for(viewer)
    page = browser.get("/search", {"q": words}).content.decode()
    assert "like the words" in page

    item = one("sound", wanted, np.random.default_rng(9))
    packed = Packed.of("sound", ENGINES["sound"], np.zeros(1, FRAME), [item]).pack()
    about = {"user": viewer, "workspace": workspace, "kind": "sound", "name": "a sound"}
    row = Ask.objects.create(
        **about, status=Status.DONE, engine=ENGINES["sound"], encoded=packed, wave=[1.0]
    )
    heard = answer(workspace, viewer, "", [Wish(row)])
    first = heard.of(heard.spans[0])[0]
    assert set(wanted) & set(SHOWN[int(first.hit.start_s)])
    assert {one.hit.modality for one in heard.hits.values()} >= {"sound", "picture"}
    sounds = next(
        span for span in heard.spans if any(one.hit.modality == "sound" for one in heard.of(span))
    )
    asked = {"ask": row.pk, "asset": film.pk, "t": f"{sounds.start_s:.3f}"}
    why = browser.get(reverse("search-why"), asked).content.decode()
    assert "When it is alike" in why
    assert "Sounds alike" in browser.get("/search", {"ask": row.pk}).content.decode()

    clip = Clip(film, [float(second) for second in range(80, 130)])
    job = LabelingJob.objects.begin(pictures(0, "Clips"), "Clip", clips=[clip], by=analyst)
    row = Finding.objects.request(job, project.labels.first(), words, by=analyst)
    find_all(row.pk)
    row.refresh_from_db()
    assert (row.status, row.error) == (Status.DONE, "")
    proposed = [80 + one["frame"] for one in job.items.get().proposals]
    assert proposed
    right = [second for second in proposed if set(wanted) & set(SHOWN[second])]
    assert len(right) > len(proposed) / 2

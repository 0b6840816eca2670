"""A space taught from what a workspace says, reads and labels beside what it shows."""

from __future__ import annotations

import shutil

import cv2
import numpy as np
import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile

pytest.importorskip("torch")

from analysis.crossmodal.pictures import LogoEncoder
from analysis.crossmodal.space import Space as TaughtSpace
from analysis.crossmodal.text import TextEncoder
from tests.scenes import ENGINES, encodings_of, one, shown_in, spoken_as_shown
from tests.webapp.test_pair_sets import a_picture, zipped
from webapp.asking.judgements import Judgement
from webapp.indexing.indexing import Indexing
from webapp.indexing.segments import IndexingSegment
from webapp.indexing.text_regions import TextRegion
from webapp.leases import Status
from webapp.reviewing.verdicts import Verdict
from webapp.spaces.estimating import offered
from webapp.spaces.importing import take_in
from webapp.spaces.space import Space
from webapp.spaces.training import SpaceTraining
from workers.engine.originals import local_path
from workers.spaces import train as worker
from workers.spaces.pairs import gather

QUICK = {"epochs": 2, "codes": 32, "ablation": False, "patience": 0}
LONG = shown_in(600)


def ask(workspace, *sources: str, by=None, pair_sets=(), **options) -> SpaceTraining:
    return SpaceTraining.objects.request(
        workspace, sources=sources, pair_sets=pair_sets, options=QUICK | options, by=by
    )


def done(row: SpaceTraining) -> SpaceTraining:
    worker.train_space(row.pk)
    row.refresh_from_db()
    return row


@pytest.fixture
def film(workspace, asset_in):
    film = asset_in(workspace, "film.mp4", duration_s=600.0)
    encodings_of(film, LONG)
    encodings_of(film, LONG, "sound")
    return film


def test_words_find_the_frames_that_they_were_said_about(workspace, film, owner):
    spoken_as_shown(film, LONG)
    row = done(ask(workspace, "spoken", "heard", by=owner, epochs=6, loss="masked-margin"))
    assert row.status == Status.DONE, row.error
    assert row.counts == {"spoken": 120, "heard": 120}
    assert len(row.curves["ours"]) == row.epoch == 6
    space = row.result
    assert (space.kind, space.state) == ("taught", "coming")
    assert {"picture+text", "sound+text", "clip+text", "picture+sound"} <= set(space.pairs)
    assert {way["kind"] for way in space.figures["ablation"]} == {
        *("continuous only", "discrete only", "both"),
    }
    read = TaughtSpace.load(local_path(space.file))
    asked = read.place("text", TextEncoder()(["look at orchestra and desert now"]))
    rng = np.random.default_rng(5)
    there = [("orchestra", "desert"), ("kitchen", "bicycle"), ("harbour", "stadium")]
    frames = read.place("picture", [one("picture", things, rng) for things in there])
    assert read.scores("text", asked, "picture", frames).argmax() == 0
    assert space.codes.that_fire().exclude(words=[]).exists()
    assert not default_storage.exists(f"space-training/{row.pk}")


def test_a_space_that_finds_no_more_than_chance_does_not_take_the_place_of_what_answers(
    workspace, film
):
    spoken_as_shown(film, shown_in(600, seed=3))  # of other things than are shown
    row = done(ask(workspace, "spoken", epochs=1))
    assert row.status == Status.DONE, row.error
    assert row.result.state == Space.State.KEPT
    assert "no more often than chance" in row.notes[-1]
    assert not row.result.indexes.exists()

    pairs = brought(workspace, *(f"film.mp4,{n},,words {n}" for n in range(0, 100, 5)))
    few = done(ask(workspace, pair_sets=[pairs], epochs=1))
    assert few.status == Status.DONE, few.error
    assert few.result.state == Space.State.KEPT
    assert "too few pairs to tell" in few.notes[-1]


def test_sound_without_pairs_is_compared_with_itself_still(workspace, film):
    spoken_as_shown(film, LONG)
    row = done(ask(workspace, "spoken", epochs=1))
    assert row.status == Status.DONE, row.error
    assert "sound+sound" in row.result.pairs
    assert "sound+text" not in row.result.pairs
    assert row.result.engines["sound"] == ENGINES["sound"]
    assert any("No pair has sound" in note for note in row.result.notes)


def test_questions_with_answers_that_were_called_right_are_pairs(workspace, film, owner, analyst):
    about = {"workspace": workspace, "asset": film}
    for user, words, time_s, is_right in (
        (owner, "A Regatta", 42.0, True),
        (owner, "a regatta", 95.0, True),
        (owner, "the kitchen", 200.0, True),
        (analyst, "the kitchen", 200.0, False),  # somebody says otherwise
        (owner, "a desert", 300.0, False),
    ):
        Judgement.objects.create(
            user=user, words=words, time_s=time_s, end_s=time_s, is_right=is_right, **about
        )
    (source,) = [one for one in offered(workspace) if one.source.key == "judged"]
    assert source.count == 2
    found = gather(ask(workspace, "judged"), lambda: None)
    assert found.counts == {"judged": 2}
    assert found.texts == ["A Regatta"]
    assert len(found.pairs["picture"]) == 2
    assert len(set(found.pairs["picture"].groups.tolist())) == 1, "of one question"


def brought(workspace, *rows: str, **pictures: bytes):
    table = "asset,time_s,picture,text\n" + "".join(f"{row}\n" for row in rows)
    sent = SimpleUploadedFile("a.zip", zipped(pairs__csv=table, **pictures))
    return take_in(workspace, sent, by=None)


def test_pairs_that_were_brought_are_found_again_by_their_times(workspace, asset):
    moments = "matchday.mp4,12,,a yacht", "matchday.mp4,110,,late", ",,red.png,a red square"
    pairs = brought(workspace, *moments, red__png=a_picture())
    encodings_of(asset, shown_in(60))
    found = gather(ask(workspace, pair_sets=[pairs]), lambda: None)
    assert found.texts == ["a yacht"]
    assert found.counts == {f"set {pairs.pk}": 1}
    told = " ".join(found.notes)
    assert "The encoder of the library's pictures is another one by now" in told
    assert "2 pairs of a left out: nothing is encoded at that time" in told


def test_pictures_that_were_brought_are_encoded_as_the_librarys_are(workspace):
    noise = np.random.default_rng(0).integers(0, 256, (2, 40, 40, 3), np.uint8)
    one, other = (cv2.imencode(".png", picture)[1].tobytes() for picture in noise)
    rows = ",,one.png,a storm", ",,other.png,A  storm", ",,one.png,grey rain"
    pairs = brought(workspace, *rows, one__png=one, other__png=other)
    found = gather(ask(workspace, pair_sets=[pairs]), lambda: None)
    assert found.pairs["picture"].engine == LogoEncoder().engine
    assert found.texts == ["a storm", "grey rain"]
    groups = found.pairs["picture"].groups.tolist() + found.pairs["text"].groups.tolist()
    assert len(set(groups)) == 1, "what shares a picture or a text belongs together"


def test_what_a_dead_worker_left_is_gone_on_with_also_on_another_machine(
    workspace, film, monkeypatch
):
    spoken_as_shown(film, LONG)
    row = ask(workspace, "spoken", epochs=3)

    class Killed(BaseException):
        pass

    def die(folder, *, on_news, wish):
        def news(told):
            on_news(told)
            if told.curves.get("ours"):
                raise Killed

        return real(folder, on_news=news, wish=wish)

    real = worker.teaching.taught
    monkeypatch.setattr(worker.teaching, "taught", die)
    with pytest.raises(Killed):
        worker.train_space(row.pk)
    row.refresh_from_db()
    assert row.status == Status.WORKING
    before = row.curves["ours"] if row.curves else []
    stored = row.epoch
    assert stored >= 1
    assert row.pairs
    assert row.checkpoint
    shutil.rmtree(worker.work_folder(row))  # another machine has none of it
    monkeypatch.setattr(worker.teaching, "taught", real)
    spoken = Indexing.objects.filter(step="speech")
    spoken.update(removed="2026-01-01T00:00Z")  # pairs were collected once and for all
    SpaceTraining.objects.filter(pk=row.pk).update(lease_until=None, status=Status.WAITING)
    row = done(row)
    assert row.status == Status.DONE, row.error
    assert [epoch["number"] for epoch in row.curves["ours"]] == [1, 2, 3]
    assert row.curves["ours"][: len(before)] == before, "finished epochs stand as they were"


def test_writing_and_labels_give_pairs_of_their_own(workspace, film, project, owner, kestrel):
    reading = Indexing.objects.create(asset=film, step="text", status=Status.DONE, stage="finish")
    segment = IndexingSegment.objects.create(indexing=reading, index=0, start_s=0, end_s=600)
    for start_s, text in ((10, "Harbour Cup"), (200, "HARBOUR CUP"), (300, "Final"), (400, "ab")):
        TextRegion.objects.create(
            indexing=reading, segment=segment, start_s=start_s, end_s=start_s + 4, text=text
        )
    kestrel.aliases = ["Kestrel Air"]
    kestrel.save()
    about = {"asset": film, "label": kestrel, "box": [0.1, 0.1, 0.3, 0.3], "by": owner}
    Verdict.objects.create(time_s=42.0, actually=kestrel, **about)
    Verdict.objects.create(time_s=50.0, actually=None, **about)  # it is not there
    found = gather(ask(workspace, "written", "labelled"), lambda: None)
    assert found.counts == {"written": 2, "labelled": 1}
    assert sorted(found.texts) == ["Final", "Harbour Cup", "Kestrel", "Kestrel Air"]
    groups = dict(zip(found.texts, found.pairs["text"].groups.tolist(), strict=True))
    assert groups["Kestrel"] == groups["Kestrel Air"]
    frames = found.pairs["picture"].groups.tolist()
    assert frames.count(groups["Harbour Cup"]) == 2, "the same words twice are one group"


@pytest.mark.parametrize(
    ("sources", "sentence"),
    [
        (["spoken"], "only one here: nothing. To have both: let its speech be transcribed."),
        (["written"], "let text be read on it"),
        (["labelled"], "draw or accept boxes on frames"),
    ],
)
def test_a_side_that_is_missing_is_said_with_what_to_do(workspace, film, sources, sentence: str):
    row = done(ask(workspace, *sources))
    assert row.status == Status.FAILED
    assert sentence in row.error


def test_silence_beside_black_frames_teaches_nothing(workspace, asset):
    encodings_of(asset, [()] * 60)
    encodings_of(asset, [()] * 60, "sound")
    row = done(ask(workspace, "beside"))
    assert (row.status, row.error) == (Status.FAILED, "There is nothing to compare. Nothing.")


def test_cancelled_and_asked_for_again_it_begins_anew(workspace, film):
    spoken_as_shown(film, LONG)
    row = ask(workspace, "spoken")
    assert row.cancel()
    assert not row.stop()
    assert row.is_cancelled
    assert row.retry()
    assert (row.beginning, row.wish, row.status) == (1, "go on", Status.WAITING)
    assert Space.objects.count() == 0
    assert row.engines == ENGINES

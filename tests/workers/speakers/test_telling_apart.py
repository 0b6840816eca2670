"""Speakers as a worker tells them apart: by segments, whose prints are put together at the end."""

from __future__ import annotations

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from tests.analysis.speakers.voices import needs_voices, talk
from tests.analysis.speech.sounds import write
from tests.heard import a_worker_that_tells_voices, prints
from tests.spoken import SOUND, finished, planned
from webapp.indexing.indexing import Indexing
from webapp.indexing.segments import IndexingSegment
from webapp.indexing.voices import HeardVoices
from webapp.leases import Status
from workers.indexing.pieces import index, index_segment
from workers.speakers import listeners
from workers.speakers.segment import store

pytestmark = pytest.mark.django_db


@pytest.fixture
def indexing(asset, owner):
    asset.probe = SOUND
    asset.save()
    a_worker_that_tells_voices()
    return Indexing.objects.request(asset, "speakers", by=owner)


def done(segment, *turns) -> bool:
    mine = IndexingSegment.objects.claim(segment.pk, "desk:1:1")
    return store(mine, prints(*turns), busy_s=1.0)


def test_one_person_in_two_segments_is_one_voice(indexing):
    first, second = planned(indexing, 0, 10, 20)
    assert done(first, (1, 5, 0), (6, 9, 1))
    assert done(second, (11, 14, 1), (15, 19, 0))
    finished(indexing)
    said = [turn.voice.number for turn in indexing.speaker_turns.select_related("voice")]
    assert said[0] == said[-1] != said[1]
    assert indexing.voices.count() == 2


def test_a_segment_done_again_replaces_its_prints(indexing):
    (segment,) = planned(indexing, 0, 20)
    HeardVoices.objects.create(segment=segment, data=prints((0, 9, 3)).packed())  # half, and killed
    assert done(segment, (1, 5, 0))
    finished(indexing)
    assert [round(turn.end_s) for turn in indexing.speaker_turns.all()] == [5]


def test_who_lost_the_lease_stores_nothing(indexing):
    (segment,) = planned(indexing, 0, 20)
    slow = IndexingSegment.objects.claim(segment.pk, "a:1:1")
    IndexingSegment.objects.filter(pk=segment.pk).update(lease_until="2020-01-01T00:00Z")
    assert done(segment, (1, 5, 0))
    before = HeardVoices.objects.get().data
    assert not store(slow, prints((1, 9, 1)), busy_s=1.0)
    assert bytes(HeardVoices.objects.get().data) == bytes(before)


def test_weights_that_went_away_are_said_with_what_to_do(indexing, monkeypatch):
    from analysis.speakers import engine
    from webapp.runs.workers import Worker

    Worker.objects.all().delete()
    monkeypatch.setattr(engine, "_VERSION", "0.0.0")
    index(indexing.pk)
    indexing.refresh_from_db()
    assert indexing.status == Status.FAILED
    assert "requirements-voices.txt" in indexing.error


@needs_voices
def test_real_voices_go_all_the_way(indexing, tmp_path):
    asset = indexing.asset
    sound = write(tmp_path / "talk.wav", np.concatenate([talk()[0]] * 2))
    asset.file = default_storage.save("originals/talk.wav", ContentFile(sound.read_bytes()))
    asset.save(update_fields=["file"])
    index(indexing.pk)
    for pk in list(indexing.segments.values_list("pk", flat=True)):
        index_segment(pk)
    indexing.refresh_from_db()
    index(indexing.pk)
    indexing.refresh_from_db()
    assert indexing.status == Status.DONE
    assert indexing.voices.count() == 2
    assert indexing.speaker_turns.count() >= 8
    assert listeners.said()["voices"] == indexing.engine_title

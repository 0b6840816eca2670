"""Which engine listens: the one that an indexing was planned with, and no other."""

from __future__ import annotations

import shutil

import pytest

from analysis.errors import AnalysisError
from tests.analysis.speech.sounds import needs_speech, tiny
from tests.spoken import SOUND, a_speaking_worker, planned
from webapp.indexing.indexing import Indexing
from workers.engine.piece import NotYet
from workers.indexing.pieces import TRIES, index, index_segment
from workers.speech import engines

pytestmark = pytest.mark.django_db


@pytest.fixture
def indexing(asset):
    asset.probe = SOUND
    asset.save()
    worker = a_speaking_worker()
    indexing = Indexing.objects.request(asset, "speech", by=None)
    planned(indexing, 0, 60, 120)  # by an engine that no machine has
    worker.delete()
    return indexing


def test_weights_that_vanished_between_segments_are_said_and_can_come_back(indexing):
    for _ in range(TRIES):
        indexing.segments.update(lease_until=None)  # its time to be tried again has come
        index_segment(indexing.segments.first().pk)
    indexing.refresh_from_db()
    assert indexing.state == "failed"
    assert "is not on this machine any more" in indexing.error
    assert indexing.can_retry
    assert indexing.retry()


def test_a_worker_without_the_engine_leaves_the_segment_to_one_that_has_it(indexing):
    a_speaking_worker("elsewhere")
    with pytest.raises(NotYet):
        engines.recogniser(indexing)
    index_segment(of="batch")
    indexing.refresh_from_db()
    assert indexing.state == "working"
    assert list(indexing.segments.values_list("status", "attempt")) == [("waiting", 0)] * 2


@needs_speech
def test_the_recogniser_that_was_asked_for_is_taken_and_no_other(asset, settings, tmp_path):
    settings.WEIGHTS_DIR = str(tmp_path)
    shutil.copytree(tiny().path, tmp_path / "studio")
    asked = {"language": "", "task": "transcribe"}
    assert engines.choose(asked | {"engine": "faster-whisper/studio"}).key == (
        "faster-whisper/studio"
    )
    assert engines.choose(asked | {"engine": tiny().key}).key == tiny().key
    with pytest.raises(AnalysisError, match="cannot translate"):
        engines.choose(asked | {"engine": tiny().key, "task": "translate"})
    with pytest.raises(AnalysisError, match="does not know Spanish"):
        engines.choose(asked | {"engine": tiny().key, "language": "es"})
    with pytest.raises(AnalysisError, match="openai-whisper/large-v3 is not on this machine"):
        engines.choose(asked | {"engine": "openai-whisper/large-v3"})
    a_speaking_worker("elsewhere", engines={"openai-whisper/large-v3": "Whisper large-v3"})
    with pytest.raises(NotYet):
        engines.choose(asked | {"engine": "openai-whisper/large-v3"})


def test_what_no_engine_here_can_do_is_said(asset, settings, tmp_path):
    settings.WEIGHTS_DIR = str(tmp_path)
    with pytest.raises(AnalysisError, match="No speech engine of this machine"):
        engines.choose({"language": "xx", "task": "transcribe"})


def test_a_file_that_is_gone_is_a_failure_in_words(asset):
    asset.probe = SOUND
    asset.save()
    a_speaking_worker()
    indexing = Indexing.objects.request(asset, "speech", by=None)
    for _ in range(TRIES):
        Indexing.objects.update(lease_until=None)
        index(indexing.pk)
    indexing.refresh_from_db()
    assert indexing.state == "failed"
    assert indexing.error

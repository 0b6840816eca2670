"""What somebody asks by, from the file to what it is compared by, and what cannot be asked by."""

from __future__ import annotations

import io
import wave
from datetime import timedelta

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from PIL import Image

from tests.services.film import film
from tests.talking import needs_a_voice_and_an_engine
from webapp.accounts.models import Refused
from webapp.asking.asks import KEPT, MOST_BYTES, Ask
from webapp.leases import Status
from webapp.management.commands.analyse import receive
from webapp.pictures import PictureRefused
from workers.asking.pieces import ask
from workers.engine.housekeeping import forget_old_asks
from workers.media import ingest

pytestmark = pytest.mark.django_db


def picture(colour=None, size=(96, 64)) -> ContentFile:
    noise = np.random.default_rng(1).integers(0, 255, (size[1], size[0], 3), np.uint8)
    image = Image.new("RGB", size, colour) if colour else Image.fromarray(noise)
    file = io.BytesIO()
    image.save(file, "PNG")
    return ContentFile(file.getvalue())


def sound(seconds: float, loud: float = 0.5, rate: int = 8000) -> ContentFile:
    times = np.arange(int(seconds * rate)) / rate
    samples = (loud * 32767 * np.sin(2 * np.pi * 440 * times)).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1), out.setsampwidth(2), out.setframerate(rate)
        out.writeframes(samples.tobytes())
    return ContentFile(file.getvalue())


def done(row: Ask) -> Ask:
    ask(row.pk)
    row.refresh_from_db()
    return row


def failed(row: Ask) -> str:
    row = done(row)
    assert row.status == Status.FAILED
    return row.error


def test_a_picture_is_kept_as_numbers_with_a_small_copy(workspace, viewer):
    row = done(Ask.objects.by_picture(workspace, picture(), "board.png", by=viewer))
    assert (row.status, row.error) == (Status.DONE, "")
    assert row.read_encoded().parts.shape[0] == 36
    assert np.linalg.norm(row.read_look()) == pytest.approx(1, abs=0.01)
    assert default_storage.exists(row.preview)
    assert row.notes == []


def test_a_file_that_is_no_picture_and_a_black_one_are_refused_in_words(workspace, viewer):
    with pytest.raises(PictureRefused, match="not a PNG, JPEG or WebP"):
        Ask.objects.by_picture(workspace, ContentFile(b"no picture"), "x.png", by=viewer)
    black = Ask.objects.by_picture(workspace, picture("black"), "black.png", by=viewer)
    assert "nothing to see" in failed(black)
    assert Ask.objects.count() == 1


def test_silence_an_hour_and_what_is_no_sound_are_refused_in_words(workspace, viewer):
    def asked(file, spoken=False):
        return Ask.objects.by_sound(workspace, file, "q.wav", by=viewer, is_spoken=spoken)

    assert "silent" in failed(asked(sound(1, loud=0)))
    assert "61 seconds" in failed(asked(sound(61)))
    assert "60 minutes" in failed(asked(sound(3600, rate=100), spoken=True))
    assert failed(asked(ContentFile(b"RIFF" + bytes(90)))).endswith(".")
    with pytest.raises(Refused, match="larger than"):
        asked(ContentFile(bytes(MOST_BYTES + 1)))
    with pytest.raises(Refused, match="empty"):
        asked(ContentFile(b""))


def test_a_moment_and_a_region_of_a_film_are_asked_by(tmp_path, workspace, viewer):
    asset = receive(film(tmp_path / "clip.mp4", seconds=2), workspace)
    ingest.ingest(asset.pk)
    asset.refresh_from_db()
    moment = done(Ask.objects.by_moment(asset, 1.0, by=viewer))
    region = done(Ask.objects.by_moment(asset, 1.0, [0.2, 0.2, 0.7, 0.8], by=viewer))
    assert (moment.error, region.error) == ("", "")
    assert float(moment.read_look() @ region.read_look()) < 0.99, "the part is not the whole"
    with pytest.raises(Refused, match="no such moment"):
        Ask.objects.by_moment(asset, 99.0, by=viewer)
    with pytest.raises(Refused, match="too small"):
        Ask.objects.by_moment(asset, 1.0, [0.2, 0.2, 0.2, 0.2], by=viewer)


def test_a_spoken_question_is_understood(tmp_path, workspace, viewer):
    needs_a_voice_and_an_engine()
    import subprocess

    file = tmp_path / "q.wav"
    said = "Where is the harbour race?"
    subprocess.run(["espeak-ng", "-s", "140", "-w", file, said], check=True)
    asked = ContentFile(file.read_bytes())
    row = done(Ask.objects.by_sound(workspace, asked, "q.wav", by=viewer, is_spoken=True))
    assert row.error == ""
    assert "race" in row.heard.lower()
    assert row.read_encoded().parts.shape[0] > 5
    assert max(row.wave) == 1.0
    asked = ContentFile(file.read_bytes())
    sent = done(Ask.objects.by_sound(workspace, asked, "q.wav", by=viewer, is_spoken=False))
    assert sent.heard == ""
    assert sent.understand()
    assert done(sent).heard == row.heard
    assert not sent.understand(), "it is one already"


def test_an_ask_goes_with_its_file_after_a_month(workspace, viewer):
    row = done(Ask.objects.by_picture(workspace, picture(), "board.png", by=viewer))
    forget_old_asks()
    assert Ask.objects.exists()
    Ask.objects.update(created=timezone.now() - KEPT - timedelta(hours=1))
    forget_old_asks()
    assert not Ask.objects.exists()
    assert not default_storage.exists(row.file)
    assert not default_storage.exists(row.preview)

"""kill -9 while a film is read, listened to and outlined, its speakers are told apart and names are
sought in its sound: what is found is what an undisturbed worker finds, once."""

from __future__ import annotations

import subprocess
import wave
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.analysis.clips import constant, write_clip
from tests.captions import lettered, needs_a_reader
from tests.talking import needs_a_voice_and_an_engine
from webapp.indexing.indexing import Indexing
from webapp.indexing.spotting import Spotting
from webapp.leases import Leased, Status
from webapp.moments.outlines import Outline
from webapp.runs.workers import Worker
from workers.engine import housekeeping

pytestmark = [pytest.mark.services, pytest.mark.embedded]

LINES = [
    ("en-gb", "Welcome to the harbour race, brought to you by Brennogard."),
    ("en-gb", "The leader takes the inside line into the first turn."),
    ("en-us+f2", "The wind is picking up from the west, says the man from Krellborg."),
    ("en-us+f2", "There are three boats side by side in the middle of the river."),
]
NAMES = ["Brennogard", "Krellborg"]  # that no recogniser ever read
RATE, SIZE = 5, (480, 270)
TRIES = 4
SOME_S = 180.0  # to load an engine and do a few seconds of work, on a busy machine


def film(path: Path) -> Path:
    """Two people speak, one after the other. HARBOUR is written all along, over the border of the
    segments; NORRA BANK for four seconds, and a score that turns."""
    samples, rate = _spoken(path.parent)
    with wave.open(str(path.with_suffix(".wav")), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(samples.tobytes())
    n = int(len(samples) / rate * RATE)
    silent = write_clip(path.with_suffix(".mkv"), constant(n, RATE), size=SIZE, paint=_paint)
    sound = ["-i", str(path.with_suffix(".wav")), "-c:v", "copy", "-c:a", "aac"]
    subprocess.run(["ffmpeg", "-v", "error", "-i", str(silent), *sound, str(path)], check=True)
    return path


def _spoken(folder: Path) -> tuple[np.ndarray, int]:
    said, rate = [], 0
    for voice, text in LINES:
        line = folder / "line.wav"
        subprocess.run(["espeak-ng", "-v", voice, "-s", "150", "-w", line, text], check=True)
        with wave.open(str(line)) as file:
            rate = file.getframerate()
            said += [np.zeros(rate, "<i2"), np.frombuffer(file.readframes(10**8), "<i2")]
    return np.concatenate(said), rate


def _paint(number: int) -> np.ndarray:
    image = np.full((SIZE[1], SIZE[0], 3), 60, np.uint8)
    time_s = number / RATE
    lettered(image, "HARBOUR", (150, 110), 40)
    lettered(image, "HBR 1-0" if time_s < 14 else "HBR 2-0", (20, 20), 28)
    if 3 <= time_s < 7:
        lettered(image, "NORRA BANK", (80, 220), 34)
    return image


def is_over(row: Leased) -> bool:
    row.refresh_from_db()
    assert row.status != Status.FAILED, row.error
    return row.status == Status.DONE


def written(reading: Indexing) -> list[tuple]:
    about = ("start_s", "end_s", "text", "kind", "looks", "box", "path")
    return list(reading.text_regions.order_by("start_s", "text").values_list(*about))


def told_apart(speakers: Indexing) -> list[tuple]:
    about = ("start_s", "end_s", "voice__number", "likeness")
    return list(speakers.speaker_turns.order_by("start_s").values_list(*about))


def heard(speech: Indexing) -> list[tuple]:
    about = ("start_s", "end_s", "text", "words")
    return list(speech.speech_segments.order_by("start_s").values_list(*about))


def outlined(outline: Outline) -> list[tuple]:
    about = ("kind", "start_s", "end_s", "title", "phrases", "score")
    return list(outline.moments.order_by("start_s", "kind").values_list(*about))


def spotted(spotting: Spotting) -> list[tuple]:
    return list(spotting.found.values_list("term", "start_s", "end_s", "text", "score"))


def is_half_done(indexing: Indexing) -> bool:
    found = set(indexing.segments.values_list("status", flat=True))
    return found >= {Status.DONE, Status.WORKING}


class Killing:
    """A worker that is killed in the midst of each piece, and the next one that ends it."""

    def __init__(self, site: Any) -> None:
        self.site = site
        self.worker = site.start_worker("soon,ingest,batch")

    def through(self, ask: Callable[[], Leased], is_in_the_midst: Callable[[Any], bool]) -> Any:
        """What was asked for, once another worker has ended it. A quick worker may be through
        before it is killed: then it is asked for anew."""
        for _ in range(TRIES):
            row = ask()
            self.site.wait(lambda: is_over(row) or is_in_the_midst(row), "the midst", SOME_S, 0.05)  # noqa: B023
            self.site.kill(self.worker)
            was_over = is_over(row)
            housekeeping.sweep()
            self.worker = self.site.start_worker("soon,ingest,batch")
            self.site.wait(lambda: is_over(row), f"the end of {row}", SOME_S)  # noqa: B023
            if not was_over:
                return row
        raise AssertionError("no worker was killed in the midst")


def test_each_step_of_understanding_killed_in_its_midst_finds_the_same(site, tmp_path):
    from tests.services.conftest import _workspace
    from webapp.management.commands.analyse import receive

    needs_a_voice_and_an_engine()
    needs_a_reader()
    asset = receive(film(tmp_path / "film.mp4"), _workspace())
    killing = Killing(site)
    site.wait(lambda: is_over(asset), "the film to be ingested")
    site.wait(Worker.objects.speaking().exists, "the worker to say what it can")

    calm = {step: Indexing.objects.request(asset, step, by=None) for step in Indexing.DEFAULTS}
    site.wait(lambda: all(map(is_over, calm.values())), "the undisturbed steps", SOME_S)
    outline = Outline.objects.get()
    site.wait(lambda: is_over(outline), "the undisturbed outline", SOME_S)
    spotting = Spotting.objects.request(calm["speech"], NAMES, by=None)
    site.wait(lambda: is_over(spotting), "the undisturbed search for names", SOME_S)
    assert {"HARBOUR", "NORRA BANK"} <= {text for _, _, text, *_ in written(calm["text"])}
    assert {number for _, _, number, _ in told_apart(calm["speakers"])} == {1, 2}
    assert "three boats side by side" in " ".join(text for _, _, text, _ in heard(calm["speech"]))
    assert any(kind == "topic" for kind, *_ in outlined(outline))
    assert {term for term, *_ in spotted(spotting)} == set(NAMES)

    again = {}
    for step, rows in (("text", written), ("speakers", told_apart), ("speech", heard)):
        ask = partial(Indexing.objects.request, asset, step, by=None)
        again[step] = killing.through(ask, is_half_done)
        assert rows(again[step]) == rows(calm[step])
        assert not again[step].segments.exclude(lease_until=None).exists()

    first = Outline.objects.get(indexing=again["speech"])
    site.wait(lambda: is_over(first), "the outline that comes by itself", SOME_S)
    anew = killing.through(
        partial(Outline.objects.request, again["speech"], by=None),
        lambda row: Outline.objects.filter(pk=row.pk, status=Status.WORKING).exists(),
    )
    assert outlined(anew) == outlined(outline)
    assert list(anew.names.values()) == list(outline.names.values())

    once_more = killing.through(
        partial(Spotting.objects.request, again["speech"], NAMES, by=None),
        lambda row: row.found.exists(),
    )
    assert spotted(once_more) == spotted(spotting)
    assert (once_more.progress, once_more.lease_until) == (1.0, None)

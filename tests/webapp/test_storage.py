"""Half-written files are never taken for whole ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from webapp.storage import keep, keep_once, take_in

NAME = f"models/{'a' * 64}.pt"
WRITER = """
import io, os, sys, time
os.environ["DJANGO_SETTINGS_MODULE"] = "webapp.settings"
import django; django.setup()
from django.core.files import File
from django.core.files.storage import default_storage
class Slow(io.BytesIO):
    def read(self, n=-1):
        block = super().read(n)
        print("read", flush=True)
        time.sleep(0.05 if block else 0)
        return block
slow = File(Slow(b"x" * 64 * 2**16), name="slow")
slow.size = 64 * 2**16
default_storage.save(sys.argv[1], slow)
"""


def test_a_writer_killed_in_the_middle_leaves_no_file_of_that_name(tmp_path, settings):
    environment = os.environ | {"SIGHTLINE_DATA": str(tmp_path / "data")}
    environment |= {"SIGHTLINE_MEDIA": str(settings.MEDIA_ROOT), "SIGHTLINE_S3_BUCKET": ""}
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, NAME],
        env=environment,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).resolve().parents[2],
    )
    for _ in range(5):
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"read\n"
    time.sleep(0.02)
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    assert not default_storage.exists(NAME)
    keep_once(NAME, b"whole")
    with default_storage.open(NAME) as file:
        assert file.read() == b"whole"


class Broken(File):
    """A file whose sender goes away in the middle."""

    def chunks(self, chunk_size=None):
        yield b"half"
        raise OSError("gone")


def test_a_write_that_fails_keeps_what_was_there_and_leaves_nothing(settings):
    keep("training/1/last.pt", b"before")
    with pytest.raises(OSError, match="gone"):
        keep("training/1/last.pt", Broken(None, name="x"))
    with default_storage.open("training/1/last.pt") as file:
        assert file.read() == b"before"
    assert [p.name for p in (settings.MEDIA_ROOT / "training/1").iterdir()] == ["last.pt"]


def test_a_file_named_by_its_bytes_is_written_once():
    keep_once(NAME, b"first")
    assert keep_once(NAME, Broken(None, name="x")) == NAME


def test_a_reader_of_a_replaced_file_goes_on_with_what_it_opened():
    keep("renditions/1/frames.bin", b"old" * 1000)
    with default_storage.open("renditions/1/frames.bin") as file:
        keep("renditions/1/frames.bin", b"new")
        assert file.read() == b"old" * 1000


def test_a_finished_file_is_taken_in_under_its_name(tmp_path, settings):
    made = tmp_path / "made"
    made.write_bytes(b"film")
    assert take_in(made, "originals/ab/film.mp4") == "originals/ab/film.mp4"
    made.unlink()
    with default_storage.open("originals/ab/film.mp4") as file:
        assert file.read() == b"film"
    assert len(list((settings.MEDIA_ROOT / "originals/ab").iterdir())) == 1


def test_names_cannot_leave_the_folder():
    from django.core.exceptions import SuspiciousFileOperation

    with pytest.raises(SuspiciousFileOperation):
        default_storage.save("../outside", ContentFile(b"x"))

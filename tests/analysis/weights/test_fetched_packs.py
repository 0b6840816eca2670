"""A language pack that was fetched is read with, from the network's answer to the row."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from django.core.management import call_command
from PIL import Image

from analysis.errors import AnalysisError
from analysis.reading import best_engine, engines
from tests.captions import lettered, needs_a_reader
from tests.publishing import published

FILE = "latin_PP-OCRv5_rec_mobile.onnx"


@pytest.fixture
def packaged() -> bytes:
    """The recogniser of the package, which stands in for one that cannot be had here."""
    needs_a_reader()
    return engines()[0].recogniser.read_bytes()


@pytest.fixture
def picture(tmp_path) -> Path:
    image = np.full((200, 640, 3), 50, np.uint8)
    lettered(image, "KESTREL", (100, 60), 64)
    Image.fromarray(image).save(tmp_path / "sign.png")
    return tmp_path / "sign.png"


def test_a_pack_that_was_fetched_is_chosen_by_its_language(packaged, picture, tmp_path, settings):
    settings.WEIGHTS_DIR = str(tmp_path / "weights")
    read = [sys.executable, "-m", "analysis", "read", "--weights", settings.WEIGHTS_DIR]

    def said(*more: str) -> str:
        done = subprocess.run([*read, *more], capture_output=True, text=True)
        return done.stdout + done.stderr

    assert "Latin alone: python -m analysis fetch ocr-latin" in said()
    assert "fetch ocr-latin --weights FOLDER" in said(str(picture), "--language", "latin")
    with published({FILE: packaged}) as publisher:
        listed = publisher.catalogue(tmp_path / "list.json", **{"ocr-latin": FILE})
        call_command("fetch", "ocr-latin", catalogue=listed, stdout=io.StringIO())
    assert "PP-OCRv5 (Latin alone)" in said()
    assert "KESTREL" in said(str(picture), "--language", "latin")
    [own, latin] = engines(Path(settings.WEIGHTS_DIR))
    assert best_engine([own, latin], "latin") is latin
    assert best_engine([own, latin]) is own, "what is not asked for changes nothing"


def test_a_recogniser_without_its_letters_is_refused_or_has_them_beside_it(packaged, tmp_path):
    import onnx

    from analysis.reading.reader import Reader

    network = onnx.load_from_string(packaged)
    assert [part.key for part in network.metadata_props] == ["character"]
    del network.metadata_props[:]
    path = tmp_path / FILE
    onnx.save(network, path)
    with pytest.raises(AnalysisError, match="has no list of the letters it knows in it") as error:
        Reader(engines(tmp_path)[1])
    assert "`manage.py fetch ocr-latin`" in error.value.message
    alone = engines(tmp_path)[1]
    path.with_suffix(".txt").write_text("a\nb\n", "utf-8")
    together = engines(tmp_path)[1]
    assert alone.digest != together.digest, "another list is another engine"
    assert together.letters == path.with_suffix(".txt")

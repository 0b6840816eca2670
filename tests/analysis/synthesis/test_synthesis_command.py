"""A labelled set out of logo files, at a prompt."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from analysis.datasets import formats
from analysis.errors import AnalysisError
from analysis.synthesis.command import command

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 60">'
    '<circle cx="30" cy="30" r="26" fill="#c00"/><path d="M60 8h26v44H60z" fill="#03a"/></svg>'
)


@pytest.fixture
def logos(tmp_path):
    """A drawing, and a JPEG on a white ground."""
    (tmp_path / "Norra Bank.svg").write_text(SVG)
    image = np.full((120, 200, 3), 255, np.uint8)
    cv2.putText(image, "GULL", (20, 80), cv2.FONT_HERSHEY_DUPLEX, 2.0, (20, 90, 20), 8)
    cv2.imwrite(str(tmp_path / "Gull.jpg"), image)
    return [str(tmp_path / "Norra Bank.svg"), str(tmp_path / "Gull.jpg")]


@pytest.mark.parametrize("name", [n for n in formats.TITLES if n not in formats.OF_VIDEOS])
def test_a_set_is_made_in_every_format(tmp_path, logos, capsys, name):
    out = tmp_path / "sets" / name
    done = command([*logos, "--out", str(out), "--count", "4", "--seed", "2", "--format", name])
    assert done == 0
    assert "4 pictures with" in capsys.readouterr().out
    labelled, _, _ = formats.read(out, name)
    assert len(labelled.pictures) == 4
    assert {b.label for p in labelled.pictures for b in p.boxes} <= {"Norra Bank", "Gull"}
    assert not [p for p in (tmp_path / "sets").iterdir() if p.name.startswith(".")]


def test_pictures_of_ones_own_are_backgrounds(tmp_path, logos):
    (tmp_path / "grounds").mkdir()
    green = np.full((400, 700, 3), (0, 200, 0), np.uint8)
    cv2.imwrite(str(tmp_path / "grounds" / "green.png"), green)
    (tmp_path / "grounds" / "notes.txt").write_text("not a picture")
    asked = ["--out", str(tmp_path / "out"), "--count", "2"]
    assert command([*logos, *asked, "--backgrounds", str(tmp_path / "grounds")]) == 0


@pytest.mark.parametrize("case", ["no picture", "no backgrounds", "not empty"])
def test_what_cannot_be_made_is_said(tmp_path, logos, case):
    out = tmp_path / "out"
    asked = [*logos, "--out", str(out), "--count", "1"]
    if case == "no picture":
        (tmp_path / "logo.png").write_text("not a picture")
        asked = [str(tmp_path / "logo.png"), *asked[2:]]
    elif case == "no backgrounds":
        (tmp_path / "empty").mkdir()
        asked += ["--backgrounds", str(tmp_path / "empty")]
    else:
        out.mkdir()
        (out / "mine.txt").write_text("x")
    with pytest.raises(AnalysisError, match=r"logo\.png|no pictures in empty|not empty"):
        command(asked)

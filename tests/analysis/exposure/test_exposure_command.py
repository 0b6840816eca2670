"""python -m analysis exposure, from a film and a logo to the table."""

from __future__ import annotations

import io
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from analysis.__main__ import main
from analysis.exposure.columns import Face, shown_on
from analysis.exposure.command import command, logos_of, print_table
from analysis.exposure.measure import measure
from tests.analysis.clips import constant, write_clip, write_sound
from tests.analysis.exposure.exposure_cases import columns, seconds

SIZE = (640, 360)
RATE = 10
SHOWN = range(10, 30)  # frames of 40: from 1 s to 3 s


LOGO = Path(__file__).parents[3] / "demo" / "logos" / "kestrel.png"


def logo() -> np.ndarray:
    """An invented brand's mark on white, 240 pixels wide."""
    image = cv2.imread(str(LOGO), cv2.IMREAD_UNCHANGED).astype(np.float32)
    ink = image[:, :, 3:] / 255
    mark = image[:, :, :3] * ink + 255 * (1 - ink)
    height = round(240 * mark.shape[0] / mark.shape[1])
    return cv2.resize(mark, (240, height), interpolation=cv2.INTER_AREA).astype(np.uint8)


def scene(index: int) -> np.ndarray:
    rng = np.random.default_rng(4)
    ground = cv2.resize(rng.integers(60, 190, (9, 16, 3), np.uint8), SIZE)
    if index in SHOWN:
        left = 200 + index
        mark = logo()
        ground[120 : 120 + len(mark), left : left + 240] = mark
    return ground


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exposure")
    write_clip(folder / "clip.mp4", constant(40, RATE), size=SIZE, paint=scene)
    cv2.imwrite(str(folder / "acme.png"), logo())
    cv2.imwrite(str(folder / "still.png"), scene(15))
    return folder


def test_it_works(folder, capsys):
    out = folder / "out.json"
    asked = [str(folder / "clip.mp4"), "--logo", f"Acme={folder / 'acme.png'}", "--json", str(out)]
    assert main(["exposure", *asked]) == 0
    shown = capsys.readouterr()
    assert "Acme" in shown.out
    assert "One sample every 0.2 s" in shown.out
    assert "20 of 20 samples" in shown.err

    values = json.loads(out.read_text(encoding="utf-8"))
    (acme,) = values["brands"]
    assert acme["reported_s"] == pytest.approx(2.0, abs=0.2)
    assert acme["count"] == 1
    assert acme["first_s"] == pytest.approx(1.0, abs=0.1)
    assert acme["mean_size_visible"] == pytest.approx(240 * len(logo()) / (640 * 360), rel=0.15)
    assert values["file"] == "clip.mp4"
    assert values["sampling"]["interval_s"] == 0.2
    assert values["duration_s"] == pytest.approx(4.0, abs=0.1)


def test_a_picture_is_measured_too(folder, capsys):
    assert main(["exposure", str(folder / "still.png"), "--logo", str(folder / "acme.png")]) == 0
    shown = capsys.readouterr().out
    assert "acme" in shown
    assert "A picture has no duration" in shown


def test_it_asks_for_something_to_look_for(folder, capsys):
    with pytest.raises(SystemExit) as stop:
        command([str(folder / "clip.mp4")])
    assert stop.value.code == 2
    assert "--logo or a --model" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong",
    [["--interval", "0"], ["--method", "nielsen"], ["--threshold", "50"], ["--mode", "all"]],
)
def test_it_refuses_options_without_a_meaning(folder, wrong, capsys):
    with pytest.raises(SystemExit) as stop:
        command([str(folder / "clip.mp4"), "--logo", str(folder / "acme.png"), *wrong])
    assert stop.value.code == 2
    assert wrong[0] in capsys.readouterr().err


def test_a_file_with_sound_only_is_refused_in_a_sentence(folder, capsys):
    sound = write_sound(folder / "sound.m4a", 0.5)
    assert main(["exposure", str(sound), "--logo", str(folder / "acme.png")]) == 1
    assert "sound.m4a has sound only" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["clip", "logo"])
def test_a_missing_file_is_a_sentence_not_a_traceback(folder, missing, capsys):
    clip = folder / ("nowhere.mp4" if missing == "clip" else "clip.mp4")
    mark = folder / ("nowhere.png" if missing == "logo" else "acme.png")
    assert main(["exposure", str(clip), "--logo", str(mark)]) == 1
    assert "nowhere" in capsys.readouterr().err


def test_logos_are_named_by_their_file_or_by_hand(tmp_path):
    odd = tmp_path / "a=b.png"
    odd.touch()
    assert logos_of(["x/acme.png", "Bolt=y/1.png", "Bolt=y/2.png", str(odd)]) == {
        "acme": [Path("x/acme.png")],
        "Bolt": [Path("y/1.png"), Path("y/2.png")],
        "a=b": [odd],
    }


def test_the_table_lines_up_and_says_when_there_is_no_figure():
    boxes = [(i, 7, 0, 0, 0.5, 0.5) for i in range(70)]
    exposure = measure(columns(seconds(4000), boxes), duration_s=4000, labels=[7, 3])
    out = io.StringIO()
    print_table(exposure, {7: "Acme", 3: "An invented brand"}, out)
    header, acme, other = out.getvalue().splitlines()[:3]
    assert len(header) == len(acme) == len(other)
    assert header.split("  ")[0].strip() == "Brand"
    for column in shown_on(Face.COMMAND):
        assert column.title in header
    assert acme.split()[:6] == ["Acme", "1:10.0", "1:10.0", "100%", "1.8%", "1"]
    assert "–" in other

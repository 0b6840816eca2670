"""The films of ../shared/cases, made by their own scripts and measured as a user would."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from analysis.__main__ import main
from analysis.media.ffmpeg import program
from analysis.media.probe import probe

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
SCRIPTS = ("make.sh", "make_rev.sh", "make_still.sh")
TOLERANCE_S = 0.3

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="../shared is not here")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """made(case): the folder of a case, with its films in it."""
    folder = tmp_path_factory.mktemp("cases")
    (folder / "bin").mkdir()
    (folder / "bin" / "ffmpeg").symlink_to(program())
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"

    def make(case: str) -> Path:
        target = folder / case
        if not target.exists():
            shutil.copytree(CASES / case, target)
            target.chmod(0o755)
            for script in SCRIPTS:
                if (target / script).exists():
                    subprocess.run(
                        ["/bin/sh", script], cwd=target, env={"PATH": path}, check=True, timeout=120
                    )
        return target

    return make


def reported_s(film: Path, *options: str) -> float:
    """Seconds that the logo beside the film is reported for, by the command."""
    logo, figures = film.with_name("logo.png"), film.with_suffix(".json")
    assert (
        main(["exposure", str(film), "--logo", f"Logo={logo}", "--json", str(figures), *options])
        == 0
    )
    [brand] = json.loads(figures.read_text())["brands"]
    return float(brand["reported_s"])


@pytest.mark.parametrize("name", ["joined.ts", "joined_rev.ts"])
def test_joined_recordings_are_measured_one_after_the_other(made: Any, name: str) -> None:
    folder = made("21-ts-joined")
    right = json.loads((folder / "expected.json").read_text())[name]
    info = probe(folder / name)
    assert info.duration_s == pytest.approx(right["duration_s"], abs=TOLERANCE_S)
    assert "starts again" in info.warnings[0]
    assert reported_s(folder / name) == pytest.approx(right["reported_s"], abs=TOLERANCE_S)


def test_a_second_before_a_jump_stays_a_second(made: Any) -> None:
    folder = made("22-ts-jump")
    right = json.loads((folder / "expected.json").read_text())
    for mode in ("interval", "every"):
        measured = reported_s(folder / "jump.ts", "--mode", mode)
        assert 0.7 < measured <= right["jump.ts"]["reported_s_at_most"]


def test_a_real_still_keeps_its_time(made: Any) -> None:
    folder = made("22-ts-jump")
    right = json.loads((folder / "expected.json").read_text())["still.mkv"]
    assert reported_s(folder / "still.mkv") == pytest.approx(right["reported_s"], abs=TOLERANCE_S)


@pytest.mark.parametrize("name", ["grows.ts", "turned.ts"])
def test_a_film_that_changes_its_size_is_measured_throughout(made: Any, name: str) -> None:
    folder = made("23-grows")
    right = json.loads((folder / "expected.json").read_text())[name]
    assert reported_s(folder / name) == pytest.approx(right["reported_s"], abs=TOLERANCE_S)


def test_a_second_picture_track_is_said_and_can_be_measured(made: Any) -> None:
    folder = made("24-two-tracks")
    right = json.loads((folder / "expected.json").read_text())
    for name in ("two.mp4", "two_larger_second.mp4"):
        info = probe(folder / name)
        assert right["warnings_must_say"] in " ".join(info.warnings)
        assert not info.is_partial
    assert reported_s(folder / "two.mp4") == 0
    assert reported_s(folder / "two.mp4", "--track", "1") == pytest.approx(4.0, abs=TOLERANCE_S)

"""A space taught in a process of its own, whatever happens to that."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from analysis.crossmodal.child import main
from analysis.crossmodal.space import Space
from analysis.crossmodal.teaching import News, is_prepared, prepare, taught
from analysis.crossmodal.training import Settings
from analysis.crossmodal.words import held
from analysis.crossmodal.work_folder import (
    REFUSED,
    read_json,
    read_pairs,
    write_pairs,
)
from analysis.errors import AnalysisError, Stopped
from tests.analysis.crossmodal.made_up import QUICK, pairs


def how(**changes: object) -> dict[str, object]:
    return asdict(replace(QUICK, **changes))  # type: ignore[arg-type]


def children_of(folder: Path) -> list[int]:
    found = subprocess.run(["pgrep", "-f", str(folder)], capture_output=True, text=True)
    return [int(pid) for pid in found.stdout.split() if int(pid) != os.getpid()]


def test_killed_in_the_middle_it_goes_on_to_the_same_space_and_says_what_its_parts_are_worth(
    tmp_path: Path,
):
    killed = []

    def kill_once(news: News) -> None:
        if len(news.curves.get("ours", [])) >= 2 and not killed:
            killed.extend(children_of(tmp_path / "killed"))
            os.kill(killed[0], signal.SIGKILL)

    for name, on_news in (("killed", kill_once), ("whole", lambda news: None)):
        prepare(tmp_path / name, pairs(80), how(epochs=5), ablation=name == "killed")
        done = taught(tmp_path / name, on_news=on_news)
        assert [row["number"] for row in done.curves["ours"]] == [1, 2, 3, 4, 5]
    assert killed
    one, other = (Space.load(tmp_path / name / "space.safetensors") for name in ("killed", "whole"))
    assert one.version == other.version

    figures = taught(tmp_path / "killed").figures
    ways = {(way["asked"], way["answered"], way["kind"]): way for way in figures["ablation"]}
    assert {kind for _, _, kind in ways} == {
        *("continuous only", "discrete only", "both", "no matching"),
    }
    best = ways["text", "picture", "both"]
    assert best["questions"] == 8, "a tenth was kept back"
    assert best["chance"] == {"1": 0.125, "5": 0.625, "10": 1.0}, "of eight answers one is right"
    assert best["recall"]["5"] > best["chance"]["5"]
    assert 2 <= figures["codes"]["used"]["picture"] <= figures["codes"]["all"]


def test_stopped_it_keeps_the_best_so_far_and_cancelled_nothing(tmp_path: Path):
    prepare(tmp_path / "stopped", pairs(80), how(epochs=5000))
    seen: list[News] = []
    done = taught(
        tmp_path / "stopped",
        on_news=seen.append,
        wish=lambda: "stop" if seen and seen[-1].curves.get("ours") else "go on",
    )
    assert 1 <= len(done.curves["ours"]) < 5000
    assert list(done.curves) == ["ours"]
    assert any("It was stopped" in note for note in done.notes)
    prepare(tmp_path / "cancelled", pairs(80), how(epochs=5000))
    with pytest.raises(Stopped):
        taught(tmp_path / "cancelled", wish=lambda: "cancel")
    assert not children_of(tmp_path / "cancelled")


@pytest.mark.parametrize(
    ("spoilt", "sentence"),
    [
        (lambda some: {"picture": some["picture"]}, "only one here: picture"),
        (
            lambda some: {n: items.chosen(np.array([0])) for n, items in some.items()},
            "a single pair",
        ),
        (
            lambda some: (
                some
                | {"text": replace(some["text"], summaries=np.ones_like(some["text"].summaries))}
            ),
            "Every text looks the same",
        ),
    ],
)
def test_what_cannot_be_learnt_from_is_said_in_a_sentence(tmp_path: Path, spoilt, sentence: str):
    prepare(tmp_path, spoilt(pairs(20)), how(epochs=1))
    assert main([str(tmp_path)]) == REFUSED
    assert sentence in read_json(tmp_path / "refused.json")["says"]


def test_a_collapse_is_told_and_stopped(tmp_path: Path):
    some = pairs(40)
    alike = {
        name: replace(items, parts=items.parts * 0 + np.float32(1))  # every part the same
        for name, items in some.items()
    }
    prepare(tmp_path, alike, how(epochs=50))
    assert main([str(tmp_path)]) == REFUSED
    assert "The codebook collapsed" in read_json(tmp_path / "refused.json")["says"]
    assert 1 <= len(read_json(tmp_path / "epochs.json")["ours"]) < 50, "its curve is there to see"


def test_pairs_come_back_as_they_were_and_damage_is_told(tmp_path: Path):
    some = pairs(10)
    said = np.stack([held([f"thing{n}", "there"]) for n in range(10)])
    some["text"] = replace(some["text"], words=said)
    write_pairs(some, tmp_path / "pairs.npz")
    back = read_pairs(tmp_path / "pairs.npz")
    assert list(back) == list(some)
    assert np.array_equal(back["text"].words, said)
    assert back["picture"].words is None
    for name, items in back.items():
        assert np.array_equal(items.groups, some[name].groups)
        assert np.allclose(items.parts, some[name].parts, atol=5e-3)
    whole = (tmp_path / "pairs.npz").read_bytes()
    (tmp_path / "pairs.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(AnalysisError, match="damaged"):
        read_pairs(tmp_path / "pairs.npz")


def test_damaged_pairs_may_be_tried_again_and_are_not_met_again(tmp_path: Path):
    prepare(tmp_path, pairs(10), how())
    (tmp_path / "pairs.npz").write_bytes(b"PK cut off")
    with pytest.raises(AnalysisError, match="press Retry") as error:
        taught(tmp_path)
    assert not error.value.permanent
    assert not is_prepared(tmp_path), "they are fetched or collected anew"


def test_settings_that_cannot_be_are_refused_before_anything_is_trained():
    with pytest.raises(ValueError, match="codes must be between"):
        Settings(codes=1)

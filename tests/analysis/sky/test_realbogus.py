"""What is real gets a higher score than hits and badly subtracted stars, and survives a stop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import logit

from analysis.errors import AnalysisError, Stopped, UnusableModel
from analysis.sky.artefacts import cosmic_ray, misplaced_star
from analysis.sky.realbogus import (
    KINDS,
    Examples,
    RealBogus,
    Settings,
    area_under_curve,
    prepared,
    split,
    train,
)
from analysis.sky.triplets import SIDE, fitted, in_noise, square, stretched, unstretched

FAST = Settings(epochs=2, batch=32)


def triplets(n: int, real: bool, seed: int) -> np.ndarray:
    """Noise, with a point in the middle, or with what is none."""
    draw = np.random.default_rng(seed)
    made = draw.normal(0, 1, (n, 3, SIDE, SIDE))
    away = np.arange(SIDE) - SIDE // 2
    point = np.exp(-(away**2 + away[:, None] ** 2) / (2 * 1.5**2))
    for one in made:
        signal = draw.uniform(6, 30)
        kind = draw.integers(2)
        bogus = cosmic_ray(SIDE, draw, signal) if kind else misplaced_star(SIDE, draw, signal, 1.5)
        one[[0, 2]] += signal * point if real else bogus
    return made.astype(np.float32)


def examples(n: int, seed: int = 0) -> Examples:
    both = np.concatenate([triplets(n, True, seed), triplets(n, False, seed + 1)])
    return Examples(stretched(both), np.arange(2 * n) < n, np.arange(2 * n))


def test_points_score_above_artefacts_that_it_never_saw(tmp_path: Path) -> None:
    done = train(examples(50), tmp_path)
    model = RealBogus.load(done.file)
    real, bogus = (model.score(triplets(40, kind, 90)) for kind in (True, False))
    assert done.kind == "features"
    assert "too few for a network" in done.notes[0]
    assert area_under_curve(np.r_[real, bogus], np.arange(80) < 40) > 0.95
    assert ((real >= 0) & (real <= 1)).all()


def test_the_network_as_kept_says_what_it_said_when_it_was_trained(tmp_path: Path) -> None:
    given_ = examples(60)
    done = train(given_, tmp_path, FAST)
    assert set(done.figures) >= {"network", "features", "both"}
    best = max(done.figures[kind]["auc"] for kind in KINDS)
    assert done.figures[done.kind]["auc"] == best
    assert len(done.curve) == 2
    kept = RealBogus.load(done.file).score(unstretched(given_.greys[done.held]))
    assert np.allclose(kept, done.scores, atol=1e-3)


def test_a_graph_of_the_network_gives_what_torch_gives(tmp_path: Path) -> None:
    import torch

    from analysis.sky import realbogus

    torch.manual_seed(1)
    net = realbogus._net()
    with torch.no_grad():  # statistics other than those it begins with
        net(torch.randn(64, 4, 31, 31))
    net.eval()
    weights = {name: value.numpy() for name, value in net.state_dict().items()}
    about = {"format": realbogus._FORMAT, "kind": "network"}
    realbogus._write(tmp_path / "m.onnx", {"network": (weights, 2.0)}, about)
    some = triplets(5, True, 3)
    some[0, :, :, :20] = np.nan
    with torch.inference_mode():
        expected = torch.sigmoid(net(torch.from_numpy(prepared(some)))[:, 0] / 2).numpy()
    assert np.allclose(RealBogus.load(tmp_path / "m.onnx").score(some), expected, atol=1e-5)


def test_both_together_are_the_mean_of_their_log_odds(tmp_path: Path) -> None:
    import torch

    from analysis.sky import realbogus

    given_ = examples(20)
    sides = split(given_, 0)
    of = realbogus._fit_features(given_, sides).weights
    torch.manual_seed(1)
    net = {name: value.numpy() for name, value in realbogus._net().state_dict().items()}
    scores = {}
    for kind, parts in (
        ("network", {"network": (net, 1.0)}),
        ("features", {"features": (of, 3.0)}),
        ("both", {"features": (of, 6.0), "network": (net, 2.0)}),
    ):
        about = {"format": realbogus._FORMAT, "kind": kind}
        realbogus._write(tmp_path / "m.onnx", parts, about)
        scores[kind] = logit(RealBogus.load(tmp_path / "m.onnx").score(triplets(6, True, 5)))
    assert np.allclose(scores["both"], (scores["network"] + scores["features"]) / 2, atol=1e-3)


def test_a_training_that_was_stopped_goes_on_to_the_same_network(tmp_path: Path) -> None:
    given_, how = examples(60), Settings(epochs=2, batch=32)

    def stop(curve: list[dict[str, float]]) -> None:
        raise Stopped

    whole = train(given_, tmp_path / "whole", how)
    with pytest.raises(Stopped):
        train(given_, tmp_path / "stopped", how, on_epoch=stop)
    told: list[int] = []
    after = train(given_, tmp_path / "stopped", how, on_epoch=lambda curve: told.append(len(curve)))
    assert told == [2]  # the first epoch was not done again
    assert [row["loss"] for row in after.curve] == [row["loss"] for row in whole.curve]
    assert after.figures["network"]["auc"] == whole.figures["network"]["auc"]


def test_a_damaged_checkpoint_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "epoch.safetensors").write_bytes(b"\x07half")
    assert len(train(examples(60), tmp_path, Settings(epochs=1)).curve) == 1


@pytest.mark.parametrize(("n_real", "n_bogus"), [(5, 40), (40, 0)])
def test_too_few_of_a_kind_are_refused_with_numbers(
    tmp_path: Path, n_real: int, n_bogus: int
) -> None:
    n = n_real + n_bogus
    few = Examples(np.zeros((n, 3, SIDE, SIDE), np.uint8), np.arange(n) < n_real, np.arange(n))
    with pytest.raises(AnalysisError, match=f"{n_real} examples of what is real and {n_bogus}"):
        train(few, tmp_path)


@pytest.mark.parametrize("content", [b"", b"\x80\x04pickle", b"\x08\x07nonsense"])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(UnusableModel, match=r"m\.onnx"):
        RealBogus.load(tmp_path / "m.onnx")
    with pytest.raises(UnusableModel, match="gone"):
        RealBogus.load(tmp_path / "none.onnx")


def test_what_has_no_number_in_its_middle_has_no_score(tmp_path: Path) -> None:
    model = RealBogus.load(train(examples(20), tmp_path).file)
    some = triplets(2, True, 8)
    some[0, 1, SIDE // 2, SIDE // 2] = np.nan
    assert np.isnan(model.score(some)).tolist() == [True, False]
    assert len(model.score(some[:0])) == 0


@given(
    st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=60),
    st.integers(0, 5),
)
@settings(max_examples=60, deadline=None)
def test_what_belongs_together_stays_on_one_side(rows: list[tuple[int, bool]], seed: int) -> None:
    n = len(rows)
    group, real = np.array([one[0] for one in rows]), np.array([one[1] for one in rows])
    sides = split(Examples(np.zeros((n, 3, SIDE, SIDE), np.uint8), real, group), seed)
    assert sorted(np.concatenate(sides).tolist()) == list(range(n))
    groups = [set(group[side].tolist()) for side in sides]
    assert sum(len(one) for one in groups) == len(set(group.tolist()))


@given(
    arrays(np.float64, st.integers(2, 40), elements=st.integers(-3, 3).map(float)),
    st.integers(0, 2**32 - 1),
)
def test_area_is_the_share_of_pairs_in_the_right_order(scores: np.ndarray, seed: int) -> None:
    real = np.random.default_rng(seed).random(len(scores)) < 0.5
    pairs = [(a > b) + 0.5 * (a == b) for a in scores[real] for b in scores[~real]]
    area = area_under_curve(scores, real)
    assert np.isnan(area) if not pairs else area == pytest.approx(np.mean(pairs))


@given(arrays(np.float32, (3, 9, 9), elements=st.floats(-2.5, 39, width=32)))
def test_greys_hold_the_numbers_to_a_step_of_the_stretch(sigmas: np.ndarray) -> None:
    back = unstretched(stretched(sigmas))
    assert np.allclose(np.arcsinh(back), np.arcsinh(sigmas), atol=0.02)


def test_pictures_of_any_size_are_brought_to_one() -> None:
    small = np.arange(53 * 63, dtype=np.float32).reshape(53, 63)
    made = fitted(small)
    assert made.shape == (SIDE, SIDE)
    assert np.isnan(made[:5]).all()
    assert np.isnan(made[-5:]).all()
    assert made[31, 31] == small[26, 31]
    large = np.zeros((101, 81))
    large[50, 40] = 7
    assert fitted(large)[31, 31] == 7
    assert np.isnan(square(large, -100, 300)).all()


def test_noise_of_a_picture_is_its_own_and_nothing_is_nothing() -> None:
    draw = np.random.default_rng(0).normal(900, 12, (63, 63))
    draw[:4] = np.nan
    made = in_noise(draw)
    assert np.isnan(made[:4]).all()
    assert np.nanstd(made) == pytest.approx(1, abs=0.1)
    assert (in_noise(np.full((5, 5), 3.0)) == 0).all()
    assert np.isnan(in_noise(np.full((5, 5), np.nan))).all()

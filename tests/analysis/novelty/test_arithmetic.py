"""The arithmetic of what is new: energy, its fit, grouping, and the form in which regions lie."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.novelty.energy import FEWEST, NotEnough, Prototypes, confidence, fit
from analysis.novelty.grouping import group, one_a_sight, shown_s
from analysis.novelty.likeness import nearest
from analysis.novelty.regions import REGION, SIZE, Regions, unit

seeds = st.integers(0, 2**32 - 1)


def looks_of(seed: int, n: int, spread: float = 0.3, centres: int = 3):
    """Around a few directions far from each other; and which each is around."""
    random = np.random.default_rng(seed)
    middle = np.eye(SIZE, dtype=np.float32)[:centres]
    of = random.integers(0, centres, n)
    noise = unit(random.normal(size=(n, SIZE)).astype(np.float32))
    return unit(middle[of] + spread * noise), of


@given(seeds, st.integers(FEWEST, 200), st.floats(0.0, 0.3))
def test_no_more_of_the_known_are_called_novel_than_was_asked_for(seed, n, missed):
    looks, of = looks_of(seed, n)
    prototypes = Prototypes.of({10 + k: np.eye(SIZE, dtype=np.float32)[[k]] for k in range(3)})
    scores = prototypes.scores(looks)
    found = fit(scores, of, missed=missed)
    assert found.n_called_novel <= missed * n
    assert found.is_novel(scores).sum() == found.n_called_novel
    strange = np.eye(SIZE, dtype=np.float32)[[50]]
    assert found.is_novel(prototypes.scores(strange)).all(), "it is like nothing that is known"
    assert type(found).from_json(found.to_json()) == found


@given(seeds, st.floats(0.02, 1.0))
def test_energy_lies_between_the_best_score_and_that_of_as_many_equal_ones(seed, temperature):
    scores = np.random.default_rng(seed).uniform(-1, 1, (20, 5)).astype(np.float32)
    sure = confidence(scores, temperature)
    best = scores.max(axis=1)
    assert (sure >= best - 1e-5).all()
    assert (sure <= best + temperature * np.log(5) + 1e-5).all()


def test_too_little_is_said_in_words():
    prototypes = Prototypes.of({})
    looks, of = looks_of(1, 40)
    with pytest.raises(NotEnough, match="No label has a picture"):
        fit(prototypes.scores(looks), of)
    one = Prototypes.of({1: looks[:1]})
    with pytest.raises(NotEnough, match="5 sights of known labels are too few"):
        fit(one.scores(looks[:5]), np.zeros(5, int))
    fit(one.scores(looks), np.zeros(40, int))


@given(seeds, st.integers(0, 120))
def test_groups_part_what_differs_and_lose_nothing(seed, n):
    looks, of = looks_of(seed, n, spread=0.2)
    random = np.random.default_rng(seed)
    files, starts = random.integers(0, 3, n), random.uniform(0, 60, n)
    spans = np.stack([starts, starts + 2], axis=1)
    groups = group(looks, files, spans)
    assert sorted(at for one in groups for at in one.sights) == list(range(n))
    for one in groups:
        assert len(np.unique(of[one.sights])) == 1
        assert one.seconds <= 2 * len(one.sights) + 1e-9
    assert len(groups) == len(np.unique(of))
    ranks = [(-one.n_files, -one.seconds) for one in groups]
    assert ranks == sorted(ranks)
    again = group(looks, files, spans)
    assert [one.sights.tolist() for one in again] == [one.sights.tolist() for one in groups]


def test_memory_is_bounded_by_the_leaders():
    looks = unit(np.random.default_rng(1).normal(size=(500, SIZE)).astype(np.float32))
    spans = np.zeros((500, 2))
    assert len(group(looks, np.zeros(500), spans, most=40)) == 40


def test_frames_of_one_track_are_one_sight():
    looks, _ = looks_of(3, 6, spread=0.05, centres=1)
    means, first = one_a_sight(looks, np.array([7, 7, 2, 7, 2, 9]))
    assert first.tolist() == [0, 2, 5]
    assert means.shape == (3, SIZE)
    assert np.allclose(np.linalg.norm(means, axis=1), 1, atol=1e-5)


@given(st.lists(st.tuples(st.integers(0, 2), st.floats(0, 100), st.floats(0, 10)), max_size=20))
def test_what_lies_over_each_other_counts_once(some):
    files = np.array([f for f, _, _ in some])
    spans = np.array([(s, s + d) for _, s, d in some]).reshape(-1, 2)
    total = shown_s(files, spans)
    assert total <= sum(d for _, _, d in some) + 1e-6
    assert total >= max((d for _, _, d in some), default=0.0) - 1e-6


@given(seeds, st.integers(0, 40))
def test_regions_come_back_as_they_were_packed(seed, n):
    looks, _ = looks_of(seed, n)
    rows = np.zeros(n, REGION)
    rows["sight"], rows["label"] = np.arange(n) // 2, -1
    rows["time_s"] = np.random.default_rng(seed).uniform(0, 100, n)
    data = Regions(rows, looks).pack()
    back = Regions.unpack(data)
    assert np.array_equal(back.rows, rows)
    assert (np.abs((back.looks * looks).sum(axis=1) - 1) < 0.01).all()
    both = Regions.join([back, Regions.empty(), back])
    assert len(np.unique(both.rows["sight"])) == 2 * len(np.unique(rows["sight"]))


def test_bytes_of_something_else_are_refused():
    with pytest.raises(ValueError, match="not packed regions"):
        Regions.unpack(b"SLC2abc")


def test_nearest_says_which():
    looks, of = looks_of(2, 30)
    likeness, which = nearest(looks, np.eye(SIZE, dtype=np.float32)[:3])
    assert np.array_equal(which, of)
    assert (likeness > 0.9).all()
    with pytest.raises(ValueError, match="nothing to compare"):
        nearest(looks, np.empty((0, SIZE), np.float32))

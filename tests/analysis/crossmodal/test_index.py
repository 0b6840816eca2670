"""What an index finds is what the whole score finds; nothing that was removed, and no filter that
empties an answer."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.crossmodal.cells import LEAST_ITEMS, cells_of
from analysis.crossmodal.index import Index
from analysis.crossmodal.segments import Entries, signs
from analysis.crossmodal.space import Placed, continuous_scores, discrete_scores
from analysis.errors import UnusableModel

CODES, SIZE, WEIGHT = 64, 32, 0.1


def placed(n: int, seed: int = 0) -> Placed:
    """Items about some forty things: alike vectors have alike codes."""
    rng = np.random.default_rng(seed)
    things = np.random.default_rng(7).normal(size=(40, SIZE))
    about = rng.integers(0, 40, n)
    x = things[about] + 0.6 * rng.normal(size=(n, SIZE))
    firing = np.exp(x @ np.random.default_rng(8).normal(size=(SIZE, CODES)) / 6)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    codes = firing / firing.sum(1, keepdims=True)
    return Placed(unit.astype(np.float32), codes.astype(np.float32))


def entries(n: int, seed: int = 0, first: int = 0, each: int = 5) -> Entries:
    keys = np.arange(first, first + n)
    crowd = np.random.default_rng(seed + 1).uniform(0, 0.2, (n, 2)).astype(np.float32)
    return Entries(keys, keys // each, placed(n, seed), {"text": crowd})


def whole(one: Entries, question: Placed) -> np.ndarray:
    """The scores of everything, from unrounded numbers."""
    near = continuous_scores(question, one.placed)[0] - one.crowds["text"][:, 0]
    codes = discrete_scores(question, one.placed)[0] - one.crowds["text"][:, 1]
    return near + WEIGHT * codes


@pytest.fixture
def index(tmp_path) -> Index:
    return Index(tmp_path / "index", "space-1", "picture")


def keys(index: Index, question: Placed, count: int = 10, **named) -> list[int]:
    return [one.key for one in index.search("text", question, WEIGHT, count, **named)]


def test_it_finds_what_scoring_everything_finds(index):
    have = entries(8000)
    index.add(have)
    hits = 0
    for seed in range(20):
        question = placed(1, 100 + seed)
        best = np.argsort(-whole(have, question))[:10]
        hits += len(set(best.tolist()) & set(keys(index, question, looks=800)))
    assert hits >= 180


def test_its_scores_are_those_of_the_space_but_for_rounding(index):
    have = entries(300)
    index.add(have)
    question = placed(1, 5)
    told = {one.key: one.score for one in index.search("text", question, WEIGHT, 300)}
    assert np.array([told[key] for key in range(300)]) == pytest.approx(
        whole(have, question), abs=0.05
    )


def test_a_filter_never_empties_an_answer(index):
    """The best of one owner among many, though thousands of others are nearer."""
    index.add(entries(8000))
    question = placed(1, 3)
    far = np.argsort(whole(entries(8000), question))[:1] // 5
    found = index.search("text", question, WEIGHT, 5, owners=far)
    assert [one.owner for one in found] == far.tolist() * 5
    half = np.arange(0, 1600, 2)
    found = keys(index, question, 10, owners=half)
    allowed = np.isin(np.arange(8000) // 5, half)
    best = np.argsort(-np.where(allowed, whole(entries(8000), question), -np.inf))[:10]
    assert len(set(found) & set(best.tolist())) >= 9
    assert keys(index, question, owners=np.array([10**9])) == []


def test_what_is_removed_is_gone_at_once_and_may_come_back(index, tmp_path):
    index.add(entries(100))
    reader = Index(tmp_path / "index", "space-1", "picture")
    question = placed(1, 3)
    (best,) = keys(index, question, 1)
    index.remove(np.array([best // 5]))
    assert best not in keys(index, question, 100)
    assert len(index) == 95
    assert best in keys(reader, question, 100)  # as it was opened
    reader.refresh()
    assert best not in keys(reader, question, 100)
    again = entries(100)
    rows = np.flatnonzero(again.owners == best // 5)
    index.add(
        Entries(
            again.keys[rows],
            again.owners[rows],
            again.placed.some(rows),
            {"text": again.crowds["text"][rows]},
        )
    )
    assert keys(index, question, 1) == [best]
    assert len(index) == 100


def test_an_owner_that_is_indexed_anew_is_not_found_twice(index):
    index.add(entries(100))
    index.add(entries(100, seed=9))
    assert sorted(keys(index, placed(1, 3), 1000)) == list(range(100))
    assert index.owners().tolist() == list(range(20))


def test_joining_parts_changes_no_answer_and_frees_what_was_removed(index, tmp_path):
    for n in range(12):
        index.add(entries(60, seed=n, first=60 * n))
    index.remove(np.arange(0, 40))
    reader = Index(tmp_path / "index", "space-1", "picture")
    question, size = placed(1, 3), index.bytes()
    before = index.search("text", question, WEIGHT, 50)
    assert [index.merge(), index.merge()] == [True, False]
    assert index.search("text", question, WEIGHT, 50) == before
    assert reader.search("text", question, WEIGHT, 50) == before  # its files are gone
    reader.refresh()
    assert reader.search("text", question, WEIGHT, 50) == before
    assert index.bytes() < size


def test_what_another_process_is_about_to_name_is_left_where_it_is(tmp_path):
    """Two workers share a folder where one took over from another that was thought dead: neither
    takes what the other writes, fetches or is about to store."""
    folder = tmp_path / "index"
    mine, others = (Index(folder, "space-1", "picture", {}) for _ in range(2))
    for n in range(9):
        mine.add(entries(20, seed=n, first=20 * n))
    others.add(entries(20, first=500))
    fetching = folder / ".0a1b.part-of-another"
    fetching.mkdir()
    assert mine.merge()
    joined_away = {path.name for path in folder.glob("part-*")} - mine.parts().keys()
    mine.clear_up()
    there = {path.name for path in folder.iterdir()}
    assert there == {*mine.parts(), *others.parts(), fetching.name}
    assert len(joined_away) > 1
    for path in folder.iterdir():  # as if it had been left so, long ago
        os.utime(path, (0, 0))
    mine.clear_up()
    assert {path.name for path in folder.iterdir()} == {*mine.parts()}


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.sampled_from(["add", "remove", "merge"]), st.integers(0, 8)), max_size=8)
)
def test_whatever_is_added_and_removed_exactly_what_is_left_is_found(tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("index")
    index, left = Index(folder, "space-1", "picture"), set()
    for at, (what, owner) in enumerate(steps):
        if what == "add":
            index.add(entries(10, seed=at, first=owner * 10, each=10))
            left.add(owner)
        elif what == "remove":
            index.remove(np.array([owner]))
            left.discard(owner)
        else:
            index.merge()
    found = index.search("text", placed(1), WEIGHT, 1000)
    assert sorted(one.key for one in found) == [o * 10 + n for o in sorted(left) for n in range(10)]
    assert len(index) == len(found)
    shutil.rmtree(folder)


def test_the_index_of_another_space_or_modality_is_refused(index, tmp_path):
    index.add(entries(20))
    with pytest.raises(UnusableModel, match="never compared"):
        Index(tmp_path / "index", "space-2", "picture")
    with pytest.raises(UnusableModel, match="holds picture, not sound"):
        Index(tmp_path / "index", "space-1", "sound")


@pytest.mark.parametrize("which", ["index.json", "vectors.npy", "about.json"])
def test_a_damaged_index_says_that_it_must_be_built_anew(index, tmp_path, which):
    index.add(entries(20))
    (path,) = (tmp_path / "index").rglob(which)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(UnusableModel, match="build it anew"):
        Index(tmp_path / "index", "space-1", "picture")


def test_a_lost_part_says_so(index, tmp_path):
    index.add(entries(20))
    (part,) = (tmp_path / "index").glob("part-*")
    shutil.rmtree(part)
    with pytest.raises(UnusableModel, match="missing"):
        Index(tmp_path / "index", "space-1", "picture")


def test_an_empty_index_finds_nothing(index: Index, tmp_path: Path):
    assert index.search("text", placed(1), WEIGHT) == []
    assert len(index) == 0
    assert not index.merge()
    assert index.owners().tolist() == []


def test_signs_tell_the_angle_between_vectors():
    a, b = placed(200).continuous, placed(200, 1).continuous
    differ = np.bitwise_count(signs(a) ^ signs(b)).sum(1) / 256
    assert np.corrcoef(np.cos(np.pi * differ), (a * b).sum(1))[0, 1] > 0.9


def test_a_large_index_looks_into_neighbourhoods_and_finds_the_same(index):
    """Also where a filter leaves half of the items, and where it leaves those of another place."""
    have = entries(LEAST_ITEMS + 4000, each=1)
    index.add(have)
    hits = hits_of_half = 0
    half = np.arange(0, len(have), 2)
    for seed in range(10):
        question = placed(1, 100 + seed)
        scores = whole(have, question)
        hits += len({*np.argsort(-scores)[:10].tolist()} & {*keys(index, question)})
        best = half[np.argsort(-scores[half])[:10]]
        hits_of_half += len({*best.tolist()} & {*keys(index, question, owners=half)})
    assert hits >= 95
    assert hits_of_half >= 95
    far = np.argsort(whole(have, placed(1, 100)))[:5000]  # a twelfth, that promises least
    assert len(keys(index, placed(1, 100), owners=np.sort(far))) == 10


@pytest.mark.parametrize("n", [0, 1, LEAST_ITEMS])
def test_every_item_is_in_one_neighbourhood(n):
    vectors = np.random.default_rng(1).normal(size=(n, 4)).astype(np.float32)
    vectors[: n // 3] = 1.0  # many alike, as black frames are
    cells = cells_of(vectors)
    assert sorted(cells.rows.tolist()) == list(range(n))
    assert cells.starts[0] == 0
    assert cells.starts[-1] == n
    assert np.isfinite(cells.centres).all()
    everywhere = cells.promising(np.zeros(len(cells)), n)
    assert everywhere.tolist() == list(range(n))

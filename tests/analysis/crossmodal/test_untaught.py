"""A space of which nobody said what belongs together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.crossmodal.items import Items
from analysis.crossmodal.space import Space
from analysis.crossmodal.types import Encoded, Place
from analysis.crossmodal.untaught import untaught, with_untaught
from analysis.errors import AnalysisError, Stopped, UnusableModel
from tests.analysis.crossmodal.made_up import items, shown


@pytest.fixture(scope="module")
def space() -> Space:
    return untaught({name: items(name, shown(240), 1) for name in ("picture", "sound")})


@pytest.mark.parametrize("modality", ["picture", "sound"])
def test_what_shows_the_same_things_is_near(space: Space, modality: str):
    things = shown(40, seed=9)
    asked, there = (space.place(modality, items(modality, things, seed=seed)) for seed in (20, 30))
    for score in space.parts_of_scores(modality, asked, modality, there):
        assert (score.argmax(1) == np.arange(40)).mean() > 0.7, "chance is 0.025"
    best = space.scores(modality, asked, modality, there).argmax(1)
    assert (best == np.arange(40)).mean() > 0.9


def test_a_clip_is_compared_with_pictures_and_not_with_sound(space: Space):
    frames = items("picture", shown(3, seed=5))
    clip = Items(
        "clip",
        "clip-made-up-picture",
        frames.summaries.mean(0, keepdims=True),
        frames.parts,
        np.array([0, len(frames.parts)]),
        np.zeros(1, np.int64),
    )
    placed = space.place("clip", clip)
    others = space.place("picture", items("picture", shown(60, seed=6), 6))
    mine = space.place("picture", frames)
    near = space.scores("clip", placed, "picture", mine).max()
    assert near > np.median(space.scores("clip", placed, "picture", others))
    with pytest.raises(UnusableModel, match="cannot compare clip with sound"):
        space.scores("clip", placed, "sound", space.place("sound", items("sound", shown(2))))


def test_modalities_that_never_met_are_refused_in_a_sentence(space: Space):
    picture = space.place("picture", items("picture", shown(2)))
    sound = space.place("sound", items("sound", shown(2)))
    with pytest.raises(UnusableModel, match=r"picture with sound.*Teach a space from pairs"):
        space.scores("picture", picture, "sound", sound)
    assert not (picture.codes > 1e-3)[:, (sound.codes > 1e-3).any(0)].any(), "no code is shared"


def test_the_reason_is_the_thing_that_both_show(space: Space):
    things = np.array([[0, 1, 2], [0, 5, 6]])
    some = items("picture", things, 3)
    one, other = (
        Encoded(
            some.summaries[n],
            some.parts[some.offsets[n] : some.offsets[n + 1]],
            tuple(Place(word=str(thing)) for thing in things[n]),
        )
        for n in range(2)
    )
    first = space.explain("picture", one, "picture", other)[0]
    assert (first.in_query[0][0].word, first.in_item[0][0].word) == ("0", "0")


def test_a_file_of_it_says_the_same(space: Space, tmp_path: Path):
    read = Space.load(space.save(tmp_path / "space.safetensors"))
    assert (read.version, read.compared()) == (space.version, space.compared())
    some = items("sound", shown(4))
    assert np.allclose(read.place("sound", some).codes, space.place("sound", some).codes)


def test_numbers_that_are_none_never_get_a_place(space: Space, tmp_path: Path):
    some = items("sound", shown(4))
    for column in ("summaries", "parts"):
        broken = getattr(some, column).copy()
        broken[0] = np.inf
        with np.errstate(invalid="ignore"), pytest.raises(UnusableModel, match="NaN"):
            space.place("sound", replace(some, **{column: broken}))
    codebook = space.codebook.copy()
    codebook[0, 0] = np.nan
    replace(space, codebook=codebook).save(tmp_path / "space.safetensors")
    with pytest.raises(UnusableModel, match="NaN"):
        Space.load(tmp_path / "space.safetensors")


def test_nothing_is_made_of_too_little_of_the_same_or_of_numbers_that_are_none():
    some = items("picture", shown(40))
    with pytest.raises(AnalysisError, match="There are 3 × picture, and 8 are needed"):
        untaught({"picture": some.chosen(np.arange(3))})
    same = replace(some, summaries=np.ones_like(some.summaries))
    with pytest.raises(AnalysisError, match="looks the same"):
        untaught({"picture": same})
    broken = some.parts.copy()
    broken[0] = np.nan
    with pytest.raises(AnalysisError, match="NaN"):
        untaught({"picture": replace(some, parts=broken)})


def test_parts_that_are_all_the_same_are_one_code_and_no_fault():
    some = items("picture", shown(40))
    space = untaught({"picture": replace(some, parts=np.ones_like(some.parts))})
    placed = space.place("picture", some)
    assert np.isfinite(placed.codes).all()
    assert np.allclose(placed.codes.sum(1), 1, atol=1e-5)


def test_the_same_items_give_the_same_space_and_it_can_be_stopped():
    kinds = {"picture": items("picture", shown(40))}
    assert untaught(kinds).version == untaught(kinds).version
    with pytest.raises(Stopped):
        untaught(kinds, should_stop=lambda: True)


def test_a_taught_space_finds_what_it_was_taught_with_as_well_as_what_is_new():
    torch = pytest.importorskip("torch")
    assert torch
    from analysis.crossmodal.training import train
    from tests.analysis.crossmodal.made_up import QUICK, pairs

    taught = pairs(60)
    space = train(taught, replace(QUICK, epochs=2)).with_clips()
    known = space.place("picture", taught["picture"])
    itself = space.scores("picture", known, "picture", known).diagonal()
    assert itself.min() > 0.99, "of pictures among pictures nothing is taken off"
    assert not space.crowds("picture", known)["clip"].any()
    assert space.crowds("picture", known)["text"].any()
    assert space.compares("clip", "text")


def test_what_was_not_taught_is_still_compared_with_itself_beside_what_was():
    pytest.importorskip("torch")
    from analysis.crossmodal.training import train
    from tests.analysis.crossmodal.made_up import QUICK, pairs

    taught = train(pairs(60), replace(QUICK, epochs=2)).with_clips()
    both = with_untaught(taught, {"sound": items("sound", shown(240), 1)})
    things = shown(20, seed=9)
    kinds = {name: items(name, things, 5) for name in both.sides if name != "clip"}
    for a, b in (("text", "picture"), ("picture", "picture")):
        before = taught.scores(a, taught.place(a, kinds[a]), b, taught.place(b, kinds[b]))
        after = both.scores(a, both.place(a, kinds[a]), b, both.place(b, kinds[b]))
        assert np.allclose(before, after, atol=0.02), "what was taught lies where it lay"
    asked, there = (both.place("sound", items("sound", things, seed)) for seed in (20, 30))
    best = both.scores("sound", asked, "sound", there).argmax(1)
    assert (best == np.arange(20)).mean() > 0.9
    with pytest.raises(UnusableModel, match="cannot compare text with sound"):
        both.scores("text", both.place("text", kinds["text"]), "sound", there)
    assert both.compares("clip", "text")

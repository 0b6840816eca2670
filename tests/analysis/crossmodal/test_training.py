"""What is taught from matching items finds them again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from analysis.crossmodal.items import Items, checked  # noqa: E402
from analysis.crossmodal.kinds import Taken  # noqa: E402
from analysis.crossmodal.measures import retrieval  # noqa: E402
from analysis.crossmodal.space import (  # noqa: E402
    Space,
    continuous_scores,
    discrete_scores,
)
from analysis.crossmodal.training import Collapsed, Epoch, train, weighed  # noqa: E402
from analysis.crossmodal.words import held  # noqa: E402
from analysis.errors import AnalysisError, Stopped, UnusableModel  # noqa: E402
from tests.analysis.crossmodal.made_up import (  # noqa: E402
    QUICK,
    THINGS,
    items,
    pairs,
    shown,
)


@pytest.fixture(scope="module")
def space() -> Space:
    return train(pairs(160, "picture", "text", "sound"), QUICK)


def test_what_matches_is_found_by_cosines_by_codes_and_by_both(space: Space):
    things = shown(40, seed=9)
    kinds = {name: items(name, things, 5) for name in space.sides}
    placed = {name: space.place(name, one) for name, one in kinds.items()}
    for a, b in (("text", "picture"), ("sound", "picture"), ("text", "sound")):
        groups = kinds[a].groups, kinds[b].groups
        for score in (continuous_scores, discrete_scores):
            found = retrieval(score(placed[a], placed[b]), *groups)
            assert found.recall[5] > 0.6, (a, b, score.__name__)  # chance is 0.125
        both = retrieval(space.scores(a, placed[a], b, placed[b]), *groups)
        assert both.recall[5] > 0.9
        assert both.median_rank <= 2


def test_what_is_written_down_places_items_as_what_was_taught(space: Space):
    some = items("text", shown(5))
    placed = space.place("text", some)
    assert np.allclose(np.linalg.norm(placed.continuous, axis=1), 1, atol=1e-5)
    assert np.allclose(placed.codes.sum(1), 1, atol=1e-5)
    each = [space.place("text", some.chosen(np.array([n]))) for n in range(5)]
    assert np.allclose(placed.codes, np.concatenate([one.codes for one in each]), atol=1e-6)


def test_codes_that_are_shared_fire_at_the_thing_that_is_shared(space: Space):
    from analysis.crossmodal.types import Encoded, Place

    things = np.array([[0, 1, 2], [0, 5, 6]])
    encoded = {}
    for name in ("text", "picture"):
        one = items(name, things, 3)
        encoded[name] = [
            Encoded(
                one.summaries[i],
                one.parts[3 * i : 3 * i + 3],
                tuple(Place(word=str(thing)) for thing in things[i]),
            )
            for i in range(2)
        ]
    shared = space.explain("text", encoded["text"][0], "picture", encoded["picture"][1])
    assert shared[0].in_query[0][0].word == "0"
    assert shared[0].in_item[0][0].word == "0"
    assert sum(code.weight for code in shared) <= 1.0001
    assert [c.weight for c in shared] == sorted((c.weight for c in shared), reverse=True)


def test_the_same_pairs_and_seed_give_the_same_space_and_others_another():
    some = replace(QUICK, epochs=2)
    first, second = (train(pairs(40), some).version for _ in range(2))
    assert first == second
    assert train(pairs(40), replace(some, seed=1)).version != first


def test_a_training_that_was_killed_goes_on_as_if_nothing_had_happened(tmp_path: Path):
    some = replace(QUICK, epochs=4)
    whole = train(pairs(60), some)
    told: list[Epoch] = []
    with pytest.raises(Stopped):
        train(
            pairs(60), some, folder=tmp_path, tell=told.append, should_stop=lambda: len(told) == 2
        )
    again: list[Epoch] = []
    assert train(pairs(60), some, folder=tmp_path, tell=again.append).version == whole.version
    assert [epoch.number for epoch in again] == [1, 2, 3, 4]
    assert again[:2] == told


def test_what_was_kept_of_other_pairs_or_damaged_is_not_gone_on_from(tmp_path: Path):
    some = replace(QUICK, epochs=1)
    train(pairs(40), some, folder=tmp_path)
    other = train(pairs(40, seed=3), some)
    assert train(pairs(40, seed=3), some, folder=tmp_path).version == other.version
    (tmp_path / "training.safetensors").write_bytes(b"cut off")
    assert train(pairs(40, seed=3), some, folder=tmp_path).version == other.version


def test_what_was_saved_is_read_back_and_other_files_are_refused(space: Space, tmp_path: Path):
    read = Space.load(space.save(tmp_path / "space.safetensors"))
    assert read.version == space.version
    assert read.weights == space.weights
    other = items("text", shown(3))
    assert np.array_equal(read.place("text", other).codes, space.place("text", other).codes)
    (tmp_path / "broken.safetensors").write_bytes(b"\0" * 40)
    for name in ("broken", "missing"):
        with pytest.raises(UnusableModel, match="no space of Sightline"):
            Space.load(tmp_path / f"{name}.safetensors")


def test_codes_may_count_more_one_way_than_the_other(space: Space, tmp_path: Path):
    assert weighed([(0.5, 0.5), (0.6, 0.4), (0.55, 0.45)]) == (1, 0)
    assert weighed([(0.5, 0.501), (0.6, 0.5)]) == (1, 1)  # so little says nothing against it
    ways = {"picture+text": 0.3, "text>picture": 0.1}
    told = Space.load(replace(space, weights=ways).save(tmp_path / "space")).with_clips()
    assert told.weight("text", "picture") == told.weight("text", "clip") == 0.1
    assert told.weight("picture", "text") == told.weight("clip", "text") == 0.3  # as it was before
    assert told.weight("sound", "clip") == 0.0
    a, b = (space.place(name, items(name, shown(4))) for name in ("text", "picture"))
    near, codes = told.parts_of_scores("text", a, "picture", b)
    assert np.allclose(told.scores("text", a, "picture", b), near + 0.1 * codes)
    assert np.allclose(told.scores("picture", b, "text", a), (near + 0.3 * codes).T, atol=1e-5)


def test_items_whose_parts_say_more_than_their_summaries_are_placed_by_their_parts(tmp_path: Path):
    some = pairs(160)
    noise = np.random.default_rng(5).normal(size=some["picture"].summaries.shape)
    some["picture"] = replace(some["picture"], summaries=noise.astype(np.float32))
    space = train(some, replace(QUICK, epochs=1))
    assert space.sides["picture"].taken.pools
    read = Space.load(space.save(tmp_path / "space.safetensors"))
    assert read.version == space.version
    placed = {name: read.place(name, one) for name, one in some.items()}
    cosines = continuous_scores(placed["picture"], placed["text"])
    groups = some["picture"].groups, some["text"].groups
    assert retrieval(cosines, *groups).recall[5] > 0.6  # chance is 0.03
    as_was = replace(space.sides["picture"], taken=Taken())
    assert replace(space, sides={**space.sides, "picture": as_was}).version != space.version


def test_texts_go_by_the_words_they_hold_where_what_they_mean_says_less(tmp_path: Path):
    some = pairs(160)
    things = shown(160)
    said = np.stack([held([f"thing{chr(97 + thing)}" for thing in row]) for row in things])
    noise = np.random.default_rng(5).normal(size=some["text"].summaries.shape)
    some["text"] = replace(
        some["text"], summaries=noise.astype(np.float32), parts=some["text"].parts * 0, words=said
    )
    space = train(some, replace(QUICK, epochs=1))
    assert space.sides["text"].taken.has_words
    read = Space.load(space.save(tmp_path / "space.safetensors"))
    assert read.version == space.version
    placed = {name: read.place(name, one) for name, one in some.items()}
    cosines = continuous_scores(placed["picture"], placed["text"])
    groups = some["picture"].groups, some["text"].groups
    assert retrieval(cosines, *groups).recall[5] > 0.6  # chance is 0.03
    sides = {**space.sides, "text": replace(space.sides["text"], taken=Taken())}
    assert replace(space, sides=sides).version != space.version
    assert np.isfinite(read.place("text", replace(some["text"], words=None)).continuous).all()


def test_items_go_by_the_kinds_of_their_parts_where_their_mean_says_nothing(tmp_path: Path):
    some, things = pairs(200), shown(200)
    looks = np.random.default_rng(3).normal(size=(THINGS, 20))
    each = looks[things]  # of each thing its opposite as well: what is left in the mean is noise
    parts = np.concatenate([each, -each], 1).reshape(-1, 20)
    noise = np.random.default_rng(4).normal(size=parts.shape)
    some["picture"] = replace(
        some["picture"],
        summaries=noise[:200].astype(np.float32),
        parts=(parts + 0.1 * noise).astype(np.float32),
        offsets=np.arange(201) * 6,
    )
    space = train(some, replace(QUICK, epochs=1))
    assert space.sides["picture"].taken.kinds is not None
    read = Space.load(space.save(tmp_path / "space.safetensors"))
    assert read.version == space.version
    placed = {name: read.place(name, one) for name, one in some.items()}
    cosines = continuous_scores(placed["picture"], placed["text"])
    groups = some["picture"].groups, some["text"].groups
    assert retrieval(cosines, *groups).recall[5] > 0.6  # chance is 0.025
    alone = read.place("picture", some["picture"].chosen(np.array([7])))
    assert np.allclose(alone.continuous[0], placed["picture"].continuous[7], atol=1e-5)


def test_what_it_was_not_taught_is_refused_in_words(space: Space):
    other = items("text", shown(3))
    with pytest.raises(UnusableModel, match="picture, text, sound, and not smell"):
        space.place("smell", other)
    with pytest.raises(UnusableModel, match="Encode it again"):
        space.place("text", replace(other, engine="another"))


def test_pairs_that_nothing_can_be_learnt_from_are_refused_in_words():
    good = pairs(10)
    same = replace(good["text"], summaries=np.ones_like(good["text"].summaries))
    moved = replace(good["text"], groups=good["text"].groups + 100)
    none = replace(good["text"], summaries=np.full_like(good["text"].summaries, np.nan))
    for wrong, says in (
        ({"picture": good["picture"]}, "only one here: picture"),
        (good | {"text": good["text"].chosen(np.array([], int))}, "only one here: picture"),
        (pairs(1), "single pair"),
        (good | {"text": same}, "Every text looks the same"),
        (good | {"text": moved}, "None of these match"),
        (good | {"text": none}, "NaN"),
    ):
        with pytest.raises(AnalysisError, match=says):
            train(wrong, QUICK)


def test_what_has_no_partner_is_left_out_and_counted():
    things = shown(10)
    some = {"picture": items("picture", things), "text": items("text", things[:6])}
    kept, told = checked(some)
    assert len(kept["picture"]) == 6
    assert told == ["4 pictures left out: nothing matches them."]


def test_a_codebook_that_collapsed_stops_the_training_and_is_told():
    def one_thing(modality: str) -> Items:
        some = items(modality, shown(40))
        return replace(some, parts=np.ones_like(some.parts))

    with pytest.raises(Collapsed, match=r"of 48 codes \d are in use, as diverse as \d\.0"):
        train({"picture": one_thing("picture"), "text": one_thing("text")}, QUICK)


def test_several_captions_of_a_picture_are_all_right():
    things = shown(80)
    some = {"picture": items("picture", things), "text": items("text", things, copies=3)}
    space = train(some, replace(QUICK, items_each=3, epochs=20))
    placed = {name: space.place(name, one) for name, one in some.items()}
    scores = space.scores("picture", placed["picture"], "text", placed["text"])
    assert (
        retrieval(scores, some["picture"].groups, some["text"].groups).recall[5] > 0.8
    )  # by chance 0.0625

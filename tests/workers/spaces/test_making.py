"""The first space: made by itself of what is encoded, and its codes named."""

from __future__ import annotations

import pytest
from django.core.files.storage import default_storage

from analysis.crossmodal.space import Space as TaughtSpace
from tests.scenes import ENGINES, THINGS, encodings_of, shown_in, spoken_as_shown
from webapp.indexing.indexing import Indexing
from webapp.leases import Status
from webapp.spaces import serving
from webapp.spaces.codes import Code
from webapp.spaces.indexes import SpaceIndex
from webapp.spaces.making import SpaceMaking
from webapp.spaces.space import Space
from workers.engine import housekeeping
from workers.engine.originals import local_path
from workers.spaces.make import make_space

SHOWN = shown_in(120)


def made(workspace) -> Space:
    row = SpaceMaking.objects.request(workspace, by=None)
    make_space(row.pk)
    row.refresh_from_db()
    assert row.status == Status.DONE, row.error
    return row.result


def test_it_is_made_once_when_enough_is_encoded_and_again_when_the_encoder_changes(
    workspace, asset
):
    encodings_of(asset, SHOWN[:40])
    housekeeping.make_first_spaces()
    assert not SpaceMaking.objects.exists(), "40 frames are too few"
    encodings_of(asset, SHOWN)
    for _ in range(2):
        housekeeping.make_first_spaces()
    (row,) = SpaceMaking.objects.all()
    make_space(row.pk)
    housekeeping.make_first_spaces()
    assert SpaceMaking.objects.count() == 1
    space = Space.objects.get()
    assert (space.kind, space.state, space.number) == ("looks", "coming", 1)
    assert sorted(SpaceIndex.objects.values_list("modality", flat=True)) == ["clip", "picture"]

    encodings_of(asset, SHOWN, engine="another")
    housekeeping.make_first_spaces()
    assert SpaceMaking.objects.unfinished().get().engines == {"picture": "another"}


def test_codes_are_called_by_what_is_said_and_seen_where_they_fire(workspace, asset, run):
    long = shown_in(260)
    encodings_of(asset, long)
    encodings_of(asset, long, "sound")
    spoken_as_shown(asset, long)
    space = made(workspace)
    assert space.engines == ENGINES | {"clip": "clip-made-up-picture"}
    assert "picture+sound" not in space.pairs
    named = space.codes.that_fire()
    best = [code.words[0] for code in named if code.words]
    assert sum(one["word"] in THINGS for one in best) > 0.7 * len(named), "and not “look”"
    labels = {one["word"] for code in named for one in code.labels}
    assert labels == {"Kestrel", "Norra Bank"}, "of the run, whose boxes lie where codes fire"
    example = next(c.examples[0] for c in named if c.examples[0]["modality"] == "picture")
    assert example["asset"] == asset.pk
    x1, y1, x2, y2 = example["box"]
    assert (x2 - x1, y2 - y1) == (0.5, 0.5)
    assert {one["modality"] for code in named for one in code.examples} == {"picture", "sound"}
    assert named.matching(THINGS[0]).exists()
    assert space.figures["items"] == {"picture": 260, "sound": 52}

    read = TaughtSpace.load(local_path(space.file))
    assert (read.version, len(read.codebook)) == (space.version, space.codes.count())


def test_the_same_made_again_is_the_same_space_and_what_people_called_its_codes_stands(
    workspace, asset, owner
):
    encodings_of(asset, SHOWN)
    space = made(workspace)
    space.codes.first().rename("  My   code ", by=owner)
    Space.objects.update(state=Space.State.KEPT)
    again = made(workspace)
    assert again == space
    assert again.state == Space.State.COMING
    assert Code.objects.get(space=again, number=0).called == "My code"


def test_a_film_that_was_deleted_or_encoded_anew_counts_once_or_not(workspace, asset, asset_in):
    encodings_of(asset, SHOWN)
    encodings_of(asset, SHOWN)
    other = asset_in(workspace, "gone.mp4")
    encodings_of(other, SHOWN)
    type(other).objects.filter(pk=other.pk).update(removed="2026-01-01T00:00Z")
    assert made(workspace).figures["items"] == {"picture": 120}


def test_black_frames_damage_and_too_little_are_said_in_sentences(workspace, asset, asset_in):
    dark = encodings_of(asset, [()] * 60)
    row = SpaceMaking.objects.request(workspace, by=None)
    make_space(row.pk)
    row.refresh_from_db()
    assert row.status == Status.FAILED
    assert row.error == "There is nothing to compare. Nothing."
    default_storage.delete(dark.file)
    encodings_of(asset_in(workspace, "seen.mp4"), SHOWN)
    assert "could not be read" in made(workspace).notes[0]


def test_there_is_nothing_to_make_one_of(workspace):
    from webapp.accounts.models import Refused

    with pytest.raises(Refused, match="There is too little to make a space of"):
        SpaceMaking.objects.request(workspace, by=None)


def test_what_serves_is_not_deleted_and_a_kept_one_goes_with_its_file(workspace, asset, owner):
    from webapp.accounts.models import Refused

    encodings_of(asset, SHOWN)
    space = made(workspace)
    with pytest.raises(Refused, match="choose another one first"):
        serving.delete(space, by=owner)
    serving.set_aside(space, by=owner)
    assert not SpaceIndex.objects.exists()
    serving.take(space, by=owner)
    assert SpaceIndex.objects.filter(status=Status.WAITING).count() == 2
    serving.set_aside(space, by=owner)
    with pytest.raises(Refused, match="is not about to serve"):
        serving.set_aside(space, by=owner)
    file = space.file
    assert Indexing.objects.filter(asset=asset).exists()
    serving.delete(space, by=owner)
    assert not Space.objects.exists()
    assert default_storage.exists(file), "until the transaction ends"

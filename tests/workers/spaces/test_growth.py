"""As a library grows its codes are called by what it holds by now; names by people stand."""

from __future__ import annotations

import pytest

from tests.encoded import index_all
from tests.scenes import encodings_of, shown_in, spoken_as_shown
from webapp.accounts.models import Event
from webapp.spaces.indexes import SpaceIndex
from webapp.spaces.making import SpaceMaking
from webapp.spaces.space import Space
from workers.spaces.make import make_space

SHOWN = shown_in(120)


@pytest.fixture
def space(workspace, asset) -> Space:
    """Of a film that nobody says a word in: its codes have numbers only."""
    encodings_of(asset, SHOWN)
    row = SpaceMaking.objects.request(workspace, by=None)
    make_space(row.pk)
    index_all()
    space = Space.objects.get()
    assert not space.codes.exclude(words=[]).exists()
    return space


def grown(workspace, asset_in, seconds: int, name: str = "more.mp4"):
    """Another film comes, in which what is seen is said."""
    other, shown = asset_in(workspace, name), shown_in(seconds, seed=3)
    encodings_of(other, shown)
    spoken_as_shown(other, shown)
    SpaceIndex.objects.request_for(workspace)
    index_all()
    return other


def test_codes_get_the_words_of_what_came_and_keep_what_people_called_them(
    workspace, asset, asset_in, owner, space
):
    before = space.n_named_by
    assert before > 0
    named, muted = space.codes.that_fire()[:2]
    named.rename("My trophy", by=owner)
    muted.mute(True, by=owner)

    other = grown(workspace, asset_in, 120)

    space.refresh_from_db()
    assert space.n_named_by == space.n_items() > before
    said = space.codes.that_fire().exclude(words=[])
    assert said.count() > space.codes.that_fire().count() / 2
    assert {one["asset"] for code in said for one in code.examples} == {asset.pk, other.pk}
    named.refresh_from_db()
    muted.refresh_from_db()
    assert (named.called, muted.is_muted) == ("My trophy", True)
    assert Event.objects.filter(what="named codes anew").count() == 1

    SpaceIndex.objects.request_for(workspace)
    index_all()
    assert Event.objects.filter(what="named codes anew").count() == 1, "nothing came since"


def test_a_little_more_changes_no_name(workspace, asset_in, space):
    grown(workspace, asset_in, 20)
    assert not space.codes.exclude(words=[]).exists()

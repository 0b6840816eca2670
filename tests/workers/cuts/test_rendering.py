"""A rendering is one piece of long work: one film at its end, none where it was not finished."""

from __future__ import annotations

import errno

import pytest
from django.core.files.storage import default_storage

from analysis.errors import Stopped
from tests.analysis.clips import constant, write_sound
from tests.analysis.cutting.test_render import facts, numbers
from tests.webapp.cut_films import cut_of, ready, ready_film
from webapp import erasing
from webapp.accounts.models import Refused
from webapp.assets.models import Asset
from webapp.cuts.choosing import Wish, clips_wished
from webapp.cuts.renderings import Rendering
from webapp.leases import Status, from_now
from workers.cuts.render import render_cut, work
from workers.engine import housekeeping
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import local_path
from workers.engine.piece import carry_out


@pytest.fixture
def film(workspace, tmp_path):
    return ready_film(tmp_path, workspace, sound_s=4)


@pytest.fixture
def other(workspace, tmp_path):
    return ready_film(tmp_path, workspace, "b.mkv", times=constant(60), size=(48, 64))


@pytest.fixture
def cut(workspace, owner, film, other):
    return cut_of(workspace, owner, (film, 1, 1.4, "Goal"), (other, 0, 0.5, "Crowd"))


def stored() -> list[str]:
    return list(erasing.below("cuts"))


def rendered(cut, by=None) -> Rendering:
    row = Rendering.objects.request(cut, by=by)
    render_cut(row.pk)
    row.refresh_from_db()
    return row


def test_it_is_the_clips_with_a_chapter_for_each(cut):
    row = rendered(cut)
    assert (row.status, row.progress) == (Status.DONE, 1.0), row.error
    assert stored() == [row.file]
    path = local_path(row.file)
    assert numbers(path)[:10] == list(range(25, 35))
    known = facts(path)
    assert [chapter["tags"]["title"] for chapter in known["chapters"]] == ["Goal", "Crowd"]
    assert row.duration_s == pytest.approx(0.4 + 0.5, abs=0.021)
    assert row.size_bytes == path.stat().st_size
    assert Rendering.objects.done(cut) == row


def test_another_replaces_it(cut):
    first = rendered(cut)
    cut.standing().first().rename("Kick-off")
    assert Rendering.objects.done(cut).fingerprint != cut.fingerprint
    second = rendered(cut)
    assert not Rendering.objects.filter(pk=first.pk).exists()
    assert second.fingerprint == cut.fingerprint


@pytest.mark.django_db(transaction=True)
def test_only_one_file_is_left_of_two(cut):
    first = rendered(cut)
    second = rendered(cut)
    assert stored() == [second.file] != [first.file]


def test_a_worker_that_lost_its_lease_leaves_no_file(cut):
    row = Rendering.objects.request(cut, by=None)
    slow = Rendering.objects.claim(row.pk, "a")
    Rendering.objects.filter(pk=row.pk).update(lease_until=from_now(-1))
    render_cut(row.pk)  # another takes it up from the beginning
    row.refresh_from_db()
    assert row.status == Status.DONE
    carry_out(slow, work)
    row.refresh_from_db()
    assert row.status == Status.DONE
    assert stored() == [row.file]


def test_killed_it_is_done_again(cut, monkeypatch):
    row = Rendering.objects.request(cut, by=None)
    Rendering.objects.claim(row.pk, "host:1:gone")  # and then nothing is heard of it
    Rendering.objects.filter(pk=row.pk).update(lease_until=from_now(-1))
    housekeeping.give_up_on_the_poisonous()
    render_cut(row.pk)
    row.refresh_from_db()
    assert row.status == Status.DONE
    assert len(stored()) == 1


def test_cancelled_it_leaves_none(cut):
    row = Rendering.objects.request(cut, by=None)
    held = Rendering.objects.claim(row.pk, "a")
    assert Rendering.objects.get(pk=row.pk).cancel()
    carry_out(held, work)
    row.refresh_from_db()
    assert (row.state, stored()) == ("cancelled", [])
    assert row.retry()
    render_cut(row.pk)
    row.refresh_from_db()
    assert (row.state, stored()) == ("done", [row.file])


def test_it_stops_when_it_is_told(cut):
    row = Rendering.objects.claim(Rendering.objects.request(cut, by=None).pk, "a")
    beat = Heartbeat(row)
    beat.lost.set()
    with pytest.raises(Stopped):
        work(row, beat)
    assert stored() == []


def test_a_full_disk_is_said(cut, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(type(default_storage._wrapped), "_save", full)
    row = Rendering.objects.request(cut, by=None)
    for _ in range(3):
        Rendering.objects.filter(pk=row.pk).update(lease_until=None)
        render_cut(row.pk)
    row.refresh_from_db()
    assert row.status == Status.FAILED
    assert row.error.startswith("The disk is full. Free some space")
    assert row.can_retry


def test_a_reel_across_a_deleted_film_goes_without_it(cut, film, owner):
    other = cut.standing().last().asset
    other.remove(by=owner)
    row = rendered(cut)
    assert numbers(local_path(row.file)) == list(range(25, 35))
    assert [clip.is_gone for clip in cut.standing()] == [False, True]


def test_a_film_that_is_deleted_while_it_waits_is_named(cut, owner):
    row = Rendering.objects.request(cut, by=None)
    cut.standing().last().asset.remove(by=owner)
    render_cut(row.pk)
    row.refresh_from_db()
    assert row.left_out == ["b.mkv"]


def test_all_of_them_deleted_there_is_nothing_to_render(cut, owner):
    row = Rendering.objects.request(cut, by=None)
    for clip in cut.standing():
        clip.asset.remove(by=owner)
    render_cut(row.pk)
    row.refresh_from_db()
    assert row.error == "There is nothing to render: every film of this cut was deleted."
    with pytest.raises(Refused, match="every film of this cut was deleted"):
        Rendering.objects.request(cut, by=None)


def test_erasing_a_film_erases_what_shows_it(cut, film, other, owner):
    row = rendered(cut)
    film.remove(by=owner)
    assert Rendering.objects.done(cut) is None  # from that moment on nobody sees it
    Asset.everything.get(pk=film.pk).restore(by=owner)
    assert Rendering.objects.done(cut) == row
    film.remove(by=owner)
    Asset.everything.get(pk=film.pk).erase()
    assert stored() == []
    assert not Rendering.objects.exists()
    gone, there = cut.standing()
    assert (gone.is_gone, gone.asset, gone.asset_name) == (True, None, "cup.mp4")
    assert not there.is_gone


def test_sound_and_films_together(workspace, owner, film, tmp_path):
    talk = ready(write_sound(tmp_path / "talk.m4a", 2), workspace)
    row = rendered(cut_of(workspace, owner, (talk, 0.5, 1, "Greeting"), (film, 0, 0.2, "")))
    assert row.status == Status.DONE, row.error
    assert len(numbers(local_path(row.file))) == 12 + 5


def test_a_cut_of_recordings_is_sound_unless_a_film_is_wished_for(workspace, owner, film, tmp_path):
    talk = ready(write_sound(tmp_path / "talk.m4a", 3), workspace)
    cut = cut_of(workspace, owner, (talk, 0.5, 1.5, "Opening"), (talk, 2, 2.5, "End"))
    row = rendered(cut)
    assert (row.status, row.ending, row.width) == (Status.DONE, "m4a", 0), row.error
    assert row.duration_s == pytest.approx(1.5)
    assert [chapter["title"] for chapter in row.chapters] == ["Opening", "End"]
    assert all(one["codec_type"] != "video" for one in facts(local_path(row.file))["streams"])
    cut.add(clips_wished(workspace, [Wish.read(f"{film.pk}:0:1:")]))
    assert rendered(cut).ending == "mp4", "there are pictures in it"
    row = Rendering.objects.request(cut, by=owner, ending="mp3")
    render_cut(row.pk)
    row.refresh_from_db()
    assert row.file.endswith(".mp3")
    with pytest.raises(Refused, match="mp4, m4a, mp3"):
        Rendering.objects.request(cut, by=owner, ending="exe")

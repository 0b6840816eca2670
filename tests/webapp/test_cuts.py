"""Cuts: made of what was chosen, changed clip by clip, and taken away."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import reverse
from django.utils import timezone

from tests.analysis.clips import variable, write_sound
from tests.heard import told_apart
from tests.spoken import outlined, transcribed
from tests.webapp.cut_films import cut_of, ready, ready_film
from webapp import removal
from webapp.accounts.models import Refused
from webapp.assets.models import Asset
from webapp.cuts.choosing import ReelWish, Wish, clips_wished, reel
from webapp.cuts.cut import Cut, CutClip
from webapp.cuts.renderings import Rendering
from webapp.leases import Status
from webapp.search import keeping


@pytest.fixture
def at(analyst, client_for):
    return client_for(analyst)


@pytest.fixture
def film(workspace, tmp_path):
    return ready_film(tmp_path, workspace, sound_s=4)


@pytest.fixture
def cut(workspace, analyst, film):
    parts = [(film, 0.4, 0.8, "One"), (film, 2, 2.4, "Two"), (film, 3, 3.2, "Three")]
    return cut_of(workspace, analyst, *parts)


def titles(cut) -> list[str]:
    return [clip.title for clip in cut.standing()]


def test_parts_that_were_chosen_become_a_cut(at, film):
    spans = [f"{film.pk}:1.01:1.5:The goal: at last", f"{film.pk}:0:0.2:"]
    answer = at.post(reverse("cut-add"), {"span": spans, "title": "Cup"}, follow=True)
    cut = Cut.objects.get()
    assert answer.redirect_chain[-1][0] == reverse("cut", args=[cut.pk])
    one, other = cut.standing()
    assert (one.title, one.start_s, one.end_s) == ("The goal: at last", 1.0, 1.52)  # whole frames
    assert (other.title, other.start_s, other.end_s) == ("", 0.0, 0.2)
    page = answer.content.decode()
    assert "2 clips, 0:00.7" in page
    assert json.loads(page.split('id="cut-data" type="application/json">')[1].split("<")[0])


def test_more_is_added_to_the_cut_that_was_looked_at_last(at, film):
    span = {"span": f"{film.pk}:1:2:Again", "cut": "last", "stay": "on"}
    at.post(reverse("cut-add"), span)
    answer = at.post(reverse("cut-add"), span, headers={"HX-Request": "true"})
    assert "Added to “Again”, which has 2 clips now." in answer.content.decode()
    assert Cut.objects.count() == 1


@pytest.mark.parametrize(
    ("span", "sentence"),
    [
        ("", "is given as its number"),
        ("x:1:2", "is given as its number"),
        ("1:nan:2", "is given as its number"),
        ("{film}:50:60:x", "None of these parts lies within its film."),
        ("{film}:2:2:x", "None of these parts lies within its film."),
        ("{film}:3:1:x", "None of these parts lies within its film."),
        ("999999:1:2:x", "is not there any more"),
        ("{other}:1:2:x", "is not there any more"),
    ],
)
def test_what_is_no_part_of_a_film_is_said(at, film, other_asset, span, sentence):
    asked = span.format(film=film.pk, other=other_asset.pk)
    answer = at.post(reverse("cut-add"), {"span": asked}, follow=True)
    assert sentence in answer.content.decode()
    assert not Cut.objects.exists()


def test_a_picture_and_what_is_not_ready_are_refused(workspace, asset_in):
    picture = asset_in(workspace, "logo.png", kind=Asset.Kind.IMAGE, duration_s=0)
    with pytest.raises(Refused, match=r"logo.png is a picture: cuts are made of films and sound."):
        clips_wished(workspace, [Wish.read(f"{picture.pk}:0:1:x")])
    arriving = asset_in(workspace, "new.mp4", status=Status.WAITING)
    with pytest.raises(Refused, match="still being prepared"):
        clips_wished(workspace, [Wish.read(f"{arriving.pk}:0:1:x")])


def test_a_cut_has_room_for_hundreds_of_clips_and_no_more(workspace, analyst, film):
    many = [Wish.read(f"{film.pk}:{n / 100}:{n / 100 + 0.1}:{n}") for n in range(200)]
    cut = Cut.objects.make(workspace, clips_wished(workspace, many), title="All", by=analyst)
    assert cut.standing().count() == 200
    with pytest.raises(Refused, match="at most 500 clips; this one would have 600"):
        cut.add(clips_wished(workspace, many) * 2)
    assert cut.standing().count() == 200


def test_two_hundred_clips_are_quick_to_show(
    at, workspace, analyst, film, django_assert_max_num_queries
):
    many = [Wish.read(f"{film.pk}:{n / 100}:{n / 100 + 0.1}:{n}") for n in range(200)]
    cut = Cut.objects.make(workspace, clips_wished(workspace, many), title="All", by=analyst)
    with django_assert_max_num_queries(40):
        at.get(reverse("cut", args=[cut.pk]))


# --- changing it ----------------------------------------------------------------------------------


def edit(at, clip, **values):
    address = reverse("cut-clip-edit", args=[clip.pk])
    return at.post(address, values, headers={"HX-Request": "true"}).content.decode()


def test_a_border_is_set_and_nudged_by_frames(at, cut):
    clip = cut.standing()[1]
    assert 'id="cut-clips"' in edit(at, clip, start_s="1.9", end_s="2.4")
    clip.refresh_from_db()
    assert (clip.start_s, clip.end_s) == (1.88, 2.4)
    edit(at, clip, nudge="start:1")
    edit(at, clip, nudge="end:-2")
    clip.refresh_from_db()
    assert (clip.start_s, clip.end_s) == (1.92, 2.32)


def test_a_film_of_variable_rate_is_nudged_by_its_own_frames(at, workspace, analyst, tmp_path):
    times = variable(60)
    film = ready_film(tmp_path, workspace, "phone.mp4", times=times)
    cut = cut_of(workspace, analyst, (film, float(times[10]) + 1e-3, float(times[20]), ""))
    clip = cut.standing()[0]
    edit(at, clip, nudge="start:1")
    edit(at, clip, nudge="end:-1")
    clip.refresh_from_db()
    assert clip.start_s == pytest.approx(float(times[11]), abs=1e-3)
    assert clip.end_s == pytest.approx(float(times[19]), abs=1e-3)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"start_s": "2.4"}, "A clip begins before it ends."),
        ({"end_s": "77"}, "A clip lies within its film, which is 4.0"),
        ({"nudge": "start:99"}, "A clip has one frame at least."),
        ({"start_s": "NaN"}, "Enter a number."),
        ({"nudge": "x"}, "Enter a valid value."),
        ({"title": "x" * 121}, "at most 120 characters"),
    ],
)
def test_a_border_that_cannot_be_is_said_and_nothing_changes(at, cut, values, sentence):
    clip = cut.standing()[1]
    assert sentence in edit(at, clip, **values)
    again = CutClip.objects.get(pk=clip.pk)
    assert (again.start_s, again.end_s, again.title) == (2.0, 2.4, "Two")


def test_clips_are_put_in_another_order(at, cut):
    edit(at, cut.standing()[2], place="0")
    assert titles(cut) == ["Three", "One", "Two"]
    edit(at, cut.standing()[0], place="99")
    assert titles(cut) == ["One", "Two", "Three"]


def test_a_clip_is_taken_out_and_put_back_where_it_was(at, cut):
    clip = cut.standing()[1]
    answer = at.post(reverse("cut-clip-remove", args=[clip.pk]), headers={"HX-Request": "true"})
    assert reverse("cut-clip-restore", args=[clip.pk]) in answer.content.decode()
    assert titles(cut) == ["One", "Three"]
    at.post(reverse("cut-clip-restore", args=[clip.pk]))
    assert titles(cut) == ["One", "Two", "Three"]


def test_a_cut_is_deleted_and_brought_back(at, cut):
    page = at.post(reverse("cut-delete", args=[cut.pk]), follow=True).content.decode()
    assert f'action="{reverse("cut-restore", args=[cut.pk])}"' in page
    assert at.get(reverse("cut", args=[cut.pk])).status_code == 404
    at.post(reverse("cut-restore", args=[cut.pk]))
    assert at.get(reverse("cut", args=[cut.pk])).status_code == 200


def test_what_stays_deleted_is_erased_with_its_film(at, cut, film_file):
    cut.remove(by=None)
    assert not removal.is_due()
    Cut.everything.update(removed=timezone.now() - timedelta(minutes=1))
    assert removal.is_due()
    assert removal.erase(20)
    assert not Cut.everything.exists()
    assert not default_storage.exists(film_file.file)


def test_a_viewer_looks_and_changes_nothing(viewer, client_for, cut):
    at = client_for(viewer)
    page = at.get(reverse("cut", args=[cut.pk])).content.decode()
    assert "clip-form" not in page
    assert ">Render<" not in page
    for name, args in (("cut-render", [cut.pk]), ("cut-share", [cut.pk]), ("cut-delete", [cut.pk])):
        assert at.post(reverse(name, args=args)).status_code == 403
    clip = cut.standing()[0]
    assert at.post(reverse("cut-clip-edit", args=[clip.pk]), {"title": "x"}).status_code == 403
    assert titles(cut)[0] == "One"


# --- deleted films --------------------------------------------------------------------------------


def test_a_clip_of_a_deleted_film_is_shown_as_gone_until_that_is_undone(at, cut, film, analyst):
    film.remove(by=analyst)
    page = at.get(reverse("cut", args=[cut.pk])).content.decode()
    assert "cup.mp4 was deleted. Its clips are left out" in page
    assert "0 clips, 0:00.0" in page
    answer = at.get(reverse("cut-list", args=[cut.pk, "edl"]), follow=True).content.decode()
    assert "There is nothing to list" in answer
    assert (
        "every film of this cut was deleted"
        in at.post(reverse("cut-render", args=[cut.pk]), follow=True).content.decode()
    )
    assert "cup.mp4 was deleted, so this clip cannot be changed." in edit(
        at, cut.standing()[0], start_s="0"
    )
    Asset.everything.get(pk=film.pk).restore(by=analyst)
    assert "3 clips, 0:01.0" in at.get(reverse("cut", args=[cut.pk])).content.decode()


def test_an_erased_film_leaves_its_name(at, cut, film, analyst):
    film.remove(by=analyst)
    Asset.everything.get(pk=film.pk).erase()
    page = at.get(reverse("cut", args=[cut.pk])).content.decode()
    assert "cup.mp4 was deleted" in page
    assert titles(cut) == ["One", "Two", "Three"]


# --- lists ----------------------------------------------------------------------------------------


def test_lists_are_taken_away(at, cut):
    answer = at.get(reverse("cut-list", args=[cut.pk, "edl"]))
    assert answer["Content-Disposition"] == 'attachment; filename="best-of.edl"'
    assert "00:00:02:00 00:00:02:10 01:00:00:10 01:00:00:20" in answer.content.decode()
    timeline = json.loads(at.get(reverse("cut-list", args=[cut.pk, "otio"])).content)
    clips = timeline["tracks"]["children"][0]["children"]
    assert [clip["name"] for clip in clips] == ["One", "Two", "Three"]
    rows = at.get(reverse("cut-list", args=[cut.pk, "csv"])).content.decode().splitlines()
    assert len(rows) == 4
    assert at.get(reverse("cut-list", args=[cut.pk, "exe"])).status_code == 404


def test_sound_and_films_are_listed_together(at, workspace, analyst, film, tmp_path):
    talk = ready(write_sound(tmp_path / "talk.m4a", 2), workspace)
    cut = cut_of(workspace, analyst, (talk, 0, 1, "Greeting"), (film, 0, 1, "Goal"))
    text = at.get(reverse("cut-list", args=[cut.pk, "edl"])).content.decode()
    assert "001  AX       A     C        00:00:00:00 00:00:01:00" in text


# --- chosen ---------------------------------------------------------------------------------------


def test_the_best_of_a_brand_is_a_reel(at, run, kestrel):
    address = reverse("label-reel", args=[kestrel.pk]) + f"?run={run.pk}"
    assert "From matchday" in at.get(address).content.decode()
    values = {"most_s": "13", "longest_s": "8", "handles_s": "0.5", "best_first": ""}
    page = at.post(address, values, follow=True).content.decode()
    cut = Cut.objects.get()
    assert cut.title == "Kestrel: highlights"
    assert cut.chosen["label"] == kestrel.pk
    one, other = cut.standing()
    assert one.seconds == pytest.approx(9.04, abs=0.05)  # of 10 s the middle 8, and half before
    assert other.start_s == pytest.approx(79.24, abs=0.3)
    assert "Kestrel: highlights" in page


def test_a_reel_may_be_of_all_films(workspace, run, run_of, project, asset_in, kestrel):
    run_of(asset_in(workspace, "second.mp4"), project)
    clips = reel(kestrel, ReelWish(most_s=60))
    assert {clip.source.name for clip in clips} == {"matchday.mp4", "second.mp4"}
    assert len(clips) == 4


def test_a_brand_that_was_never_seen_makes_no_reel(at, run, project):
    from webapp.projects.models import Label

    unseen = Label.objects.create(project=project, name="Unseen", colour="#123456")
    values = {"most_s": "60", "longest_s": "8", "handles_s": "0"}
    answer = at.post(reverse("label-reel", args=[unseen.pk]), values)
    assert answer.status_code == 422
    assert "Unseen was not seen long enough anywhere" in answer.content.decode()
    answer = at.post(reverse("label-reel", args=[unseen.pk]), values | {"most_s": "-1"})
    assert "greater than or equal to 1" in answer.content.decode()
    assert not Cut.objects.exists()


@pytest.fixture
def said(asset, analyst):
    """A film in which “harbour” is said from 2 s on, to be found."""
    indexing = transcribed(asset, by=analyst, said=["the harbour race", "a quiet morning"])
    keeping.make_findable(indexing)
    return indexing


def test_what_a_search_finds_is_a_cut(at, said, asset):
    page = at.get(reverse("search"), {"q": "harbour"}).content.decode()
    assert f'value="{asset.pk}:2.000:3.500:the harbour race"' in page
    at.post(reverse("cut-from-search"), {"q": "harbour"})
    cut = Cut.objects.get()
    assert (cut.title, cut.chosen) == ("harbour", {"search": "harbour"})
    (clip,) = cut.standing()
    assert (clip.start_s, clip.end_s, clip.title) == (1.0, 4.52, "the harbour race")


@pytest.mark.parametrize(
    ("query", "sentence"),
    [("zebra", "This search finds no part of a film."), ('"', ""), ("", "finds no part")],
)
def test_a_search_that_finds_nothing_makes_no_cut(at, said, query, sentence):
    answer = at.post(reverse("cut-from-search"), {"q": query}, follow=True)
    assert sentence in answer.content.decode()
    assert not Cut.objects.exists()


def test_topics_are_ticked_for_a_cut(at, said, asset):
    outline = outlined(said)
    page = at.get(reverse("asset", args=[asset.pk])).content.decode()
    topic = outline.moments.filter(kind="topic").first()
    if topic is not None:  # so few words may make none
        assert f'form="cut-topics" name="span" value="{asset.pk}:{topic.start_s:.3f}:' in page
    assert 'id="cut-topics"' in page
    answer = at.post(reverse("cut-add"), {"title": asset.stem}, follow=True)
    assert "Choose at least one part of a film first." in answer.content.decode()


@pytest.fixture
def talk(asset, analyst):
    """Two who speak in turns, from 2, 9 and 13 s on; “Kestrel” is said by both."""
    lines = [(2.0, "Kestrel leads"), (9.0, "Kestrel is close"), (13.0, "what a race")]
    said = transcribed(asset, by=analyst, said=[text for _, text in lines])
    for row, (start_s, _) in zip(said.speech_segments.order_by("pk"), lines, strict=True):
        said.speech_segments.filter(pk=row.pk).update(start_s=start_s, end_s=start_s + 2)
    keeping.make_findable(said)
    return told_apart(asset, by=analyst)


def borders(cut) -> list[tuple[float, float]]:
    return [(round(clip.start_s), round(clip.end_s)) for clip in cut.standing()]


def test_a_film_is_cut_by_who_speaks_and_of_what(at, talk, asset, kestrel):
    address = reverse("asset-cut", args=[asset.pk])
    assert address in at.get(reverse("asset", args=[asset.pk])).content.decode()
    first, second = (voice.pk for voice in talk.voices.order_by("number"))
    page = at.get(address).content.decode()
    assert "Speaker 1" in page
    assert f'value="{kestrel.name}"' in page
    at.post(address, {"speakers": [first]})
    cut = Cut.objects.get()
    assert borders(cut) == [(1, 9), (12, 18)]  # half a second around each turn
    assert {clip.title for clip in cut.standing()} == {"Speaker 1"}
    assert cut.chosen["speakers"] == [first]
    at.post(address, {"speakers": [second], "brands": [kestrel.name]})
    (clip,) = Cut.objects.first().standing()
    assert 8.4 <= clip.start_s < clip.end_s <= 11.6  # what the other says of the brand is not in it
    assert clip.title == "Speaker 2 · Kestrel"


def test_what_a_film_cannot_be_cut_by_is_said(at, talk, asset, viewer, client_for, kestrel):
    address = reverse("asset-cut", args=[asset.pk])
    answer = at.post(address, {})
    assert answer.status_code == 422
    assert "Choose a topic, a brand or a speaker first." in answer.content.decode()
    assert at.post(address, {"speakers": ["999999"]}).status_code == 422
    talk.speaker_turns.update(start_s=0.0, end_s=0.5)
    one = talk.voices.first().pk
    answer = at.post(address, {"speakers": [one], "brands": [kestrel.name]})
    assert "No part of this film is all of that" in answer.content.decode()
    assert client_for(viewer).post(address, {"speakers": [one]}).status_code == 403
    assert not Cut.objects.exists()


def test_a_viewer_is_offered_nothing_that_makes_a_cut(viewer, client_for, said, asset):
    browser = client_for(viewer)
    for page in (
        browser.get(reverse("search"), {"q": "harbour"}),
        browser.get(f"/assets/{asset.pk}"),
    ):
        assert "cut-add" not in page.content.decode()
        assert "/cuts/add" not in page.content.decode()


# --- sharing --------------------------------------------------------------------------------------


@pytest.fixture
def film_file(cut) -> Rendering:
    """As a worker leaves it."""
    row = Rendering.objects.request(cut, by=None)
    file = default_storage.save(f"cuts/{cut.pk}/1.mp4", ContentFile(b"0123456789"))
    chapters = [{"title": title, "start_s": 0, "end_s": 1} for title in titles(cut)]
    about = {"duration_s": 1.0, "width": 96, "height": 64, "size_bytes": 10, "chapters": chapters}
    Rendering.objects.filter(pk=row.pk).update(status=Status.DONE, file=file, **about)
    row.refresh_from_db()
    return row


@pytest.fixture
def link(at, cut, film_file) -> str:
    """The path of a fresh link, read off the page that shows it once."""
    address = reverse("cut-share", args=[cut.pk])
    page = at.post(address, {"days": "7", "titles": "on"}, follow=True).content.decode()
    return "/" + page.split('id="new-link">')[1].split("<")[0].split("/", 3)[3]


def test_whoever_has_the_link_sees_the_film_and_nothing_else(client, link, cut):
    answer = client.get(link)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert (answer["Referrer-Policy"], answer["X-Robots-Tag"]) == ("no-referrer", "noindex")
    for inside in ("/assets/", '"/cuts', "/library", "/sign-in", "/media/", 'class="rail'):
        assert inside not in page
    assert "Three" in page
    assert "Download" not in page
    part = client.get(f"{link}/film.mp4", headers={"Range": "bytes=2-4"})
    assert (part.status_code, b"".join(part.streaming_content)) == (206, b"234")
    assert part["Content-Type"] == "video/mp4"
    assert client.get(f"{link}/film.mp4?download").status_code == 404


def test_titles_may_be_left_out_and_the_film_given_away(client, at, cut, film_file):
    page = at.post(reverse("cut-share", args=[cut.pk]), {"download": "on"}, follow=True)
    link = "/" + page.content.decode().split('id="new-link">')[1].split("<")[0].split("/", 3)[3]
    assert "Three" not in client.get(link).content.decode()
    answer = client.get(f"{link}/film.mp4?download")
    assert 'filename="best-of.mp4"' in answer["Content-Disposition"]


def test_a_revoked_link_shows_nothing_from_then_on(client, at, link, cut):
    row = cut.links.get()
    assert row.token_hash not in link
    at.post(reverse("cut-link-revoke", args=[row.pk]))
    for address in (link, f"{link}/film.mp4"):
        answer = client.get(address)
        assert answer.status_code == 404
        assert "This link no longer works" in answer.content.decode()


def test_a_link_to_what_was_deleted_says_so(client, link, cut, film, analyst):
    film.remove(by=analyst)
    page = client.get(link).content.decode()
    assert "What it was cut from was deleted" in page
    assert client.get(f"{link}/film.mp4").status_code == 404
    Asset.everything.get(pk=film.pk).restore(by=analyst)
    assert "<video" in client.get(link).content.decode()
    film.remove(by=analyst)
    Asset.everything.get(pk=film.pk).erase()
    assert "What it was cut from was deleted" in client.get(link).content.decode()
    cut.remove(by=analyst)
    assert client.get(link).status_code == 404


def test_sharing_has_it_rendered_where_it_was_not(client, at, cut):
    at.post(reverse("cut-share", args=[cut.pk]))
    row = Rendering.objects.get()
    assert (row.status, row.fingerprint) == (Status.WAITING, cut.fingerprint)
    page = at.post(reverse("cut-share", args=[cut.pk]), follow=True).content.decode()
    link = "/" + page.split('id="new-link">')[1].split("<")[0].split("/", 3)[3]
    assert "being rendered" in client.get(link).content.decode()
    assert Rendering.objects.count() == 1


def test_a_cut_that_has_changed_says_that_its_film_is_older(at, cut, film_file):
    address = reverse("cut", args=[cut.pk])
    assert "has changed since" not in at.get(address).content.decode()
    cut.standing()[0].rename("Another")
    assert "has changed since" in at.get(address).content.decode()


def test_none_yet_teaches_what_a_cut_is(at):
    page = at.get(reverse("cuts")).content.decode()
    assert "No cuts yet" in page
    assert "Search for moments" in page


def test_they_are_listed_and_found(at, cut, workspace, analyst, film):
    cut_of(workspace, analyst, (film, 0, 1, ""), title="Crowd")
    page = at.get(reverse("cuts"), {"q": "best"}).content.decode()
    assert "Best of" in page
    assert "Crowd" not in page

"""Who speaks, as people see it, name it, correct it and look for it."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from tests.captions_rows import overlay
from tests.heard import TURNS, a_worker_that_tells_voices, told_apart
from tests.spoken import transcribed
from webapp.accounts.models import Refused
from webapp.indexing.indexing import Indexing
from webapp.indexing.remembering import KNOWN
from webapp.indexing.speaker_edits import SpeakerEdit
from webapp.indexing.uploaded import steps_for
from webapp.indexing.voices import HeardVoices, RememberedVoice, Speaker
from webapp.indexing.who import Who, speakers
from webapp.search.searching import search

pytestmark = pytest.mark.django_db


@pytest.fixture
def indexing(asset, owner):
    return told_apart(asset, by=owner)


@pytest.fixture
def first(indexing):
    return indexing.voices.get(number=1)


@pytest.fixture
def second(indexing):
    return indexing.voices.get(number=2)


def turns(indexing) -> list[tuple[float, float, str]]:
    return [(t.start_s, t.end_s, str(t.reads)) for t in Who(indexing).turns]


def test_the_whole_is_put_together_when_the_last_segment_is_done(indexing):
    assert [name for *_, name in turns(indexing)] == ["Speaker 1", "Speaker 2", "Speaker 1"]
    assert [round(end_s) for _, end_s, _ in turns(indexing)] == [8, 12, 17]
    assert not HeardVoices.objects.exists()  # the prints of the windows are gone
    assert all(len(bytes(v.print)) == 512 for v in indexing.voices.all())


def test_the_page_lists_who_speaks_and_how_long(indexing, viewer, client_for):
    page = client_for(viewer).get(reverse("asset", args=[indexing.asset_id])).content.decode()
    assert "2 speakers" in page
    assert "77\u202f%" in page  # 10 of 13 s
    assert "a voice print of 256 numbers" in page
    assert reverse("voice-name", args=[indexing.voices.first().pk]) not in page  # a viewer reads


def test_the_timeline_and_its_table_say_who_speaks_when(run, owner, viewer, client_for):
    told = told_apart(run.asset, by=owner)
    browser = client_for(viewer)
    page = browser.get(reverse("asset", args=[run.asset_id])).content.decode()
    lane = json.loads(page.split('id="speakers-data" type="application/json">')[1].split("</")[0])
    names = [lane["voices"][str(voice)][0] for voice in lane["voice"]]
    found = list(zip(lane["start"], lane["end"], names, strict=True))
    assert found == [(round(a, 2), round(b, 2), name) for a, b, name in turns(told)]
    table = browser.get(reverse("run-episodes", args=[run.pk])).content.decode()
    assert table.count(">Speaker 1</th>") == 2
    first_turn = {"in": "0", "out": "5"}
    table = browser.get(reverse("run-episodes", args=[run.pk]), first_turn).content.decode()
    assert table.count(">Speaker 1</th>") == 1


def test_the_lines_of_the_transcript_say_who_speaks(indexing, owner, client_for):
    said = transcribed(indexing.asset, by=owner, said=["Kestrel leads", "and Norra Bank"])
    got = client_for(owner).get(reverse("indexing-lines", args=[said.pk]), {"segments": "0"})
    first, second = got.json()["lines"]
    assert first["speaker"]["name"] == "Speaker 1"
    assert second["speaker"] is None or second["speaker"]["name"] in ("Speaker 1", "Speaker 2")


def test_a_voice_is_named_in_place_and_the_name_taken_back(first, owner, client_for):
    browser = client_for(owner)
    name = reverse("voice-name", args=[first.pk])
    page = browser.post(name, {"name": "  Maria   Lopez "}, follow=True).content.decode()
    first.refresh_from_db()
    assert str(first) == "Maria Lopez"
    edit = SpeakerEdit.objects.get()
    undo = reverse("speaker-edit-undo", args=[edit.pk])
    assert undo in page
    browser.post(undo)
    first.refresh_from_db()
    assert str(first) == "Speaker 1"
    assert not RememberedVoice.objects.exists()


def test_a_name_that_cannot_be_is_refused_in_words(first, owner):
    SpeakerEdit.objects.call(first, "Maria", by=owner)
    first.refresh_from_db()
    with pytest.raises(Refused, match="already"):
        SpeakerEdit.objects.call(first, "Maria", by=owner)
    with pytest.raises(Refused, match="80 characters"):
        SpeakerEdit.objects.call(first, "x" * 81, by=owner)


def test_two_voices_are_made_one_and_one_turn_is_parted_from_them(indexing, first, second, owner):
    found = [(t.pk, t.voice_id) for t in indexing.speaker_turns.all()]
    merged = SpeakerEdit.objects.merge(second, first, by=owner)
    assert {name for *_, name in turns(indexing)} == {"Speaker 1"}
    turn = indexing.speaker_turns.order_by("start_s").last()
    moved = SpeakerEdit.objects.move(turn, None, by=owner)
    assert turns(indexing)[-1][2] == "Speaker 3"
    assert [(t.pk, t.voice_id) for t in indexing.speaker_turns.all()] == found  # as it was found
    for edit in (moved, merged):
        assert edit.undo(by=owner)
    assert [name for *_, name in turns(indexing)] == ["Speaker 1", "Speaker 2", "Speaker 1"]


def test_voices_of_two_films_are_not_made_one(first, owner, workspace, asset_in):
    other = told_apart(asset_in(workspace, "other.mp4"), by=owner)
    with pytest.raises(Refused):
        SpeakerEdit.objects.merge(first, other.voices.first(), by=owner)


def test_who_was_named_once_is_recognised_in_another_film(first, owner, workspace, asset_in):
    SpeakerEdit.objects.call(first, "Maria Lopez", by=owner)
    other = told_apart(asset_in(workspace, "other.mp4"), by=owner)
    known = other.voices.get(number=1)
    assert str(known) == "Maria Lopez"
    assert known.likeness >= KNOWN
    [row] = [row for row in speakers(other.asset, Who(other)) if row.voice == known]
    assert row.recognised
    SpeakerEdit.objects.call(known, "", by=owner)  # it is somebody else
    known.refresh_from_db()
    assert str(known) == "Speaker 1"


def test_another_workspace_knows_nobody(first, owner, stranger, asset_in):
    from webapp.accounts.models import Workspace

    SpeakerEdit.objects.call(first, "Maria Lopez", by=owner)
    theirs = Workspace.found("Elsewhere", by=stranger)
    other = told_apart(asset_in(theirs, "other.mp4"), by=stranger)
    assert {str(voice) for voice in other.voices.all()} == {"Speaker 1", "Speaker 2"}


def test_voices_are_not_remembered_where_the_workspace_does_not_want_it(
    first, owner, workspace, client_for, asset_in
):
    SpeakerEdit.objects.call(first, "Maria Lopez", by=owner)
    assert RememberedVoice.objects.exists()
    client_for(owner).post(reverse("indexing-settings"), {"uploads": "on"})
    assert not RememberedVoice.objects.exists()
    workspace.refresh_from_db()
    other = told_apart(asset_in(workspace, "other.mp4"), by=owner)
    assert {str(voice) for voice in other.voices.all()} == {"Speaker 1", "Speaker 2"}


def test_a_person_who_is_erased_takes_their_voice_along(first, owner, client_for):
    SpeakerEdit.objects.call(first, "Maria Lopez", by=owner)
    speaker = Speaker.objects.get()
    assert "Maria Lopez" in client_for(owner).get(reverse("indexing-settings")).content.decode()
    client_for(owner).post(reverse("speaker-forget", args=[speaker.pk]))
    assert not Speaker.objects.exists()
    assert not RememberedVoice.objects.exists()
    first.refresh_from_db()
    assert str(first) == "Speaker 1"


def test_a_name_on_the_picture_is_offered(indexing, first, project, owner, client_for):
    overlay(indexing.asset, "MARIA LOPEZ", 3.0, 7.0)
    overlay(indexing.asset, "NORRA BANK", 2.0, 8.0)  # a brand of the project is nobody
    overlay(indexing.asset, "BREAKING NEWS", 3.0, 8.0)
    [row] = [row for row in speakers(indexing.asset, Who(indexing)) if row.voice == first]
    assert (row.on_screen.name, row.on_screen.time_s) == ("Maria Lopez", 3.0)
    page = client_for(owner).get(reverse("asset", args=[indexing.asset_id])).content.decode()
    assert "Called “Maria Lopez” on screen at" in page


def test_what_a_person_says_is_found(indexing, first, owner, workspace):
    from webapp.search.keeping import make_findable

    said = transcribed(indexing.asset, by=owner, said=["Kestrel leads", "and Norra Bank"])
    make_findable(said)
    SpeakerEdit.objects.call(first, "Maria Lopez", by=owner)
    assert len(search(workspace, 'speaker:"maria lopez" kestrel').spans) == 1
    assert search(workspace, 'speaker:"maria lopez" nothing').spans == []
    nobody = search(workspace, "speaker:Nobody kestrel")
    assert nobody.spans == []
    assert "Nobody who was heard here is called Nobody." in nobody.notes
    assert search(workspace, "kestrel").spans


def test_the_transcript_takes_the_names_along(indexing, first, owner, client_for):
    said = transcribed(indexing.asset, by=owner, said=["Kestrel leads"])
    SpeakerEdit.objects.call(first, "Maria <b>", by=owner)

    def file(of, kind: str) -> str:
        answer = client_for(owner).get(reverse("indexing-file", args=[of.pk, kind]))
        return answer.content.decode()

    assert "<v Maria &lt;b&gt;>Kestrel leads" in file(said, "vtt")
    assert "Maria <b>: Kestrel leads" in file(said, "srt")
    assert json.loads(file(said, "json"))["utterances"][0]["speaker"] == "Maria <b>"
    assert file(indexing, "rttm").startswith("SPEAKER matchday.mp4 1 2.0")


def test_programs_list_name_merge_and_move(indexing, first, second, owner, client_for):
    api = client_for(owner)
    url = f"/api/v1/indexings/{indexing.pk}"
    rows = api.get(f"{url}/voices/").json()["results"]
    assert [round(row["spoken_s"]) for row in rows] == [10, 3]
    assert len(api.get(f"{url}/turns/").json()["results"]) == len(TURNS)
    assert len(api.get(f"{url}/turns/?from=8.5&to=12.5").json()["results"]) == 1

    def post(to: str, body: dict):
        return api.post(f"/api/v1/{to}", json.dumps(body), content_type="application/json")

    made = post(f"voices/{first.pk}/name/", {"name": "Maria"})
    assert made.status_code == 201
    assert api.get(f"/api/v1/voices/{first.pk}/").json()["name"] == "Maria"
    assert post(f"voices/{first.pk}/name/", {"name": "Maria"}).status_code == 422
    assert post(f"voices/{second.pk}/merge/", {"into": first.pk}).status_code == 201
    turn = indexing.speaker_turns.first()
    assert post(f"speaker-turns/{turn.pk}/move/", {}).status_code == 201
    assert post(f"speaker-edits/{made.json()['id']}/undo/", {}).json()["undone"]
    [speaker] = api.get("/api/v1/speakers/").json()["results"]
    assert "print" not in json.dumps(speaker)
    assert api.delete(f"/api/v1/speakers/{speaker['id']}/").status_code == 204


def test_a_stranger_finds_nothing_of_it(first, indexing, stranger, client_for):
    turn = indexing.speaker_turns.first()
    for name, pk in (("voice-name", first.pk), ("voice-merge", first.pk)):
        answer = client_for(stranger).post(reverse(name, args=[pk]), {"name": "x"})
        assert answer.status_code in (302, 403, 404)
    client_for(stranger).post(reverse("speaker-turn-move", args=[turn.pk]))
    assert not SpeakerEdit.objects.exists()


def test_a_viewer_reads_and_names_nobody(first, viewer, client_for):
    answer = client_for(viewer).post(reverse("voice-name", args=[first.pk]), {"name": "x"})
    assert answer.status_code == 403


def test_nobody_speaking_is_said(asset, owner, viewer, client_for):
    done = told_apart(asset, by=owner, turns=[])
    assert done.notes == ["Nobody speaks in it."]
    page = client_for(viewer).get(reverse("asset", args=[asset.pk])).content.decode()
    assert "Nobody speaks in it." in page or "Nobody has listened yet" in page


def test_it_is_offered_only_where_a_worker_can(asset, owner):
    from tests.spoken import SOUND
    from webapp.indexing.refusals import NO_VOICES, IndexingRefused

    asset.probe = asset.probe | SOUND
    asset.save()
    with pytest.raises(IndexingRefused) as refused:
        Indexing.objects.request(asset, "speakers", by=owner)
    assert str(refused.value) == NO_VOICES
    a_worker_that_tells_voices()
    assert "speakers" in steps_for(asset)

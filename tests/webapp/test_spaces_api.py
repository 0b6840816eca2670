"""Spaces, their codes, pairs and trainings for programs."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.scenes import encodings_of, shown_in
from webapp.spaces.codes import Code
from webapp.spaces.space import Space
from webapp.spaces.training import SpaceTraining

pytestmark = pytest.mark.django_db
URL = "/api/v1"


@pytest.fixture
def api(client, analyst, key_for):
    """api("post", "/spaces/1/serve/", {...}): what is answered."""
    key = key_for(analyst)

    def ask(method: str, path: str, body: dict | None = None, **headers):
        send = getattr(client, method)
        if body is None:
            return send(URL + path, **(headers or key))
        return send(URL + path, json.dumps(body), content_type="application/json", **key)

    return ask


@pytest.fixture
def space(workspace) -> Space:
    space = Space.objects.create(
        workspace=workspace, number=1, kind="looks", state="kept", version="v", file="spaces/x",
        engines={"picture": "e"}, pairs=["picture+picture"], figures={"items": {"picture": 60}},
    )  # fmt: skip
    word = {"word": "harbour", "purity": 0.5, "coverage": 0.25}
    for number, fires_on in enumerate((3, 9, 0)):
        about = {"words": [word], "text": "harbour"} if number == 0 else {}
        Code.objects.create(space=space, number=number, fires_on=fires_on, **about)
    return space


def test_spaces_are_listed_chosen_and_deleted(api, space, django_assert_max_num_queries):
    with django_assert_max_num_queries(8):
        (found,) = api("get", "/spaces/").json()["results"]
    assert (found["state"], found["pairs"]) == ("kept", ["picture+picture"])
    assert api("get", f"/spaces/{space.pk}/").json()["figures"] == {"items": {"picture": 60}}
    chosen = api("post", f"/spaces/{space.pk}/serve/")
    assert chosen.status_code == 202
    assert chosen.json()["state"] == "coming"
    assert [one["modality"] for one in chosen.json()["indexes"]] == ["picture"]
    assert api("post", f"/spaces/{space.pk}/serve/").status_code == 422
    refused = api("delete", f"/spaces/{space.pk}/")
    assert "choose another one first" in refused.json()["detail"]
    assert api("post", f"/spaces/{space.pk}/set-aside/").json()["state"] == "kept"
    assert api("delete", f"/spaces/{space.pk}/").status_code == 204


def test_moments_of_a_code_are_those_whose_asset_is_there(
    api, space, workspace, asset_in, owner, django_assert_max_num_queries
):
    gone, there = asset_in(workspace, "gone.mp4"), asset_in(workspace, "there.mp4")
    about = {"time_s": 1.0, "modality": "picture", "box": None}
    examples = [about | {"asset": one.pk} for one in (gone, there)]
    Code.objects.filter(space=space).update(examples=examples)
    gone.remove(by=owner)
    with django_assert_max_num_queries(9):
        listed = api("get", f"/spaces/{space.pk}/codes/").json()["results"]
    assert [[e["asset"] for e in one["examples"]] for one in listed] == [[there.pk]] * 2
    one = api("get", f"/space-codes/{listed[0]['id']}/").json()
    assert [e["asset"] for e in one["examples"]] == [there.pk]


def test_codes_are_read_named_and_muted(api, space, client, viewer, key_for):
    found = api("get", f"/spaces/{space.pk}/codes/").json()["results"]
    assert [one["number"] for one in found] == [0, 1], "those that fire"
    (only,) = api("get", f"/spaces/{space.pk}/codes/?q=harb").json()["results"]
    assert only["words"] == [{"word": "harbour", "purity": 0.5, "coverage": 0.25}]
    changed = api("patch", f"/space-codes/{only['id']}/", {"name": "Pier", "is_muted": True})
    assert (changed.json()["called"], changed.json()["is_muted"]) == ("Pier", True)
    assert api("patch", f"/space-codes/{only['id']}/", {"is_muted": "yes"}).status_code == 400
    (muted,) = api("get", f"/spaces/{space.pk}/codes/?is_muted=true").json()["results"]
    assert muted["id"] == only["id"]
    path = f"{URL}/space-codes/{only['id']}/"
    refused = client.patch(path, "{}", content_type="application/json", **key_for(viewer))
    assert refused.status_code == 403


def test_pairs_are_brought_and_a_space_is_taught_from_them(
    api, workspace, asset, client, analyst, key_for
):
    def send(table: str):
        file = SimpleUploadedFile("mine.csv", table.encode())
        return client.post(f"{URL}/pair-sets/", {"file": file}, **key_for(analyst))

    wrong = send("asset,time_s,text\nmatchday.mp4,999,late\n")
    assert wrong.status_code == 422
    assert wrong.json()["detail"].startswith("Line 2: matchday.mp4 lasts 120.0 s")
    made = send("asset,time_s,text\nmatchday.mp4,9,a pier\n").json()
    assert (made["name"], made["n_pairs"]) == ("mine", 1)

    wish = {"sources": ["spoken"], "pair_sets": [made["id"]], "options": {"epochs": 2}}
    refused = api("post", "/space-trainings/", wish)
    assert "Nothing of the library is encoded yet" in refused.json()["detail"]
    encodings_of(asset, shown_in(60))
    begun = api("post", "/space-trainings/", wish)
    assert begun.status_code == 202
    assert begun.json()["options"]["epochs"] == 2
    path = f"/space-trainings/{begun.json()['id']}"
    assert begun["Location"].endswith(f"{path}/")
    assert api("delete", f"/pair-sets/{made['id']}/").status_code == 422
    assert api("post", f"{path}/stop/").status_code == 409, "no epoch is finished"
    assert api("post", f"{path}/cancel/").json()["is_cancelled"]
    assert api("post", f"{path}/retry/").json()["status"] == "waiting"
    assert SpaceTraining.objects.get().beginning == 1
    assert api("post", "/space-trainings/", {"sources": ["nowhere"]}).status_code == 400

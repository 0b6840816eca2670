"""Nights by the API: asked for, read, decided, written to files."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from tests.night_sky import bare_exposure, searched_night
from webapp.nights.deciding import decide
from webapp.nights.night import Night


@pytest.fixture
def night(workspace, owner) -> Night:
    return searched_night(workspace, by=owner)


@pytest.fixture
def ask(analyst, key_for, client):
    headers = key_for(analyst)

    def send(method: str, path: str, body=None, status: int = 200):
        options = {"content_type": "application/json"} if body is not None else {}
        data = json.dumps(body) if body is not None else None
        answer = getattr(client, method)(f"/api/v1/{path}", data, **options, **headers)
        assert answer.status_code == status, answer.content
        return answer

    return send


def test_a_night_is_begun_and_says_where_it_stands(workspace, ask):
    exposures = [bare_exposure(workspace, n).pk for n in range(3)]
    wish = {"name": "By a program", "exposures": exposures, "observatory": "568"}
    wish["options"] = {"threshold": 6.0}
    answer = ask("post", "nights/", wish, 202)
    said = answer.json()
    assert said["state"] == "waiting"
    assert said["options"]["threshold"] == 6.0
    assert [one["asset"] for one in said["exposures"]] == exposures
    assert said["waiting_because"].startswith("No worker serves")
    assert answer["Location"].endswith(f"/api/v1/nights/{said['id']}/")
    more = [bare_exposure(workspace, 3).pk]
    added = ask("post", f"nights/{said['id']}/add/", {"exposures": more}, 202).json()
    assert len(added["exposures"]) == 4
    assert ask("post", f"nights/{said['id']}/cancel/").json()["state"] == "cancelled"
    ask("post", f"nights/{said['id']}/cancel/", status=409)
    ask("delete", f"nights/{said['id']}/", status=204)
    assert not Night.objects.exists()


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"exposures": [10**9]}, 404, ""),
        ({"options": {"threshold": "5"}}, 422, "Threshold is a number"),
        ({"options": {"speed": 5}}, 422, "no option"),
        ({"site": {"aperture_m": -1}}, 422, "aperture"),
        ({"observatory": "five"}, 422, "three characters"),
        ({"name": " "}, 400, ""),
        ({"exposures": "all"}, 400, ""),
    ],
)
def test_what_makes_no_sense_is_refused(workspace, ask, change, status, says):
    wish = {"name": "x", "exposures": [bare_exposure(workspace, n).pk for n in range(3)]}
    assert says in ask("post", "nights/", wish | change, status).content.decode()
    assert not Night.objects.exists()


def test_an_exposure_that_could_not_be_prepared_is_named_with_its_reason(workspace, ask):
    exposures = [bare_exposure(workspace, n) for n in range(3)]
    exposures[1].status, exposures[1].error = "failed", "The file ends early."
    exposures[1].save()
    wish = {"name": "x", "exposures": [one.pk for one in exposures]}
    said = ask("post", "nights/", wish, 422).json()["detail"]
    assert said == "field7-2.fits could not be prepared, leave it out: The file ends early."


def test_candidates_are_listed_decided_and_written(night, ask, reviewer):
    page = ask("get", f"night-candidates/?night={night.pk}&is_still=false").json()["results"]
    assert [one["number"] for one in page] == [1, 3]
    one = f"night-candidates/{page[0]['id']}/"
    assert len(ask("get", one).json()["points"]) == 3
    said = ask("post", f"{one}decide/", {"verdict": "accepted"}).json()
    assert said["verdict"] == "accepted"
    assert said["decisions"][0]["by"] == "ana@example.org"
    ask("post", f"{one}decide/", {"verdict": "great"}, 400)
    waiting = ask("get", "night-candidates/?verdict=waiting").json()["results"]
    assert [row["number"] for row in waiting] == [2, 3]
    text = ask("get", f"nights/{night.pk}/file/?kind=ades").content.decode()
    assert page[0]["designation"] in text
    assert ask("post", f"{one}take-back/").json()["verdict"] == ""
    assert "No candidate is accepted" in ask(
        "get", f"nights/{night.pk}/file/?kind=mpc", status=422
    ).content.decode()  # fmt: skip
    decide(night.candidates.get(number=1), "rejected", by=reviewer)
    ask("post", f"{one}take-back/", status=409)
    ask("get", f"nights/{night.pk}/file/?kind=xml", status=400)


def test_a_folder_is_watched_where_there_is_one(workspace, ask, settings, tmp_path):
    assert "NIGHTS_FOLDER" in ask("post", "nights/watch/", {"is_on": True}, 422).content.decode()
    settings.NIGHTS_FOLDER = str(tmp_path)
    said = ask("post", "nights/watch/", {"is_on": True}).json()
    assert (said["is_on"], said["taken"]) == (True, 0)
    assert (tmp_path / str(workspace.pk)).is_dir()
    assert ask("post", "nights/watch/", {"is_on": False}).json()["is_on"] is False


def test_a_stranger_finds_none_of_it(night, stranger, other_workspace, client, key_for):
    headers = key_for(stranger, workspace=other_workspace)
    one = night.candidates.get(number=1)
    for name, pk in (("api-night-detail", night.pk), ("api-night-candidate-detail", one.pk)):
        assert client.get(reverse(name, args=[pk]), **headers).status_code == 404
    for name in ("api-night-list", "api-night-candidate-list"):
        assert client.get(reverse(name), **headers).json()["results"] == []

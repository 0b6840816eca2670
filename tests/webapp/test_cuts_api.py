"""Cuts for programs: made, changed, rendered and taken away over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from tests.heard import told_apart
from tests.webapp.cut_films import cut_of, ready_film
from webapp.cuts.cut import Cut
from webapp.leases import Status


@pytest.fixture
def film(workspace, tmp_path):
    return ready_film(tmp_path, workspace)


@pytest.fixture
def cut(workspace, analyst, film):
    return cut_of(workspace, analyst, (film, 0.4, 0.8, "One"), (film, 2, 2.4, "Two"))


@pytest.fixture
def ask(analyst, key_for):
    headers = key_for(analyst)

    def send(method: str, path: str, body: Any = None) -> Any:
        data = {} if body is None else {"data": json.dumps(body)}
        about = {"content_type": "application/json"} if data else {}
        return getattr(Client(), method)(f"/api/v1/{path}", **data, **about, **headers)

    return send


def test_a_cut_is_made_of_spans_and_changed(ask, film):
    span = {"asset": film.pk, "start_s": 1.01, "end_s": 1.5, "title": "Goal"}
    made = ask("post", "cuts/", {"title": "Cup", "spans": [span]})
    assert made.status_code == 201, made.content
    cut = made.json()
    assert cut["title"] == "Cup"
    assert [(c["start_s"], c["end_s"]) for c in cut["clips"]] == [(1.0, 1.52)]
    more = ask("post", f"cuts/{cut['id']}/clips/", {"spans": [span | {"start_s": 0.0}]}).json()
    first, second = (clip["id"] for clip in more["clips"])
    changed = ask("patch", f"cut-clips/{second}/", {"end_s": 0.39, "place": 0, "title": "Start"})
    assert changed.json()["end_s"] == 0.4
    assert [c["id"] for c in ask("get", f"cuts/{cut['id']}/").json()["clips"]] == [second, first]
    assert ask("delete", f"cut-clips/{first}/").status_code == 204
    assert ask("patch", f"cuts/{cut['id']}/", {"title": "Final"}).json()["title"] == "Final"
    assert [one["title"] for one in ask("get", "cuts/").json()["results"]] == ["Final"]
    assert ask("delete", f"cuts/{cut['id']}/").status_code == 204
    assert ask("get", f"cuts/{cut['id']}/").status_code == 404


def test_a_brands_best_make_a_cut(ask, run, kestrel):
    wish = {"label": kestrel.pk, "run": run.pk, "most_s": 4, "longest_s": 2, "handles_s": 0}
    made = ask("post", "cuts/", wish)
    assert made.status_code == 201, made.content
    assert [clip["asset"] for clip in made.json()["clips"]] == [run.asset_id] * 2
    assert sum(c["end_s"] - c["start_s"] for c in made.json()["clips"]) <= 4


def test_a_film_is_cut_by_its_speakers(ask, asset, analyst):
    (first, _) = told_apart(asset, by=analyst).voices.order_by("number")
    made = ask("post", "cuts/", {"asset": asset.pk, "speakers": [first.pk]})
    assert made.status_code == 201, made.content
    assert [clip["title"] for clip in made.json()["clips"]] == ["Speaker 1", "Speaker 1"]
    answer = ask("post", "cuts/", {"asset": asset.pk})
    assert (answer.status_code, answer.json()["detail"]) == (
        422,
        "Choose a topic, a brand or a speaker first.",
    )
    assert ask("post", "cuts/", {"asset": 999999, "speakers": [1]}).status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        ({}, 422, "Give one of `spans`, `search`, `label` and `asset`."),
        ({"search": "x", "label": 1}, 422, "Give one of `spans`, `search`, `label` and `asset`."),
        ({"search": "nowhere"}, 422, "This search finds no part of a film."),
        ({"spans": []}, 400, "cannot be accepted"),
        ({"spans": [{"asset": 1, "start_s": -1, "end_s": 2}]}, 400, "cannot be accepted"),
        ({"spans": [{"asset": 999, "start_s": 0, "end_s": 2}]}, 422, "not there any more"),
        ({"label": 999}, 404, "nothing here"),
    ],
)
def test_what_makes_no_cut_is_said(ask, body, status, sentence):
    answer = ask("post", "cuts/", body)
    assert answer.status_code == status
    assert sentence in answer.json()["detail"]
    assert not Cut.objects.exists()


def test_it_is_rendered_when_it_is_asked_for(ask, cut):
    answer = ask("post", f"cuts/{cut.pk}/renderings/")
    assert answer.status_code == 202
    row = answer.json()
    assert (row["state"], row["link"]) == ("waiting", None)
    assert answer["Location"].endswith(f"/api/v1/cut-renderings/{row['id']}/")
    again = ask("post", f"cuts/{cut.pk}/renderings/")
    assert (again.status_code, again.json()["detail"]) == (
        422,
        "This cut is being rendered already.",
    )
    assert ask("post", f"cut-renderings/{row['id']}/cancel/").json()["state"] == "cancelled"
    assert ask("post", f"cut-renderings/{row['id']}/cancel/").status_code == 409
    assert ask("post", f"cut-renderings/{row['id']}/retry/").json()["state"] == "waiting"
    assert ask("post", f"cut-renderings/{row['id']}/cancel/").json()["state"] == "cancelled"
    assert ask("post", f"cuts/{cut.pk}/renderings/?ending=exe").status_code == 400
    sound = ask("post", f"cuts/{cut.pk}/renderings/?ending=mp3").json()
    assert (row["ending"], sound["ending"]) == ("mp4", "mp3")
    cut.renderings.filter(pk=sound["id"]).delete()
    cut.renderings.update(status=Status.DONE, file="cuts/1/1.mp4")
    assert "/media/" in ask("get", f"cuts/{cut.pk}/").json()["rendering"]["link"]


def test_a_link_goes_with_a_film_that_is_shown(ask, cut, film, analyst):
    ask("post", f"cuts/{cut.pk}/renderings/")
    cut.renderings.update(status=Status.DONE, file="cuts/1/1.mp4")
    film.remove(by=analyst)
    found = ask("get", f"cuts/{cut.pk}/").json()
    assert found["rendering"]["link"] is None
    assert [clip["is_gone"] for clip in found["clips"]] == [True, True]
    answer = ask("get", f"cuts/{cut.pk}/list/?kind=otio")
    assert (answer.status_code, "nothing to list" in answer.json()["detail"]) == (422, True)


def test_lists_are_taken_away(ask, cut):
    assert "00:00:02:00 00:00:02:10" in ask("get", f"cuts/{cut.pk}/list/").content.decode()
    assert ask("get", f"cuts/{cut.pk}/list/?kind=otio").json()["OTIO_SCHEMA"] == "Timeline.1"
    assert ask("get", f"cuts/{cut.pk}/list/?kind=exe").status_code == 400


def test_a_viewers_key_reads_and_changes_nothing(viewer, key_for, cut):
    headers = key_for(viewer)
    assert Client().get(f"/api/v1/cuts/{cut.pk}/", **headers).status_code == 200
    assert Client().post(f"/api/v1/cuts/{cut.pk}/renderings/", **headers).status_code == 403
    assert Client().delete(f"/api/v1/cuts/{cut.pk}/", **headers).status_code == 403

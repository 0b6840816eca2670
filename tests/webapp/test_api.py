"""The API: who sees what, what each route answers, and how refusals read."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.conftest import LOGOS
from webapp.accounts.models import Event, Key, Workspace
from webapp.assets.models import Asset, Collection
from webapp.projects.models import Label, Project, Reference
from webapp.registry.versions import ModelVersion, RegisteredModel
from webapp.reports.models import Report
from webapp.runs.found import Shot
from webapp.runs.results import columns_of
from webapp.runs.run import Run

pytestmark = pytest.mark.django_db
API = "/api/v1"


class Caller:
    """A program with a key."""

    def __init__(self, headers: dict[str, str]) -> None:
        self.client, self.headers = Client(), headers

    def get(self, path: str, **query):
        return self.client.get(API + path, query, **self.headers)

    def send(self, method: str, path: str, body: object = None, **extra):
        return getattr(self.client, method)(
            API + path,
            json.dumps(body if body is not None else {}),
            content_type="application/json",
            **self.headers,
            **extra,
        )

    def post(self, path: str, body: object = None, **extra):
        return self.send("post", path, body, **extra)

    def upload(self, path: str, **files):
        return self.client.post(API + path, files, **self.headers)

    def patch(self, path: str, body: object):
        return self.send("patch", path, body)

    def delete(self, path: str):
        return self.send("delete", path)


@pytest.fixture
def caller_for(key_for):
    return lambda user, **options: Caller(key_for(user, **options))


@pytest.fixture
def api(caller_for, analyst):
    return caller_for(analyst)


@pytest.fixture
def collection(workspace):
    return Collection.objects.create(workspace=workspace, name="Cup")


@pytest.fixture
def version(workspace, owner):
    model = RegisteredModel.objects.create(workspace=workspace, name="Boards")
    return model.add_version(file="models/x.onnx", sha256="0" * 64, source="test", by=owner)


@pytest.fixture
def report(run, analyst):
    return Report.issue(run, title="R", numbers={"a": 1}, manifest={}, settings={}, by=analyst)


@pytest.fixture
def everything(asset, collection, project, version, run, report):
    """The address of each thing, and what changes it."""
    Shot.objects.create(run=run, index=0, start_s=0, end_s=60)
    return {
        "asset": f"/assets/{asset.pk}/",
        "collection": f"/collections/{collection.pk}/",
        "project": f"/projects/{project.pk}/",
        "label": f"/labels/{project.labels.first().pk}/",
        "reference": f"/references/{Reference.objects.get().pk}/",
        "model": f"/models/{version.model_id}/",
        "version": f"/model-versions/{version.pk}/",
        "run": f"/runs/{run.pk}/",
        "detections": f"/runs/{run.pk}/detections/",
        "tracks": f"/runs/{run.pk}/tracks/",
        "shots": f"/runs/{run.pk}/shots/",
        "segments": f"/runs/{run.pk}/segments/",
        "exposure": f"/runs/{run.pk}/exposure/",
        "mentions": f"/runs/{run.pk}/mentions/",
        "report": f"/reports/{report.pk}/",
        "workspace": f"/workspaces/{asset.workspace_id}/",
    }


CHANGES = [
    ("patch", "asset", {"name": "new.mp4"}),
    ("delete", "asset", None),
    ("post", "asset", "retry/"),
    ("post", "asset", "restore/"),
    ("patch", "collection", {"name": "New"}),
    ("delete", "collection", None),
    ("patch", "project", {"name": "New"}),
    ("patch", "label", {"name": "New"}),
    ("delete", "label", None),
    ("delete", "reference", None),
    ("post", "run", "pause/"),
    ("post", "run", "resume/"),
    ("post", "run", "cancel/"),
    ("post", "run", "retry/"),
    ("delete", "run", None),
]
LISTS = ["assets", "collections", "projects", "labels", "references", "models"]
LISTS += ["model-versions", "runs", "reports"]


def change(caller: Caller, everything: dict[str, str], method: str, thing: str, what):
    path = everything[thing] + (what if isinstance(what, str) else "")
    return caller.send(method, path, what if isinstance(what, dict) else None)


# --- who ------------------------------------------------------------------------------------


def test_a_member_reads_everything(everything, caller_for, viewer):
    caller = caller_for(viewer, can_write=False)
    for thing, path in everything.items():
        assert caller.get(path).status_code == 200, thing


def test_a_stranger_finds_nothing(everything, caller_for, stranger, other_workspace):
    caller = caller_for(stranger, workspace=other_workspace)
    for thing, path in everything.items():
        assert caller.get(path).status_code == 404, thing
    for method, thing, what in CHANGES:
        assert change(caller, everything, method, thing, what).status_code == 404, thing
    for name in LISTS:
        assert caller.get(f"/{name}/").json()["results"] == [], name
    assert Asset.objects.get().name == "matchday.mp4"


def test_a_key_opens_one_workspace_only(everything, caller_for, analyst, person):
    other = Workspace.found("Other", by=analyst)
    caller = caller_for(analyst, workspace=other)
    for thing, path in everything.items():
        assert caller.get(path).status_code == 404, thing
    assert [w["name"] for w in caller.get("/workspaces/").json()["results"]] == ["Other"]


@pytest.mark.parametrize(("method", "thing", "what"), CHANGES)
def test_a_viewer_changes_nothing(everything, caller_for, viewer, method, thing, what):
    answer = change(caller_for(viewer), everything, method, thing, what)
    assert answer.status_code == 403
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(("method", "thing", "what"), CHANGES)
def test_a_reading_key_changes_nothing(everything, caller_for, analyst, method, thing, what):
    caller = caller_for(analyst, can_write=False)
    answer = change(caller, everything, method, thing, what)
    assert answer.status_code == 403
    assert "This key may read" in answer.json()["detail"]


@pytest.mark.parametrize("who", ["viewer", "labeller"])
def test_who_may_not_analyse_makes_nothing(request, caller_for, asset, project, who):
    caller = caller_for(request.getfixturevalue(who))
    expected = 403 if who == "viewer" else 404  # a labeller sees only their jobs
    for path, body in [
        ("/runs/", {"asset": asset.pk, "project": project.pk}),
        ("/labels/", {"project": project.pk, "name": "New"}),
    ]:
        assert caller.post(path, body).status_code == expected
    for path in ("/projects/", "/collections/"):
        assert caller.post(path, {"name": "New"}).status_code == 403


def test_a_labeller_sees_no_library(everything, caller_for, labeller):
    caller = caller_for(labeller)
    assert caller.get("/assets/").json()["results"] == []
    assert caller.get(everything["asset"]).status_code == 404


def test_only_administrators_read_events(caller_for, owner, analyst, stranger, other_workspace):
    Event.record(Workspace.objects.get(name="Harbour Cup"), owner, "looked")
    assert caller_for(analyst).get("/events/").status_code == 403
    told = caller_for(owner, can_write=False).get("/events/").json()["results"]
    assert {event["what"] for event in told} >= {"founded the workspace", "looked"}
    theirs = caller_for(stranger, workspace=other_workspace).get("/events/").json()["results"]
    assert "looked" not in {event["what"] for event in theirs}
    assert theirs[-1]["subject"] == "Elsewhere"


def test_without_a_key_there_is_nothing(client, asset):
    answer = client.get(f"{API}/assets/")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_revoked_key_is_refused(caller_for, analyst, asset):
    from django.utils import timezone

    caller = caller_for(analyst)
    Key.objects.update(revoked=timezone.now())
    answer = caller.get("/assets/")
    assert answer.status_code == 401
    assert answer.json()["detail"] == "This API key is unknown or was revoked."


def test_a_signed_in_page_may_call_too_but_no_other_site_through_it(analyst, asset):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(analyst)
    assert browser.get(f"{API}/assets/").status_code == 200
    answer = browser.patch(
        f"{API}/assets/{asset.pk}/", '{"name": "x"}', content_type="application/json"
    )
    assert answer.status_code == 403


# --- assets and collections -----------------------------------------------------------------


def test_the_library_is_filtered(api, workspace, asset_in, collection):
    asset_in(workspace, "Final first half.mp4", collection=collection)
    asset_in(workspace, "Team photo.jpg", kind="image")
    asset_in(workspace, "Broken.mp4", status="failed")

    def names(**query):
        return {a["name"] for a in api.get("/assets/", **query).json()["results"]}

    assert names(q="half final") == {"Final first half.mp4"}
    assert names(kind="image") == {"Team photo.jpg"}
    assert names(status="failed") == {"Broken.mp4"}
    assert names(collection=collection.pk) == {"Final first half.mp4"}
    assert names(sha256=Asset.objects.get(kind="image").sha256) == {"Team photo.jpg"}
    assert names(sha256="0" * 64) == set()


@pytest.mark.parametrize("query", [{"kind": "film"}, {"collection": "x"}, {"workspace": "1e3"}])
def test_a_filter_that_makes_no_sense_is_refused(api, asset, query):
    answer = api.get("/assets/", **query)
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == list(query)


def test_pages_follow_on_without_gap_or_repeat(api, workspace, asset_in):
    for i in range(7):
        asset_in(workspace, f"{i}.mp4")
    seen, url = [], f"{API}/assets/?page_size=3"
    while url:
        page = api.client.get(url, **api.headers).json()
        seen += [a["name"] for a in page["results"]]
        url = page["next"]
    assert seen == [f"{i}.mp4" for i in reversed(range(7))]


def test_a_copy_for_browsers_is_followed_cancelled_and_asked_for_again(api, asset):
    address = f"/assets/{asset.pk}/"
    assert api.get(address).json()["proxy"] is None
    assert api.post(f"{address}proxy/cancel/").status_code == 404
    asset.renditions.create(recipe="proxy")
    proxy = api.get(address).json()["proxy"]
    assert (proxy["status"], proxy["link"]) == ("waiting", None)
    assert api.post(f"{address}proxy/retry/").status_code == 409
    assert api.post(f"{address}proxy/cancel/").json()["proxy"]["status"] == "failed"
    assert api.post(f"{address}proxy/cancel/").status_code == 409
    assert api.post(f"{address}proxy/retry/").json()["proxy"]["status"] == "waiting"
    asset.renditions.update(status="done", file="renditions/1/proxy.mp4")
    assert "/media/renditions/1/proxy.mp4" in api.get(address).json()["proxy"]["link"]


def test_an_asset_is_renamed_and_moved(api, asset, collection):
    answer = api.patch(f"/assets/{asset.pk}/", {"name": "../a/b.mp4", "collection": collection.pk})
    assert answer.status_code == 200
    asset.refresh_from_db()
    assert (asset.name, asset.collection) == ("b.mp4", collection)
    assert api.patch(f"/assets/{asset.pk}/", {"collection": None}).json()["collection"] is None


def test_an_asset_is_not_moved_to_another_workspace(api, asset, other_workspace):
    theirs = Collection.objects.create(workspace=other_workspace, name="Theirs")
    assert api.patch(f"/assets/{asset.pk}/", {"collection": theirs.pk}).status_code == 400


def test_a_deleted_asset_is_gone_and_can_come_back(api, asset, run):
    path = f"/assets/{asset.pk}/"
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404
    assert api.get(f"/runs/{run.pk}/").status_code == 404
    assert api.get("/runs/").json()["results"] == []
    assert api.post(path + "restore/").status_code == 200
    assert api.get(path).status_code == 200


def test_collections_are_made_renamed_and_deleted(api, asset):
    made = api.post("/collections/", {"name": "  Group   stage "})
    assert (made.status_code, made.json()["name"]) == (201, "Group stage")
    path = f"/collections/{made.json()['id']}/"
    assert api.post("/collections/", {"name": "group stage"}).status_code == 400
    assert api.patch(path, {"name": "Groups"}).json()["name"] == "Groups"
    api.patch(f"/assets/{asset.pk}/", {"collection": made.json()["id"]})
    assert api.delete(path).status_code == 204
    assert Asset.objects.get().collection is None


# --- projects -------------------------------------------------------------------------------


def test_a_project_is_begun_with_its_brands(api):
    made = api.post("/projects/", {"name": "Cup", "brands": ["Kestrel", "Vitalo"]})
    assert made.status_code == 201
    assert [label["name"] for label in made.json()["labels"]] == ["Kestrel", "Vitalo"]
    again = api.post("/projects/", {"name": "cup"})
    assert (again.status_code, "already" in again.json()["detail"]) == (422, True)


def test_a_project_changes_and_counts_its_edits(api, project):
    path = f"/projects/{project.pk}/"
    before = api.get(path).json()["version"]
    answer = api.patch(
        path, {"name": "New", "sampling": {"mode": "adaptive", "change": 0.1}, "version": before}
    )
    assert answer.status_code == 200
    project.refresh_from_db()
    assert project.sampling == {"mode": "adaptive", "change": 0.1}
    assert answer.json()["version"] == before + 2
    stale = api.patch(path, {"description": "old", "version": before})
    assert stale.status_code == 409
    project.refresh_from_db()
    assert project.description == ""


@pytest.mark.parametrize(
    "sampling",
    [{"mode": "sometimes"}, {"interval_s": 0}, {"interval_s": "nan"}, {"tile": 5}, {"change": 2}],
)
def test_sampling_that_cannot_be_is_refused(api, project, sampling):
    answer = api.patch(f"/projects/{project.pk}/", {"sampling": sampling})
    assert answer.status_code == 400
    assert list(answer.json()["errors"]["sampling"]) == list(sampling)


def test_a_project_takes_no_model_of_another_workspace(api, project, other_workspace, stranger):
    model = RegisteredModel.objects.create(workspace=other_workspace, name="Theirs")
    theirs = model.add_version(file="x", sha256="0" * 64, source="", by=stranger)
    answer = api.patch(f"/projects/{project.pk}/", {"model_version": theirs.pk})
    assert answer.status_code == 404
    assert ModelVersion.objects.get() == theirs


def test_labels_are_added_changed_and_removed(api, project, run):
    made = api.post("/labels/", {"project": project.pk, "name": "Osprey Air"})
    assert made.status_code == 201
    path = f"/labels/{made.json()['id']}/"
    changed = api.patch(path, {"colour": "#AABBCC", "threshold": 0.7, "aliases": ["Osprey"]})
    assert (changed.json()["colour"], changed.json()["threshold"]) == ("#aabbcc", 0.7)
    assert api.patch(path, {"threshold": 0.01}).status_code == 400
    assert api.patch(path, {"name": "Kestrel"}).status_code == 422
    kestrel = Label.objects.get(name="Kestrel")
    assert api.delete(f"/labels/{kestrel.pk}/").status_code == 204
    assert (columns_of(run).detections["label"] == kestrel.pk).any()  # what runs found remains
    names = [label["name"] for label in api.get(f"/projects/{project.pk}/").json()["labels"]]
    assert names == ["Norra Bank", "Vitalo", "Osprey Air"]


def test_a_logo_is_added_by_multipart(api, project):
    label = project.labels.get(name="Vitalo")
    picture = (LOGOS / "vitalo.png").read_bytes()

    def add(data: bytes):
        file = SimpleUploadedFile("vitalo.png", data)
        body = {"label": label.pk, "picture": file}
        return api.client.post(f"{API}/references/", body, **api.headers)

    made = add(picture)
    assert made.status_code == 201
    assert made.json()["width"] > 0
    assert add(picture).status_code == 422  # there already
    refused = add(b"no picture")
    assert (refused.status_code, "PNG" in refused.json()["detail"]) == (422, True)
    assert api.get("/references/", label=label.pk).json()["results"][0]["id"] == made.json()["id"]
    assert api.delete(f"/references/{made.json()['id']}/").status_code == 204


def test_a_logo_is_not_added_to_a_strangers_label(api, other_workspace, stranger):
    theirs = Project.objects.begin(other_workspace, "Theirs", by=stranger, brands=["Acme"])
    file = SimpleUploadedFile("x.png", (LOGOS / "vitalo.png").read_bytes())
    body = {"label": theirs.labels.get().pk, "picture": file}
    answer = api.client.post(f"{API}/references/", body, **api.headers)
    assert answer.status_code == 404


# --- runs -----------------------------------------------------------------------------------


def test_a_run_is_started_and_says_where_it_is(api, asset, project):
    body = {"asset": asset.pk, "project": project.pk, "sampling": {"interval_s": 0.5}}
    answer = api.post("/runs/", body)
    assert answer.status_code == 202
    told = api.client.get(answer.headers["Location"], **api.headers).json()
    assert told["status"] == "queued"
    assert told["options"]["interval_s"] == 0.5
    assert told["progress"]["share"] == 0
    assert "No analysis worker is running" in told["waiting_because"]


def test_the_same_request_twice_is_one_run(api, asset, project):
    body = {"asset": asset.pk, "project": project.pk, "sampling": {"interval_s": 0.5}}
    first = api.post("/runs/", body, HTTP_IDEMPOTENCY_KEY="k-1").json()
    again = api.post("/runs/", body, HTTP_IDEMPOTENCY_KEY="k-1")
    assert (again.status_code, again.json()["id"]) == (202, first["id"])
    other = api.post("/runs/", body | {"sampling": {"mode": "key"}}, HTTP_IDEMPOTENCY_KEY="k-1")
    assert other.status_code == 422
    assert api.post("/runs/", body, HTTP_IDEMPOTENCY_KEY="k-2").json()["id"] != first["id"]
    assert api.post("/runs/", body).status_code == 202
    assert Run.objects.count() == 3


def test_the_same_key_of_two_people_is_two_runs(api, caller_for, owner, asset, project):
    body = {"asset": asset.pk, "project": project.pk}
    api.post("/runs/", body, HTTP_IDEMPOTENCY_KEY="k")
    caller_for(owner).post("/runs/", body, HTTP_IDEMPOTENCY_KEY="k")
    assert Run.objects.count() == 2


def test_a_run_that_cannot_be_is_refused_in_words(api, workspace, project, asset_in):
    sound = asset_in(workspace, "radio.mp3", kind="audio")
    answer = api.post("/runs/", {"asset": sound.pk, "project": project.pk})
    assert answer.status_code == 422
    assert "no logo can be seen in it" in answer.json()["detail"]


def test_a_run_takes_nothing_of_another_workspace(
    api, asset, project, other_asset, other_workspace, stranger
):
    theirs = Project.objects.begin(other_workspace, "Theirs", by=stranger)
    for body in (
        {"asset": other_asset.pk, "project": project.pk},
        {"asset": asset.pk, "project": theirs.pk},
    ):
        assert api.post("/runs/", body).status_code == 404
    assert not Run.objects.exists()


def test_a_run_of_two_workspaces_of_one_person_is_refused(
    analyst, client_for, asset, project, asset_in
):
    mine = Workspace.found("Mine", by=analyst)
    elsewhere = asset_in(mine, "mine.mp4")
    answer = client_for(analyst).post(
        f"{API}/runs/",
        json.dumps({"asset": elsewhere.pk, "project": project.pk}),
        content_type="application/json",
    )
    assert answer.status_code == 400


def test_a_run_is_paused_resumed_cancelled_and_retried(api, asset, project):
    run = api.post("/runs/", {"asset": asset.pk, "project": project.pk}).json()["id"]
    for verb, after in [
        ("pause", "paused"),
        ("resume", "queued"),
        ("cancel", "cancelled"),
        ("retry", "queued"),
    ]:
        answer = api.post(f"/runs/{run}/{verb}/")
        assert (answer.status_code, answer.json()["status"]) == (200, after)
    refused = api.post(f"/runs/{run}/resume/")
    assert refused.status_code == 409
    assert refused.json()["detail"] == "The run is queued, so this cannot be done."


def test_detections_are_filtered_and_paged_by_time(api, run, project):
    path = f"/runs/{run.pk}/detections/"
    kestrel = project.labels.get(name="Kestrel")

    def times(**query):
        url, found = None, []
        page = api.get(path, page_size=7, **query).json()
        while True:
            found += [d["time_s"] for d in page["results"]]
            url = page["next"]
            if not url:
                return found
            page = api.client.get(url, **api.headers).json()

    everything = times()
    assert everything == sorted(everything)
    assert len(everything) == len(columns_of(run).detections) == 84
    assert len(times(label=kestrel.pk)) == 34
    assert len(times(label=kestrel.pk, min_confidence=0.5)) == 24
    assert times(**{"from": 80, "to": 81}) == [80.0, 80.5]
    one = api.get(path, page_size=1).json()["results"][0]
    assert one["box"] == pytest.approx([0.1, 0.1, 0.3, 0.2])
    assert (one["label_name"], one["dwell_s"]) == ("Kestrel", 0.5)


def test_tracks_and_segments_are_listed(api, run):
    tracks = api.get(f"/runs/{run.pk}/tracks/", **{"from": 16, "to": 17}).json()["results"]
    assert {t["label_name"] for t in tracks} == {"Kestrel", "Norra Bank"}
    segments = api.get(f"/runs/{run.pk}/segments/").json()["results"]
    assert [s["index"] for s in segments] == [0, 1]


@pytest.mark.parametrize("query", [{"from": "soon"}, {"min_confidence": "nan"}, {"label": "x"}])
def test_nonsense_about_detections_is_refused(api, run, query):
    answer = api.get(f"/runs/{run.pk}/detections/", **query)
    assert answer.status_code == 400


def test_exposure_is_measured_as_on_the_page(api, run):
    def kestrel(**query):
        found = api.get(f"/runs/{run.pk}/exposure/", **query).json()
        brands = {brand["name"]: brand for brand in found["brands"]}
        return brands["Kestrel"]["reported_s"]

    assert kestrel() == pytest.approx(12)  # 10 to 20 and 80 to 82; the rest is unsure
    assert kestrel(threshold=0.1) == pytest.approx(17)
    assert kestrel(**{"from": 0, "to": 60}) == pytest.approx(10)
    assert kestrel(**{"from": 60}) == pytest.approx(2)
    assert kestrel(method="mrc-50-2") == pytest.approx(12)


@pytest.mark.parametrize(
    "query",
    [{"method": "magic"}, {"threshold": "7"}, {"from": "9", "to": "3"}, {"off": "a"}],
)
def test_exposure_by_nonsense_is_refused(api, run, query):
    assert api.get(f"/runs/{run.pk}/exposure/", **query).status_code == 400


# --- errors and the schema ------------------------------------------------------------------


def test_an_address_that_is_none_is_a_problem_too(client, api):
    for answer in (client.get(f"{API}/nowhere/"), api.get("/assets/999999/")):
        assert answer.status_code == 404
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["title"] == "Not Found"


def test_too_many_calls_are_told_when_to_come_back(api, asset, monkeypatch):
    from django.core.cache import cache
    from rest_framework.throttling import UserRateThrottle

    cache.clear()
    monkeypatch.setattr(UserRateThrottle, "THROTTLE_RATES", {"user": "2/min"})
    answers = [api.get("/assets/") for _ in range(3)]
    cache.clear()
    assert [a.status_code for a in answers] == [200, 200, 429]
    seconds = int(answers[2].headers["Retry-After"])
    assert seconds > 0
    assert f"Call again in {seconds} second" in answers[2].json()["detail"]
    assert answers[2].headers["Content-Type"] == "application/problem+json"


def test_the_api_answers_while_the_shared_cache_is_away(api, asset, settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "webapp.shared_cache.SharedCache",
            "LOCATION": "redis://127.0.0.1:1/0",  # nobody listens there
        }
    }
    assert api.get("/assets/").status_code == 200


def test_what_is_no_json_is_refused(api):
    answer = api.client.post(f"{API}/runs/", "{", content_type="application/json", **api.headers)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_the_schema_is_public_and_whole(client):
    answer = client.get(f"{API}/schema/")
    assert answer.status_code == 200
    schema = json.loads(answer.content)
    assert f"{API}/runs/{{id}}/exposure/" in schema["paths"]
    assert "/uploads/{id}" in schema["paths"]
    pause = schema["paths"][f"{API}/runs/{{id}}/pause/"]["post"]["responses"]
    assert "application/problem+json" in pause["default"]["content"]


def test_the_schema_is_made_once_for_everybody(client, monkeypatch):
    from drf_spectacular.generators import SchemaGenerator

    first = client.get(f"{API}/schema/")
    monkeypatch.setattr(SchemaGenerator, "get_schema", None)  # whoever calls it now fails
    again = client.get(f"{API}/schema/", HTTP_ACCEPT="application/json")
    assert again.content == first.content
    assert again.headers["Content-Type"] == "application/json"


def test_the_schema_is_drawn_without_a_warning(capsys):
    from django.core.management import call_command

    call_command("spectacular", "--validate", "--fail-on-warn")
    assert "openapi:" in capsys.readouterr().out


def test_the_page_to_try_it_loads_nothing_from_elsewhere(client):
    page = client.get(f"{API}/docs/")
    assert page.status_code == 200
    text = page.content.decode()
    assert "//cdn" not in text
    assert "<script>" not in text  # the content policy would not run it


def test_a_picture_track_can_be_asked_for(api, asset, project):
    body = {"asset": asset.pk, "project": project.pk, "sampling": {"track": 1}}
    refused = api.post("/runs/", body)
    assert refused.status_code == 422
    assert "has no picture track 1" in refused.json()["detail"]
    asset.probe |= {
        "pictures": [
            {"index": i, "codec": "h264", "width": 96, "height": 64, "is_used": i == 0}
            for i in range(2)
        ]
    }
    asset.save()
    answer = api.post("/runs/", body)
    assert answer.status_code == 202, answer.content
    assert answer.json()["options"]["track"] == 1


def test_the_key_of_a_deleted_run_is_answered_with_a_sentence(api, asset, project):
    wish, key = {"asset": asset.pk, "project": project.pk}, {"HTTP_IDEMPOTENCY_KEY": "k-1"}
    assert api.post("/runs/", wish, **key).status_code == 202
    Run.objects.all().hide()
    answer = api.post("/runs/", wish, **key)
    assert answer.status_code == 422
    assert "deleted" in answer.json()["detail"]


FIRST_ASKED_AT_ONCE = """
import sys, threading
import django
django.setup()
from django.conf import settings
from django.test import Client
settings.ALLOWED_HOSTS = ["*"]
sys.setswitchinterval(1e-6)  # so that the threads meet everywhere
start, answers = threading.Barrier(4), []
def ask():
    client = Client(raise_request_exception=False)
    start.wait()
    answers.append(client.get("/api/v1/schema/").status_code)
threads = [threading.Thread(target=ask) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(answers)
"""


def test_a_schema_that_several_ask_for_at_once_is_given_to_all(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FIRST_ASKED_AT_ONCE],
        env=os.environ
        | {"SIGHTLINE_DATA": str(tmp_path), "DJANGO_SETTINGS_MODULE": "webapp.settings"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "[200, 200, 200, 200]", done.stderr

"""The improvement loop for people: its settings, the decision, what it changes and what it never
does."""

from __future__ import annotations

import json
import re

import pytest
from django.urls import reverse

from tests.improved import BOX, analysed, boards, round_at_the_gate
from tests.trained import model_version
from webapp.accounts.models import Event, Refused
from webapp.assets.models import Asset
from webapp.improving.comparisons import compare
from webapp.improving.difference import difference
from webapp.improving.loops import Loop
from webapp.improving.rounds import Round
from webapp.leases import Status
from webapp.projects.models import Project
from webapp.registry.versions import RegisteredModel
from webapp.reports.models import Report
from webapp.runs.answers import answers_of
from webapp.runs.run import Run
from webapp.training.models import TrainingRun

pytestmark = pytest.mark.django_db


@pytest.fixture
def dataset(project):
    return boards(project, n=4, n_golden=2)


@pytest.fixture
def old(workspace, project):
    """In production, and the project looks with it."""
    version = model_version(workspace)
    version.model.promote(version, "production", by=None)
    Project.objects.filter(pk=project.pk).update(model_version=version)
    return version


@pytest.fixture
def new(old, workspace):
    return model_version(workspace)


@pytest.fixture
def loop(old, dataset, owner):
    return Loop.make(old.model, dataset, by=owner)


@pytest.fixture
def passed(loop, new):
    """A round that waits for a person."""
    return round_at_the_gate(loop, new)


@pytest.fixture
def at(analyst, client_for):
    return client_for(analyst)


def names(model: RegisteredModel) -> dict[str, int]:
    return dict(model.aliases.values_list("name", "version__number"))


def shown(client, address: str, *args) -> str:
    answer = client.get(reverse(address, args=args))
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


# --- settings -------------------------------------------------------------------------------------


FORM = {"is_on": "on", "after_changes": "5", "start": "version", "epochs": "20", "imgsz": "320"}
FORM |= {"most_fall": "0.05", "architecture": "yolo26n"}


def test_a_loop_is_set_up_on_the_models_page(at, old, dataset, asset):
    assert "Set up" in shown(at, "loop-panel", old.model.pk)
    form = FORM | {"dataset": dataset.pk, "assets": [asset.pk]}
    answer = at.post(reverse("loop", args=[old.model.pk]), form)
    assert answer.status_code == 302
    loop = Loop.objects.get()
    assert (loop.after_changes, loop.every_hours, loop.most_fall) == (5, None, 0.05)
    assert loop.options["imgsz"] == 320
    assert [*loop.assets.all()] == [asset]
    assert "4 new or changed pictures" in shown(at, "loop-panel", old.model.pk)
    at.post(reverse("loop", args=[old.model.pk]), FORM | {"dataset": dataset.pk, "is_on": ""})
    loop.refresh_from_db()
    assert not loop.is_on
    assert not loop.assets.exists()
    assert Event.objects.filter(what="changed an improvement loop").exists()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"dataset": ""}, "This field is required"),
        ({"dataset": "9" * 30}, "Select a valid choice"),
        ({"after_changes": "0"}, "greater than or equal to 1"),
        ({"every_hours": "-3"}, "greater than or equal to 1"),
        ({"imgsz": "100"}, "multiple of 32"),
        ({"most_fall": "2"}, "less than or equal to 1"),
        ({"least_f1": "nan"}, "Enter a number"),
        ({"assets": ["1x"]}, "is not a valid value"),
    ],
)
def test_settings_that_make_no_sense_are_refused_in_words(at, old, dataset, asset, wrong, sentence):
    answer = at.post(reverse("loop", args=[old.model.pk]), FORM | {"dataset": dataset.pk} | wrong)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Loop.objects.exists()


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"after_changes": 0}, "The number of pictures must be a whole number from 1"),
        ({"every_hours": True}, "The hours between rounds must be"),
        ({"least_f1": float("nan")}, "The least F1 must be from 0 to 1"),
        ({"most_fall": None}, "What a label may lose must be"),
        ({"options": {"epochs": 0}}, "Epochs must be between"),
        ({"options": {"colour": 1}}, "no option called colour"),
    ],
)
def test_so_are_those_of_programs(loop, wish, sentence):
    with pytest.raises(Refused, match=sentence):
        loop.change(by=None, **wish)


def test_no_more_than_twenty_films_and_none_of_elsewhere(loop, asset_in, workspace, other_asset):
    many = [asset_in(workspace, f"{n}.mp4") for n in range(21)]
    with pytest.raises(Refused, match="20 films"):
        loop.change(by=None, assets=many)
    with pytest.raises(Refused, match="the model's workspace"):
        loop.change(by=None, assets=[other_asset])
    sound = asset_in(workspace, "talk.mp3", kind=Asset.Kind.AUDIO)
    with pytest.raises(Refused, match="sound without pictures"):
        loop.change(by=None, assets=[sound])


# --- beginning ------------------------------------------------------------------------------------


def test_without_golden_pictures_it_says_what_to_do(at, loop, dataset):
    dataset.samples.update(is_golden=False)
    at.post(reverse("loop-begin", args=[loop.model_id]))
    assert not Round.objects.exists()
    assert "Mark some in the dataset as golden" in shown(at, "loop", loop.model_id)


def test_one_round_at_a_time_and_none_during_a_training(at, loop, new, owner):
    at.post(reverse("loop-begin", args=[loop.model_id]))
    row = Round.objects.get()
    with pytest.raises(Refused, match="Round 1 goes on"):
        loop.begin(Round.Reason.HAND, by=owner)
    row.cancel()
    training = TrainingRun.objects.create(
        version=dataset_version_of(loop), model=loop.model, options={}, software_version="0"
    )
    with pytest.raises(Refused, match=f"Training {training.pk} of Boards goes on"):
        loop.begin(Round.Reason.HAND, by=owner)
    training.cancel()
    round_at_the_gate(loop, new)
    with pytest.raises(Refused, match="Round 2 waits for a decision"):
        loop.begin(Round.Reason.HAND, by=owner)
    assert not row.retry(), "another began since"


def dataset_version_of(loop: Loop):
    return loop.dataset.versions.create(number=1, status=Status.DONE)


def test_a_round_keeps_to_what_was_agreed_when_it_began(loop):
    row = loop.begin(Round.Reason.HAND, by=None)
    loop.change(by=None, most_fall=0.5)
    assert row.gate.most_fall == 0.02


# --- deciding -------------------------------------------------------------------------------------


def test_accepted_it_is_in_production_and_its_projects_go_over(at, passed, old, new, project):
    page = shown(at, "round", passed.pk)
    assert f"look with {old} and go" in page.replace("looks", "look").replace("goes", "go")
    assert "Harbour Cup" in page
    assert "not measured: no golden picture shows it" in page
    at.post(reverse("round-accept", args=[passed.pk]))
    project.refresh_from_db()
    assert (names(old.model), project.model_version) == ({"production": 2}, new)
    passed.refresh_from_db()
    assert (passed.outcome, passed.moved) == (Round.Outcome.ACCEPTED, [project.pk])
    assert Event.objects.filter(what="accepted a round of improvement").exists()
    at.post(reverse("round-roll-back", args=[passed.pk]))
    project.refresh_from_db()
    assert (names(old.model), project.model_version) == ({"production": 1}, old)
    assert "was brought back" in shown(at, "round", passed.pk)


def test_home_says_what_waits_and_what_failed(at, passed):
    assert "A new version of Boards waits for you" in shown(at, "home")
    passed.keep_the_old(by=None)
    assert "waits for you" not in shown(at, "home")
    row = passed.loop.begin(Round.Reason.CHANGES, by=None)
    Round.objects.claim(row.pk, "w").fail("The training failed: The disk is full.", can_retry=True)
    assert "The training failed: The disk is full." in shown(at, "home")


def test_kept_nothing_changes_but_the_name_candidate(at, passed, old, project):
    assert names(old.model) == {"production": 1, "candidate": 2}
    at.post(reverse("round-keep", args=[passed.pk]))
    project.refresh_from_db()
    assert (names(old.model), project.model_version) == ({"production": 1}, old)
    with pytest.raises(Refused, match="does not wait for a decision"):
        passed.accept(by=None)


def test_a_project_that_chose_another_since_is_not_brought_back(passed, project, workspace):
    passed.accept(by=None)
    third = model_version(workspace)
    Project.objects.filter(pk=project.pk).update(model_version=third)
    passed.roll_back(by=None)
    project.refresh_from_db()
    assert project.model_version == third


def test_what_was_measured_beside_another_version_is_not_accepted(passed, old, workspace):
    third = model_version(workspace)
    old.model.promote(third, "production", by=None)
    with pytest.raises(Refused, match="Boards v3 is in production since Boards v2 was measured"):
        passed.accept(by=None)
    passed.keep_the_old(by=None)
    assert names(old.model) == {"production": 3}


def test_nor_brought_back_over_another(passed, old, workspace):
    passed.accept(by=None)
    old.model.promote(model_version(workspace), "production", by=None)
    with pytest.raises(Refused, match="Boards v3 is in production since"):
        passed.roll_back(by=None)


def test_a_first_version_is_taken_out_again(new, dataset, workspace, owner):
    model = RegisteredModel.objects.create(workspace=workspace, name="First")
    first = model_version(workspace, "First")
    row = round_at_the_gate(Loop.make(model, dataset, by=owner), first)
    row.accept(by=owner)
    assert names(model) == {"production": 1}
    row.roll_back(by=owner)
    assert names(model) == {}


def test_a_viewer_looks_and_decides_nothing(passed, viewer, client_for, old):
    client = client_for(viewer)
    assert "An analyst decides" in shown(client, "round", passed.pk)
    for verb in ("accept", "keep", "cancel", "retry", "roll-back"):
        assert client.post(reverse(f"round-{verb}", args=[passed.pk])).status_code == 403
    assert client.post(reverse("loop-begin", args=[old.model.pk])).status_code == 403
    assert client.post(reverse("loop", args=[old.model.pk]), FORM).status_code == 403


def test_reports_that_are_issued_never_change(at, run, passed):
    at.post(reverse("report-issue", args=[run.pk]), {"title": "Cup final"})
    report = Report.objects.get()
    before = (json.dumps(report.manifest), json.dumps(report.numbers))
    page = shown(at, "report", report.pk)
    passed.accept(by=None)
    report.refresh_from_db()
    assert (json.dumps(report.manifest), json.dumps(report.numbers)) == before
    assert without_tokens(shown(at, "report", report.pk)) == without_tokens(page)


def without_tokens(page: str) -> str:
    """A page without what is another each time it is opened."""
    return re.sub(r"[A-Za-z0-9]{64}", "", page)


# --- the difference -------------------------------------------------------------------------------


@pytest.fixture
def compared(passed, asset):
    """The new version sees Kestrel twice more and Norra Bank no more."""
    one = compare(passed, asset)
    analysed(one.before, [("Kestrel", 10.0, 20.0, BOX, 0.9), ("Norra Bank", 15.0, 40.0, BOX, 0.8)])
    found = [("Kestrel", 10.0, 22.0, BOX, 0.9), ("Kestrel", 50.0, 60.0, BOX, 0.9)]
    analysed(one.after, [*found, ("Vitalo", 1.0, 2.0, BOX, 0.01)])
    one.refresh_from_db()
    return one


def test_the_difference_is_told_by_brand_with_its_moments(at, compared, passed):
    found = difference(passed)
    assert [(b.name, round(b.change_s), len(b.moments)) for b in found.brands] == [
        ("Norra Bank", -25, 1),
        ("Kestrel", 12, 2),
    ]
    assert [brand.name for brand in found.same] == ["Vitalo"]
    assert [m.kind for m in found.brands[1].moments] == ["moved", "new"]
    page = shown(at, "round-difference", passed.pk)
    assert "+12.0 s" in page
    assert "2 moments changed" in page
    link = f"{reverse('asset', args=[compared.asset_id])}?run={compared.after_id}&amp;t=50.000"
    assert link in page
    assert "To compare." in at.get(link.replace("&amp;", "&")).content.decode()


def test_what_only_compares_is_nobodys_answer(at, compared, run, asset, project):
    assert answers_of([asset])[asset.pk][0].run == run
    assert [*asset.runs.all()] == [run]
    page = shown(at, "asset", asset.pk)
    assert f"run={compared.after_id}" not in page
    assert Run.objects.finished().count() == 1
    assert at.get(reverse("run-report", args=[compared.after_id])).status_code == 404
    assert asset.runs.filter(project=project).count() == 1


def test_what_could_not_be_compared_is_said(at, passed, asset_in, workspace, asset):
    failed = compare(passed, asset)
    failed.after.fail("The file is damaged.", step="planning", can_retry=False)
    waiting = asset_in(workspace, "late.mp4", status=Status.WAITING)
    assert "is not ready yet" in compare(passed, waiting).problem
    page = shown(at, "round-difference", passed.pk)
    assert "could not be compared: The file is damaged." in page
    assert "late</a> could not be compared: late.mp4 is not ready yet" in page
    asset.remove(by=None)
    assert "damaged" not in shown(at, "round-difference", passed.pk), "a deleted film is no news"


# --- the API --------------------------------------------------------------------------------------


@pytest.fixture
def api(client, key_for, analyst):
    def ask(method: str, path: str, body: dict | None = None):
        send = getattr(client, method)
        about = {"content_type": "application/json"} if method != "get" else {}
        data = () if body is None else (json.dumps(body),)
        return send(f"/api/v1/{path}", *data, **about, **key_for(analyst))

    return ask


def test_programs_do_all_of_it(api, old, new, dataset, asset):
    said = {"model": old.model.pk, "dataset": dataset.pk, "assets": [asset.pk], "every_hours": 24}
    made = api("post", "loops/", said)
    assert made.status_code == 201
    loop = made.json()
    assert (loop["assets"], loop["after_changes"], loop["n_changed"]) == ([asset.pk], 10, 4)
    assert "has a loop already" in api("post", "loops/", said).json()["detail"]
    changed = api("patch", f"loops/{loop['id']}/", {"least_f1": 0.7, "after_changes": None})
    assert (changed.json()["least_f1"], changed.json()["after_changes"]) == (0.7, None)
    begun = api("post", f"loops/{loop['id']}/begin/")
    assert (begun.status_code, begun.json()["stage"]) == (202, "freeze")
    again = api("post", f"loops/{loop['id']}/begin/")
    assert (again.status_code, "goes on" in again.json()["detail"]) == (422, True)
    assert api("post", f"rounds/{begun.json()['id']}/cancel/").json()["is_cancelled"]
    assert api("post", f"rounds/{begun.json()['id']}/accept/").status_code == 422
    row = round_at_the_gate(Loop.objects.get(), new)
    assert api("get", f"rounds/{row.pk}/").json()["standing"] == "waits for you"
    assert api("get", f"rounds/{row.pk}/difference/").json()["brands"] == []
    assert api("post", f"rounds/{row.pk}/accept/").json()["outcome"] == "accepted"
    assert api("post", f"rounds/{row.pk}/roll-back/").json()["outcome"] == "rolled back"
    assert len(api("get", f"rounds/?model={old.model.pk}").json()["results"]) == 2


@pytest.mark.parametrize("wrong", [{"every_hours": "5"}, {"least_f1": 7}, {"assets": ["x"]}])
def test_and_are_told_what_is_wrong(api, loop, wrong):
    assert api("patch", f"loops/{loop.pk}/", wrong).status_code == 400

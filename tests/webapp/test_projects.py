import pytest
from django.urls import reverse

from webapp.accounts.models import Refused
from webapp.leases import Status
from webapp.projects.models import Label, Project
from webapp.registry.versions import ModelVersion, RegisteredModel
from webapp.runs.run import Run

HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def at_work(analyst, client_for):
    return client_for(analyst)


@pytest.fixture
def model_version(workspace):
    model = RegisteredModel.objects.create(workspace=workspace, name="Boards")
    return ModelVersion.objects.create(
        model=model,
        number=1,
        file="m.onnx",
        sha256="0" * 64,
        status=Status.DONE,
        description={"labels": ["kestrel", "norra bank", "gull & sons"]},
    )


def looking(project, **changes):
    now = {
        "mode": "interval",
        "interval_s": "0.2",
        "change": "0.03",
        "uses_references": "on",
        "model_version": "",
        "seen": str(project.version),
    }
    return {key: value for key, value in (now | changes).items() if value is not None}


# --- making one -----------------------------------------------------------------------------


def test_a_project_is_made_of_a_name_and_brands(at_work, workspace):
    answer = at_work.post(
        reverse("projects"), {"name": " Harbour  Cup ", "brands": "Kestrel\nNorra Bank, kestrel"}
    )
    project = Project.objects.get()
    assert answer.url == reverse("project", args=[project.pk])
    assert project.name == "Harbour Cup"
    assert [label.name for label in project.labels.all()] == ["Kestrel", "Norra Bank"]
    assert len({label.colour for label in project.labels.all()}) == 2


def test_a_name_is_enough(at_work):
    at_work.post(reverse("projects"), {"name": "Shirts"})
    assert Project.objects.get().labels.count() == 0


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": ""}, "required"),
        ({"name": "harbour cup"}, "already"),
        ({"name": "x", "brands": "y" * 61}, "too long"),
        ({"name": "x", "brands": ",".join(f"b{n}" for n in range(251))}, "250 labels at most"),
    ],
)
def test_what_cannot_be_a_project_is_refused_in_words(at_work, project, fields, sentence):
    answer = at_work.post(reverse("projects"), fields)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert Project.objects.count() == 1


def test_two_workspaces_may_use_one_name(project, other_workspace, stranger):
    assert Project.objects.begin(other_workspace, project.name, by=stranger).pk


def test_a_viewer_reads_and_changes_nothing(viewer, project, client_for):
    client = client_for(viewer)
    label = project.labels.get(name="Kestrel")
    page = client.get(reverse("project", args=[project.pk]), {"open": label.pk})
    assert page.status_code == 200
    assert "kestrel.png" in page.content.decode()
    assert 'name="pictures"' not in page.content.decode()
    assert client.post(reverse("projects"), {"name": "Mine"}).status_code == 403


def posts(project) -> list[str]:
    label = project.labels.get(name="Kestrel")
    reference = label.references.get()
    return [
        reverse("project-rename", args=[project.pk]),
        reverse("project-looking", args=[project.pk]),
        reverse("label-add", args=[project.pk]),
        reverse("label-order", args=[project.pk]),
        reverse("labels-of-model", args=[project.pk]),
        reverse("project-run", args=[project.pk]),
        reverse("label-edit", args=[label.pk]),
        reverse("label-remove", args=[label.pk]),
        reverse("label-restore", args=[label.pk]),
        reverse("reference-add", args=[label.pk]),
        reverse("reference-remove", args=[reference.pk]),
        reverse("reference-restore", args=[label.pk, "x"]),
    ]


def test_a_stranger_finds_no_project(stranger, other_workspace, project, client_for):
    client = client_for(stranger)
    gets = [reverse(name, args=[project.pk]) for name in ("project", "project-assets")]
    for url in [*gets, reverse("label", args=[project.labels.first().pk])]:
        assert client.get(url).status_code == 404, url
    for url in posts(project):
        assert client.post(url).status_code == 404, url


@pytest.mark.parametrize("who", ["viewer", "reviewer", "labeller"])
def test_roles_that_may_not_edit_are_refused(request, project, client_for, who):
    client = client_for(request.getfixturevalue(who))
    for url in posts(project):
        assert client.post(url).status_code == 403, url


def test_the_page_of_250_labels_asks_few_questions(at_work, project, django_assert_max_num_queries):
    Label.objects.bulk_create(
        Label(project=project, name=f"Brand {n}", colour="#00798c", position=n + 3)
        for n in range(247)
    )
    assert project.labels.count() == 250
    with pytest.raises(Refused, match="250 labels at most"):
        project.add_label("One more", by=None)
    with django_assert_max_num_queries(22):
        assert at_work.get(reverse("project", args=[project.pk])).status_code == 200


# --- how it looks ---------------------------------------------------------------------------


def test_sampling_is_kept_as_the_runs_read_it(at_work, project):
    url = reverse("project-looking", args=[project.pk])
    at_work.post(
        url,
        looking(project, mode="adaptive", interval_s="0.5", change="0.08", tile="on", follow="on"),
    )
    project.refresh_from_db()
    assert project.sampling == {
        "mode": "adaptive",
        "interval_s": 0.5,
        "change": 0.08,
        "tile": 640,
        "follow": True,
    }


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"interval_s": ""}, "How many seconds"),
        ({"interval_s": "0"}, "greater than or equal"),
        ({"interval_s": "nan"}, "Enter a number"),
        ({"interval_s": "1e999"}, "Enter a number"),
        ({"mode": "guess"}, "valid choice"),
        ({"uses_references": None}, "at least one thing to look with"),
    ],
)
def test_sampling_that_makes_no_sense_is_refused(at_work, project, changes, sentence):
    answer = at_work.post(
        reverse("project-looking", args=[project.pk]), looking(project, **changes)
    )
    assert answer.status_code == 422
    if "mode" not in changes:
        assert sentence in answer.content.decode()
    project.refresh_from_db()
    assert project.sampling == {}


def test_the_page_says_which_labels_the_model_knows(at_work, project, model_version):
    at_work.post(
        reverse("project-looking", args=[project.pk]),
        looking(project, model_version=str(model_version.pk)),
    )
    page = at_work.get(reverse("project", args=[project.pk])).content.decode()
    assert "The model knows Kestrel, Norra Bank." in page
    assert "Your label Vitalo is not in it" in page
    assert "gull &amp; sons" in page


def test_the_models_labels_are_added_once(at_work, project, model_version):
    project.model_version = model_version
    project.save()
    for _ in range(2):
        at_work.post(reverse("labels-of-model", args=[project.pk]))
    names = [label.name for label in project.labels.all()]
    assert names == ["Kestrel", "Norra Bank", "Vitalo", "gull & sons"]


def test_a_model_that_is_not_ready_cannot_be_chosen(at_work, project, model_version):
    ModelVersion.objects.update(status=Status.FAILED)
    answer = at_work.post(
        reverse("project-looking", args=[project.pk]),
        looking(project, model_version=str(model_version.pk)),
    )
    assert answer.status_code == 422
    model_version.refresh_from_db()
    with pytest.raises(Refused, match="not passed its check"):
        project.configure(
            sampling={}, uses_references=True, model_version=model_version, seen=1, by=None
        )


def test_a_model_of_another_workspace_cannot_be_chosen(
    at_work, project, model_version, other_workspace
):
    RegisteredModel.objects.update(workspace=other_workspace)
    answer = at_work.post(
        reverse("project-looking", args=[project.pk]),
        looking(project, model_version=str(model_version.pk)),
    )
    assert answer.status_code == 422


# --- two browsers ---------------------------------------------------------------------------


def test_the_second_of_two_editors_sees_both_and_overwrites_nothing(at_work, project):
    url = reverse("project-looking", args=[project.pk])
    assert at_work.post(url, looking(project, mode="key")).status_code == 302
    late = at_work.post(url, looking(project, mode="every"))
    page = late.content.decode()
    assert late.status_code == 409
    assert "Somebody else changed this project meanwhile" in page
    assert "Key frames only" in page
    project.refresh_from_db()
    assert project.sampling["mode"] == "key"
    again = at_work.post(url, looking(project, mode="every"))  # now on top of what was shown
    assert again.status_code == 302


def test_an_edit_that_does_not_say_what_it_saw_is_not_taken(at_work, project):
    url = reverse("project-looking", args=[project.pk])
    for seen in (None, "", "-1", "x", "٣", "9" * 40):
        assert at_work.post(url, looking(project, seen=seen)).status_code == 409, seen


def test_a_late_rename_shows_the_name_it_has_now(at_work, project):
    url = reverse("project-rename", args=[project.pk])
    at_work.post(url, {"name": "First", "seen": "1"})
    late = at_work.post(url, {"name": "Second", "seen": "1"})
    assert late.status_code == 409
    assert "First" in late.content.decode()
    assert "Second" in late.content.decode()
    project.refresh_from_db()
    assert project.name == "First"


# --- runs -----------------------------------------------------------------------------------


def test_run_on_all_starts_one_run_for_each_asset(at_work, project, run, asset_in, workspace):
    asset_in(workspace, "second.mp4")
    url = reverse("project-run", args=[project.pk])
    at_work.post(url, {"which": "analysed"})
    assert Run.objects.unfinished().count() == 1
    at_work.post(url, {"which": "analysed"})  # the first is still waiting
    assert Run.objects.unfinished().count() == 1
    at_work.post(url, {"which": "others"})
    assert Run.objects.unfinished().count() == 2


def test_run_on_all_leaves_sound_and_unready_assets_alone(at_work, project, asset_in, workspace):
    asset_in(workspace, "song.mp3", kind="audio")
    asset_in(workspace, "late.mp4", status=Status.WORKING)
    at_work.post(reverse("project-run", args=[project.pk]), {"which": "others"})
    assert not Run.objects.exists()


def test_run_on_all_says_why_nothing_can_start(at_work, workspace, asset, owner):
    bare = Project.objects.begin(workspace, "Bare", by=owner, brands=["Nobody"])
    url = reverse("project-run", args=[bare.pk])
    page = at_work.post(url, {"which": "others"}, follow=True).content.decode()
    assert "Nothing tells Sightline what the brands look like" in page
    assert 'id="run-on-others"' not in page, "what would be refused is not offered"
    assert not Run.objects.exists()


def test_the_assets_of_a_project_ask_again_while_one_runs(at_work, project, run):
    url = reverse("project-assets", args=[project.pk])
    assert "every 2s" not in at_work.get(url, **HTMX).content.decode()
    Run.objects.update(status=Run.Status.RUNNING)
    fragment = at_work.get(url, **HTMX).content.decode()
    assert "every 2s" in fragment
    assert "Run again on 1 asset" in fragment  # above the list, as what was uploaded comes in

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from webapp.accounts.models import Event, Membership, User, Workspace


def test_a_name_can_be_changed(analyst, client_for):
    client_for(analyst).post(reverse("profile"), {"name": "Ana Lyst"})
    analyst.refresh_from_db()
    assert analyst.name == "Ana Lyst"


def test_a_password_changes_only_with_the_current_one(owner, workspace, client_for):
    client = client_for(owner)
    wrong = client.post(reverse("password"), {"current": "guess", "new": "another lengthy one"})
    assert wrong.status_code == 422
    assert "not your current password" in wrong.content.decode()
    right = {"current": "correct horse", "new": "another lengthy one"}
    assert client.post(reverse("password"), right).url == reverse("profile")
    assert client.get(reverse("profile")).status_code == 200  # still signed in


@pytest.mark.parametrize("weak", ["short", "password123", "12345678901", "olga@example.org"])
def test_a_weak_password_is_refused(owner, workspace, client_for, weak):
    answer = client_for(owner).post(reverse("password"), {"current": "correct horse", "new": weak})
    assert answer.status_code == 422
    owner.refresh_from_db()
    assert owner.check_password("correct horse")


def test_somebody_without_a_workspace_is_told_what_to_do(stranger, client):
    client.force_login(stranger)
    answer = client.get(reverse("home"), follow=True)
    assert answer.redirect_chain[-1][0] == reverse("no-workspace")
    assert "Ask an administrator" in answer.content.decode()


def test_switching_shows_the_other_workspace_only_to_its_members(
    owner, workspace, other_workspace, client_for
):
    client = client_for(owner)
    assert client.post(reverse("switch-workspace", args=[other_workspace.pk])).status_code == 404
    Membership.objects.create(workspace=other_workspace, user=owner, role="viewer")
    client.post(reverse("switch-workspace", args=[other_workspace.pk]))
    assert "Elsewhere" in client.get(reverse("home")).content.decode()


def test_losing_a_workspace_leads_back_to_the_first(owner, workspace, other_workspace, client_for):
    there = Membership.objects.create(workspace=other_workspace, user=owner, role="viewer")
    client = client_for(owner)
    client.post(reverse("switch-workspace", args=[other_workspace.pk]))
    there.delete()
    assert "Harbour Cup" in client.get(reverse("home")).content.decode()


def test_a_reader_of_the_log_sees_what_was_done_and_finds_it_again(owner, workspace, client_for):
    for number in range(60):
        said = {"items": 3, "can_write": False, "labels": ["Acme", "Zenith"]}
        Event.record(workspace, owner, "uploaded", f"clip {number}.mp4", **said)
    client = client_for(owner)
    first = client.get(reverse("audit-log")).content.decode()
    assert "clip 59.mp4" in first
    assert "items 3, can write no, labels Acme, Zenith" in first
    assert "clip 2.mp4" not in first
    found = client.get(reverse("audit-log"), {"q": "clip 2.mp4"}).content.decode()
    assert "clip 2.mp4" in found
    nobody = client.get(reverse("audit-log"), {"who": "nobody@example.org"}).content.decode()
    assert "Nothing matches" in nobody
    assert client.get(reverse("audit-log"), {"page": "2"}).status_code == 200
    assert client.get(reverse("audit-log"), {"page": "last one"}).status_code == 200


def test_the_log_of_another_workspace_is_not_shown(
    owner, workspace, other_workspace, stranger, client_for
):
    Event.record(other_workspace, stranger, "uploaded", "secret.mp4")
    assert "secret.mp4" not in client_for(owner).get(reverse("audit-log")).content.decode()


@pytest.mark.parametrize("page", ["members", "audit-log", "system"])
@pytest.mark.parametrize("who", ["analyst", "viewer", "reviewer", "labeller"])
def test_only_administrators_open_the_rooms_behind(request, client_for, page, who):
    person = request.getfixturevalue(who)
    assert client_for(person).get(reverse(page)).status_code == 403


@pytest.mark.parametrize("page", ["home", "projects", "models", "members", "keys", "profile"])
def test_nobody_sees_a_page_without_signing_in(db, client, page):
    answer = client.get(reverse(page))
    assert answer.status_code == 302
    assert answer.url.startswith("/sign-in")


def test_every_page_of_settings_opens(owner, workspace, client_for):
    client = client_for(owner)
    for page in ("profile", "password", "members", "keys", "audit-log", "system"):
        assert client.get(reverse(page)).status_code == 200, page
    assert client.get(reverse("settings"), follow=True).status_code == 200


def test_the_operators_pages_open(owner, workspace, project, client_for):
    Event.record(workspace, owner, "uploaded", "clip.mp4")
    owner.is_staff = owner.is_superuser = True
    owner.save()
    client = client_for(owner)
    for model in ("user", "workspace", "key", "event"):
        assert client.get(reverse(f"admin:accounts_{model}_changelist")).status_code == 200, model
    for name in ("projects_project", "registry_registeredmodel", "registry_modelversion"):
        assert client.get(reverse(f"admin:{name}_changelist")).status_code == 200, name
    assert client.get(reverse("admin:accounts_user_change", args=[owner.pk])).status_code == 200
    assert (
        client.get(reverse("admin:projects_project_change", args=[project.pk])).status_code == 200
    )
    assert client.get(reverse("admin:accounts_event_add")).status_code == 403


# --- commands -------------------------------------------------------------------------------


def test_createadmin_prints_a_link_that_makes_an_administrator(db, settings, client):
    settings.SITE_URL = "https://sightline.example.org/"
    out = StringIO()
    call_command("createadmin", email="First@Example.org", workspace="Studio", stdout=out)
    link = out.getvalue().strip()
    assert link.startswith("https://sightline.example.org/sign-in/")
    client.post(link.removeprefix("https://sightline.example.org"))
    assert client.get(reverse("members")).status_code == 200
    assert Membership.objects.get().workspace.name == "Studio"


def test_createadmin_twice_makes_one_person_and_one_workspace(db):
    for _ in range(2):
        call_command("createadmin", email="first@example.org", stdout=StringIO())
    assert User.objects.count() == Workspace.objects.count() == Membership.objects.count() == 1


def test_createadmin_refuses_what_is_no_address(db):
    with pytest.raises(CommandError, match="not an e-mail address"):
        call_command("createadmin", email="first")


def test_signinlink_lets_a_person_in_and_names_nobody_unknown(owner, workspace):
    out = StringIO()
    call_command("signinlink", email="olga@example.org", stdout=out)
    path = out.getvalue().strip().removeprefix("http://127.0.0.1:8000")
    assert Client().post(path).status_code == 302
    with pytest.raises(CommandError, match="Nobody here"):
        call_command("signinlink", email="nobody@example.org")

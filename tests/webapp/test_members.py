import io
import re

import pytest
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from webapp.accounts.models import Event, Key, Membership, Refused, SignInLink, User


@pytest.fixture
def at_members(owner, client_for):
    return client_for(owner)


def invite(client, email="new@example.org", role="analyst"):
    return client.post(reverse("members"), {"email": email, "role": role}, follow=True)


def place(user, workspace) -> Membership:
    return Membership.objects.get(user=user, workspace=workspace)


def test_an_invitation_shows_a_link_that_lets_the_new_member_in(at_members, workspace):
    page = invite(at_members, "New@Example.org").content.decode()
    path = re.search(r"http://127.0.0.1:8000(/sign-in/[\w-]+)", page).group(1)
    newcomer = Client()
    newcomer.post(path)
    assert newcomer.get(reverse("home")).status_code == 200
    user = User.objects.get(email="new@example.org")
    assert place(user, workspace).role == "analyst"
    assert path not in at_members.get(reverse("members")).content.decode()


def test_an_invitation_is_mailed_where_there_is_a_mail_server(at_members, settings):
    settings.EMAIL_HOST = "mail.example.org"
    invite(at_members)
    assert mail.outbox[0].to == ["new@example.org"]
    assert "/sign-in/" in mail.outbox[0].body


def test_a_mail_server_that_refuses_costs_nothing_but_the_mail(at_members, settings):
    settings.EMAIL_HOST = "mail.example.org"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9  # nobody listens there
    page = invite(at_members)
    assert page.status_code == 200
    assert "/sign-in/" in page.content.decode()


def test_somebody_with_an_account_gets_no_link_that_would_open_their_other_workspace(
    at_members, stranger, other_workspace, workspace
):
    open_link = SignInLink.make(stranger)
    answer = invite(at_members, "sten@example.org", "viewer")
    assert answer.redirect_chain
    assert "/sign-in/" not in answer.content.decode()
    assert place(stranger, workspace).role == "viewer"
    assert SignInLink.whose(open_link) is None
    refused = at_members.post(reverse("member-link", args=[place(stranger, workspace).pk]))
    assert refused.status_code == 302
    assert not SignInLink.objects.filter(user=stranger, used=None).exists()


def test_a_member_is_invited_once(at_members, analyst):
    answer = invite(at_members, "ana@example.org", "viewer")
    assert answer.status_code == 422
    assert "is a member already" in answer.content.decode()


@pytest.mark.parametrize(("email", "role"), [("nonsense", "viewer"), ("a@b.org", "emperor")])
def test_a_nonsense_invitation_is_refused(at_members, email, role):
    assert invite(at_members, email, role).status_code == 422


def test_a_lost_password_gets_a_new_link(at_members, analyst, workspace):
    page = at_members.post(reverse("member-link", args=[place(analyst, workspace).pk]), follow=True)
    path = re.search(r"/sign-in/[\w-]+", page.content.decode()).group(0)
    browser = Client()
    browser.post(path)
    assert browser.session["_auth_user_id"] == str(analyst.pk)


def test_a_role_changes_and_the_log_says_so(at_members, analyst, workspace):
    at_members.post(reverse("member-role", args=[place(analyst, workspace).pk]), {"role": "viewer"})
    assert place(analyst, workspace).role == "viewer"
    event = Event.objects.filter(what="changed a role").get()
    assert event.data == {"before": "analyst", "after": "viewer"}


def test_the_last_administrator_stays(at_members, owner, workspace):
    mine = place(owner, workspace)
    at_members.post(reverse("member-role", args=[mine.pk]), {"role": "viewer"})
    page = at_members.post(reverse("member-remove", args=[mine.pk]), follow=True)
    assert "last administrator" in page.content.decode()
    assert page.redirect_chain == [(reverse("members"), 302)]  # where the other can be made one
    assert place(owner, workspace).role == "administrator"


def test_an_administrator_whose_account_is_closed_does_not_count(owner, analyst, workspace):
    ana = place(analyst, workspace)
    ana.change_role("administrator", by=owner)
    analyst.is_active = False
    analyst.save()
    with pytest.raises(Refused, match="last administrator"):
        place(owner, workspace).change_role("viewer", by=owner)


def test_with_a_second_administrator_the_first_may_go(at_members, owner, analyst, workspace):
    place(analyst, workspace).change_role("administrator", by=owner)
    place(owner, workspace).remove(by=owner)
    assert not Membership.objects.filter(user=owner).exists()


def test_a_removed_member_sees_nothing_and_their_keys_stop(
    at_members, analyst, workspace, client_for
):
    key, _ = Key.make(workspace, analyst, "CI", can_write=True)
    at_members.post(reverse("member-remove", args=[place(analyst, workspace).pk]))
    key.refresh_from_db()
    assert key.revoked is not None
    assert client_for(analyst).get(reverse("projects")).url == reverse("no-workspace")


def test_a_member_of_another_workspace_does_not_exist_here(at_members, stranger, other_workspace):
    theirs = place(stranger, other_workspace).pk
    for name in ("member-role", "member-remove", "member-link"):
        answer = at_members.post(reverse(name, args=[theirs]), {"role": "viewer"})
        assert answer.status_code == 404, name


@pytest.mark.parametrize("name", ["member-role", "member-remove", "member-link"])
def test_an_analyst_changes_no_members(analyst, owner, workspace, client_for, name):
    target = reverse(name, args=[place(owner, workspace).pk])
    assert client_for(analyst).post(target, {"role": "viewer"}).status_code == 403


def test_the_workspace_can_be_renamed(at_members, workspace):
    at_members.post(reverse("members"), {"rename": "1", "name": "Studio North"})
    workspace.refresh_from_db()
    assert workspace.name == "Studio North"


# --- people who have not come in yet ----------------------------------------------------------


@pytest.fixture
def at_theirs(stranger, other_workspace, client_for):
    """The members page of the other workspace."""
    return client_for(stranger)


def link_in(page) -> str:
    return re.search(r"/sign-in/[\w-]+", page.content.decode()).group(0)


def comes_in(link: str) -> bool:
    return Client().post(link).status_code == 302


def test_an_invitation_to_a_second_workspace_leaves_the_first_link_as_it_is(at_members, at_theirs):
    link = link_in(invite(at_members))
    answer = invite(at_theirs)
    assert answer.status_code == 422
    assert "no password yet" in answer.content.decode()
    assert User.objects.get(email="new@example.org").memberships.count() == 1
    assert comes_in(link)


def test_a_person_without_a_password_keeps_their_way_in(at_members, at_theirs):
    link = link_in(invite(at_members))
    assert comes_in(link)  # and puts the password off
    invite(at_theirs)
    user = User.objects.get(email="new@example.org")
    again = at_members.post(reverse("member-link", args=[user.memberships.get().pk]), follow=True)
    assert comes_in(link_in(again))


def test_with_a_password_of_their_own_they_can_be_invited_anywhere(
    at_members, at_theirs, other_workspace
):
    invite(at_members)
    user = User.objects.get(email="new@example.org")
    user.set_password("a lengthy phrase")
    user.save()
    invite(at_theirs)
    assert place(user, other_workspace).role == "analyst"


def test_who_left_before_they_ever_came_gets_a_link_with_the_next_invitation(
    at_members, at_theirs, workspace
):
    old = link_in(invite(at_members))
    user = User.objects.get(email="new@example.org")
    at_members.post(reverse("member-remove", args=[place(user, workspace).pk]))
    new = link_in(invite(at_theirs))
    assert not comes_in(old)  # its maker is no friend of the new workspace
    assert comes_in(new)


def test_an_account_that_was_closed_is_not_opened_by_an_invitation(at_theirs, person, workspace):
    user = person("bea", "viewer", workspace)
    User.objects.filter(pk=user.pk).update(is_active=False)
    answer = invite(at_theirs, user.email)
    assert answer.status_code == 422
    assert "closed" in answer.content.decode()


def test_making_somebody_the_operator_ends_the_links_that_others_hold(at_members):
    link = link_in(invite(at_members))
    call_command("createadmin", email="new@example.org", stdout=io.StringIO())
    assert not comes_in(link)

"""The operator's pages go by the same rules as everybody's."""

import pytest
from django.test import Client
from django.urls import reverse

from webapp.accounts.models import Event, Key, Membership, SignInLink, SignInTry, User


@pytest.fixture
def operator(db):
    return User.objects.create_superuser("otto@example.org", "correct horse")


@pytest.fixture
def at_admin(operator, workspace, client_for) -> Client:
    return client_for(operator)


def memberships_form(workspace, **changes) -> dict:
    """What the page of a workspace sends; changes={pk: {"role": …} or {"DELETE": "on"}}."""
    rows = list(workspace.memberships.order_by("pk"))
    prefix = "memberships"
    form = {
        "name": workspace.name,
        "slug": workspace.slug,
        f"{prefix}-TOTAL_FORMS": len(rows),
        f"{prefix}-INITIAL_FORMS": len(rows),
    }
    for number, row in enumerate(rows):
        values = {"id": row.pk, "workspace": workspace.pk, "user": row.user_id, "role": row.role}
        values |= changes.get(row.user.name, {})
        form |= {f"{prefix}-{number}-{key}": value for key, value in values.items()}
    return form


def save(at_admin, workspace, **changes):
    page = reverse("admin:accounts_workspace_change", args=[workspace.pk])
    return at_admin.post(page, memberships_form(workspace, **changes))


def test_the_way_in_is_the_sign_in_page_with_its_limits(operator):
    for _ in range(SignInTry.PER_ADDRESS):
        SignInTry.record(operator.email, "127.0.0.1")
    browser = Client()
    wish = {"username": operator.email, "password": "correct horse", "next": "/admin/"}
    browser.post(reverse("admin:login"), wish)
    assert "_auth_user_id" not in browser.session
    door = browser.get(reverse("admin:index"), follow=True)
    assert door.redirect_chain[-1][0] == "/sign-in?next=/admin/"


def test_after_signing_in_the_operator_is_where_they_wanted_to_be(operator):
    browser = Client()
    wish = {"email": operator.email, "password": "correct horse", "next": "/admin/"}
    answer = browser.post(reverse("sign-in"), wish, follow=True)
    assert answer.redirect_chain[-1][0] == "/admin/"
    assert answer.status_code == 200


def test_a_member_who_is_no_operator_is_told_so_and_not_sent_round(owner, client_for):
    assert client_for(owner).get(reverse("admin:index"), follow=True).status_code == 403


def test_guessing_the_current_password_in_a_borrowed_browser_stops_too(owner, client_for):
    browser = client_for(owner)
    wish = {"current": "nonsense", "new": "a lengthy phrase"}
    for _ in range(SignInTry.PER_ADDRESS):
        browser.post(reverse("password"), wish)
    page = browser.post(reverse("password"), wish | {"current": "correct horse"})
    assert "Too many tries" in page.content.decode()
    owner.refresh_from_db()
    assert owner.check_password("correct horse")


@pytest.mark.parametrize("change", [{"role": "viewer"}, {"DELETE": "on"}])
def test_the_last_administrator_stays_in_the_admin_too(at_admin, workspace, analyst, change):
    page = save(at_admin, workspace, Olga=change)
    assert page.status_code == 200
    assert "at least one administrator" in page.content.decode()
    assert Membership.objects.get(user__name="Olga").role == "administrator"


def test_two_can_change_places_at_once_and_the_log_says_by_whom(at_admin, workspace, analyst):
    save(at_admin, workspace, Olga={"role": "viewer"}, Ana={"role": "administrator"})
    assert Membership.objects.get(user__name="Ana").role == "administrator"
    assert Membership.objects.get(user__name="Olga").role == "viewer"
    events = Event.objects.filter(what="changed a role", user__email="otto@example.org")
    assert events.count() == 2


def test_who_is_taken_out_in_the_admin_loses_their_keys(at_admin, workspace, analyst):
    key, _ = Key.make(workspace, analyst, "CI")
    save(at_admin, workspace, Ana={"DELETE": "on"})
    key.refresh_from_db()
    assert key.revoked is not None


def account_form(user, **changes) -> dict:
    return {"email": user.email, "name": user.name, "is_active": "on"} | changes


def test_the_account_of_a_last_administrator_cannot_be_closed(at_admin, owner):
    page = reverse("admin:accounts_user_change", args=[owner.pk])
    answer = at_admin.post(page, account_form(owner, is_active=""))
    assert "last administrator of Harbour Cup" in answer.content.decode()
    owner.refresh_from_db()
    assert owner.is_active


def test_who_becomes_an_operator_leaves_no_link_in_other_hands(at_admin, analyst):
    link = SignInLink.make(analyst)
    page = reverse("admin:accounts_user_change", args=[analyst.pk])
    at_admin.post(page, account_form(analyst, is_staff="on"))
    analyst.refresh_from_db()
    assert analyst.is_staff
    assert SignInLink.whose(link) is None


def test_an_account_is_closed_and_not_deleted_with_all_it_did(at_admin, analyst):
    page = reverse("admin:accounts_user_delete", args=[analyst.pk])
    assert at_admin.post(page, {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=analyst.pk).exists()

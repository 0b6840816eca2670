import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from webapp.accounts.models import SignInLink, SignInTry, User


def sign_in(client: Client, email: str, password: str, **extra):
    return client.post(reverse("sign-in"), {"email": email, "password": password} | extra)


def test_it_signs_in_whatever_the_case_of_the_address(owner, workspace, client):
    answer = sign_in(client, "OLGA@Example.org", "correct horse")
    assert answer.status_code == 302
    assert answer.url == reverse("home")
    assert client.get(reverse("home")).status_code == 200


def test_a_wrong_password_and_an_unknown_address_read_the_same(owner, client):
    wrong = sign_in(client, "olga@example.org", "nonsense")
    unknown = sign_in(client, "nobody@example.org", "nonsense")
    assert wrong.status_code == unknown.status_code == 422
    sentence = "That e-mail and password do not go together."
    assert sentence in wrong.content.decode()
    assert sentence in unknown.content.decode()


def test_too_many_tries_stop_even_the_right_password_for_a_while(owner, client):
    for _ in range(SignInTry.PER_ADDRESS):
        sign_in(client, "olga@example.org", "nonsense")
    answer = sign_in(client, "olga@example.org", "correct horse")
    assert "Too many tries" in answer.content.decode()
    SignInTry.objects.update(at=timezone.now() - SignInTry.WINDOW - timedelta(seconds=1))
    assert sign_in(client, "olga@example.org", "correct horse").status_code == 302


def test_trying_many_addresses_from_one_place_stops_too(db, owner, client):
    for number in range(SignInTry.PER_PLACE):
        SignInTry.record(f"person{number}@example.org", "127.0.0.1")
    answer = sign_in(client, "olga@example.org", "correct horse")
    assert "Too many tries" in answer.content.decode()


def test_somebody_elsewhere_cannot_lock_a_person_out(owner, workspace, client):
    for _ in range(SignInTry.PER_ADDRESS):
        SignInTry.record("olga@example.org", "203.0.113.9")
    assert sign_in(client, "olga@example.org", "correct horse").status_code == 302


def test_it_goes_on_to_the_page_that_was_asked_for(owner, workspace, client):
    answer = client.get(reverse("projects"))
    assert answer.status_code == 302
    assert answer.url == "/sign-in?next=/projects"
    assert sign_in(client, "olga@example.org", "correct horse", next="/projects").url == "/projects"


@pytest.mark.parametrize(
    "evil", ["https://evil.example/x", "//evil.example", "javascript:alert(1)"]
)
def test_it_never_leads_off_the_site(owner, workspace, client, evil):
    answer = sign_in(client, "olga@example.org", "correct horse", next=evil)
    assert answer.url == reverse("home")


def test_signing_out_needs_a_post(owner, workspace, client_for):
    client = client_for(owner)
    assert client.get(reverse("sign-out")).status_code == 405
    assert client.post(reverse("sign-out")).status_code == 302
    assert client.get(reverse("home")).status_code == 302


def test_a_person_without_access_cannot_sign_in(owner, client):
    User.objects.update(is_active=False)
    assert sign_in(client, "olga@example.org", "correct horse").status_code == 422


# --- links ----------------------------------------------------------------------------------


def test_opening_a_link_says_whom_it_signs_in_and_uses_nothing_up(owner, workspace, client):
    link = reverse("sign-in-link", args=[SignInLink.make(owner)])
    for _ in range(2):  # a mail program looks first
        page = client.get(link)
        assert "olga@example.org" in page.content.decode()
    answer = client.post(link)
    assert answer.url == reverse("password")
    assert client.session["_auth_user_id"] == str(owner.pk)


def test_a_link_works_once(owner, client):
    link = reverse("sign-in-link", args=[SignInLink.make(owner)])
    client.post(link)
    again = Client().post(link)
    assert again.status_code == 410
    assert "no longer works" in again.content.decode()


@pytest.mark.parametrize("days", [-1, -0.001])
def test_an_old_link_does_not_work(owner, client, days):
    link = reverse("sign-in-link", args=[SignInLink.make(owner, days=days)])
    assert client.get(link).status_code == 410
    assert client.post(link).status_code == 410


def test_a_made_up_link_does_not_work(db, client):
    assert client.get(reverse("sign-in-link", args=["abc"])).status_code == 410


def test_a_link_leaves_nothing_of_the_person_who_was_signed_in(owner, analyst, client_for):
    client = client_for(analyst)
    session = client.session
    session["workspace"] = 42
    session.save()
    client.post(reverse("sign-in-link", args=[SignInLink.make(owner)]))
    assert client.session["_auth_user_id"] == str(owner.pk)
    assert "workspace" not in client.session


def test_after_a_link_a_password_can_be_set_or_left_for_later(owner, workspace, client):
    client.post(reverse("sign-in-link", args=[SignInLink.make(owner)]))
    page = client.get(reverse("password")).content.decode()
    assert "Later" in page
    assert "Current password" not in page
    assert client.post(reverse("password"), {"new": "a lengthy phrase"}).url == reverse("home")
    owner.refresh_from_db()
    assert owner.check_password("a lengthy phrase")
    # from now on the old one must be known
    assert "Current password" in client.get(reverse("password")).content.decode()


def test_a_form_that_is_older_than_the_sign_in_says_how_to_go_on(owner, workspace):
    browser = Client(enforce_csrf_checks=True)

    def token(path: str) -> str:
        html = browser.get(path).content.decode()
        return re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', html).group(1)

    known = {"email": owner.email, "password": "correct horse"}
    browser.post("/sign-in", known | {"csrfmiddlewaretoken": token("/sign-in")})
    old = token("/contracts/new")
    browser.cookies.pop("sessionid")  # it is over, and in another tab somebody signs in again
    browser.post("/sign-in", known | {"csrfmiddlewaretoken": token("/sign-in")})
    answer = browser.post("/contracts/new", {"csrfmiddlewaretoken": old})
    assert answer.status_code == 403
    assert "load the page again" in answer.content.decode()

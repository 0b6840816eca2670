import pytest
from django.urls import reverse

from webapp.accounts.models import Key


def test_a_key_is_shown_once_and_kept_as_a_hash(analyst, workspace, client_for):
    client = client_for(analyst)
    page = client.post(reverse("keys"), {"name": "Nightly export"}, follow=True)
    secret = page.context["secret"]
    assert secret in page.content.decode()
    assert page["Cache-Control"].startswith("max-age=0")
    assert secret not in client.get(reverse("keys")).content.decode()
    key = Key.objects.get()
    assert (key.user, key.workspace, key.can_write) == (analyst, workspace, False)
    assert secret not in (key.key_hash, key.hint)


def test_writing_must_be_asked_for(analyst, client_for):
    client_for(analyst).post(reverse("keys"), {"name": "CI", "can_write": "on"})
    assert Key.objects.get().can_write


def test_a_key_needs_a_name(analyst, client_for):
    assert client_for(analyst).post(reverse("keys"), {"name": " "}).status_code == 422
    assert not Key.objects.exists()


def test_one_sees_and_revokes_only_ones_own(analyst, viewer, owner, workspace, client_for):
    key, _ = Key.make(workspace, analyst, "Nightly export")
    browser = client_for(viewer)
    assert "Nightly export" not in browser.get(reverse("keys")).content.decode()
    assert browser.post(reverse("key-revoke", args=[key.pk])).status_code == 404
    assert "Nightly export" in client_for(owner).get(reverse("keys")).content.decode()


@pytest.mark.parametrize("who", ["analyst", "owner"])
def test_its_maker_and_an_administrator_can_revoke_it(request, analyst, workspace, client_for, who):
    key, _ = Key.make(workspace, analyst, "Nightly export")
    client_for(request.getfixturevalue(who)).post(reverse("key-revoke", args=[key.pk]))
    key.refresh_from_db()
    assert key.revoked is not None


def test_a_key_of_another_workspace_does_not_exist_here(
    owner, stranger, other_workspace, client_for
):
    key, _ = Key.make(other_workspace, stranger, "Theirs")
    assert client_for(owner).post(reverse("key-revoke", args=[key.pk])).status_code == 404


def test_a_labeller_has_no_keys(labeller, client_for):
    assert client_for(labeller).get(reverse("keys")).status_code == 403

"""Collections: folders of the library that can go without taking anything along."""

from __future__ import annotations

import pytest

from webapp.assets.models import Asset, Collection

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(client_for, analyst):
    return client_for(analyst)


def test_a_collection_is_made_and_shown(browser, workspace):
    answer = browser.post("/collections", {"name": "  Group   stage "}, follow=True)
    made = Collection.objects.get()
    assert (made.name, made.workspace) == ("Group stage", workspace)
    assert answer.redirect_chain[-1][0] == f"/library?collection={made.pk}"


def test_a_collection_can_be_made_around_chosen_assets(browser, asset):
    browser.post("/collections", {"name": "Cup", "asset": [asset.pk]})
    asset.refresh_from_db()
    assert asset.collection.name == "Cup"


@pytest.mark.parametrize("name", ["Cup", "cup", " CUP ", "", "x" * 121])
def test_a_name_that_is_taken_or_no_name_is_refused_in_words(browser, workspace, name):
    Collection.objects.create(workspace=workspace, name="Cup")
    answer = browser.post("/collections", {"name": name}, follow=True)
    assert Collection.objects.count() == 1
    assert 'class="toast error"' in answer.content.decode()


def test_the_same_name_in_another_workspace_is_another_collection(
    browser, workspace, other_workspace
):
    Collection.objects.create(workspace=other_workspace, name="Cup")
    browser.post("/collections", {"name": "Cup"})
    assert workspace.collections.get().name == "Cup"


def test_a_collection_is_renamed(browser, workspace):
    cup = Collection.objects.create(workspace=workspace, name="Cup")
    browser.post(f"/collections/{cup.pk}/rename", {"name": "CUP"})
    cup.refresh_from_db()
    assert cup.name == "CUP"


def test_deleting_a_collection_keeps_its_assets(browser, workspace, asset):
    cup = Collection.objects.create(workspace=workspace, name="Cup")
    asset.move(cup)
    answer = browser.post(f"/collections/{cup.pk}/delete", follow=True)
    assert Asset.objects.get().collection is None
    assert "Its 1 asset is in no collection now." in answer.content.decode()


def test_assets_are_not_moved_to_another_workspace(browser, asset, other_workspace):
    theirs = Collection.objects.create(workspace=other_workspace, name="Theirs")
    answer = browser.post("/library/move", {"asset": asset.pk, "collection": theirs.pk})
    assert answer.status_code == 404
    asset.refresh_from_db()
    assert asset.collection is None

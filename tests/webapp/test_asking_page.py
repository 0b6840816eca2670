"""Asking on the search page: chips for what is asked by, only one's own, and what people judge."""

from __future__ import annotations

import pytest
from django.core.files.storage import default_storage
from django.urls import reverse

from tests.spoken import transcribed
from tests.workers.asking.test_asks import picture
from webapp.asking.asks import Ask
from webapp.asking.judgements import Judgement
from workers.asking.pieces import ask

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "found"}
PAGE = "/search"


@pytest.fixture
def asked(workspace, viewer) -> Ask:
    row = Ask.objects.by_picture(workspace, picture(), "board.png", by=viewer)
    ask(row.pk)
    row.refresh_from_db()
    return row


def test_an_ask_stands_beside_the_field_and_says_what_it_cannot(asked, viewer, client_for):
    answer = client_for(viewer).get(PAGE, {"ask": asked.pk}).content.decode()
    assert "board.png" in answer
    assert "no space of its pictures has been made" in answer
    assert "There is nothing to compare it with yet" in answer
    assert f'<option value="{asked.pk}" selected>like this' in answer
    unwanted = client_for(viewer).get(PAGE, {"without": asked.pk}).content.decode()
    assert f'<option value="{asked.pk}:-1" selected>not like this' in unwanted
    assert "Say as well what is looked for" in unwanted


def test_while_a_worker_looks_the_page_asks_again(workspace, viewer, client_for):
    row = Ask.objects.by_picture(workspace, picture(), "board.png", by=viewer)
    answer = client_for(viewer).get(PAGE, {"ask": row.pk}, **HTMX).content.decode()
    assert "every 1s" in answer
    assert 'hx-swap-oob="true"' in answer
    ask(row.pk)
    assert "every 1s" not in client_for(viewer).get(PAGE, {"ask": row.pk}).content.decode()


def test_what_somebody_else_asks_by_is_nobodys_business(asked, owner, client_for, key_for):
    browser = client_for(owner)
    assert "board.png" not in browser.get(PAGE, {"ask": asked.pk}).content.decode()
    assert browser.post(reverse("ask-delete", args=[asked.pk])).status_code == 404
    address = f"/api/v1/asks/{asked.pk}/"
    assert browser.get(address, **key_for(owner)).status_code == 404
    assert browser.get("/api/v1/asks/", **key_for(owner)).json()["results"] == []


@pytest.mark.parametrize("ask_by", ["9" * 40, "x", "-1", "1:7", "", "１", "0"])
def test_nonsense_is_nothing_asked(workspace, viewer, client_for, ask_by):
    assert client_for(viewer).get(PAGE, {"ask": ask_by, "without": ask_by}).status_code == 200


def test_a_deleted_asset_is_asked_by_no_more(asset, viewer, client_for):
    row = Ask.objects.by_moment(asset, 2.0, by=viewer)
    browser = client_for(viewer)
    assert asset.stem in browser.get(PAGE, {"ask": row.pk}).content.decode()
    asset.remove(by=viewer)
    answer = browser.get(PAGE, {"ask": row.pk}).content.decode()
    assert asset.stem not in answer
    assert "One thing that this address asks by cannot be searched by any more" in answer
    assert "cannot be searched by any more" not in browser.get(PAGE).content.decode()


def test_what_cannot_be_asked_by_is_no_search_that_found_nothing(workspace, viewer, client_for):
    row = Ask.objects.by_picture(workspace, picture(), "board.png", by=viewer)
    Ask.objects.filter(pk=row.pk).update(status="failed", error="There is nothing to see in it.")
    answer = client_for(viewer).get(PAGE, {"ask": row.pk}).content.decode()
    assert "It cannot be searched by" in answer
    assert "Try fewer words" not in answer


def test_an_ask_is_deleted_with_its_file(
    asked, viewer, client_for, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        client_for(viewer).post(reverse("ask-delete", args=[asked.pk]))
    assert not Ask.objects.exists()
    assert not default_storage.exists(asked.file)
    assert not default_storage.exists(asked.preview)


def test_a_wrong_answer_goes_at_once_and_comes_back(asset, owner, client_for):
    transcribed(asset, by=owner)
    browser = client_for(owner)
    found = browser.get(PAGE, {"q": "norra"}).content.decode()
    assert "1 moment<" in found
    value = found.partition('name="said" value="wrong:')[2].partition('"')[0]
    sent = {"q": "norra", "said": f"wrong:{value}"}
    answer = browser.post(reverse("search-judge"), sent, follow=True).content.decode()
    assert "0 right, 1 wrong" in answer
    assert "Norra</mark> Bank" not in answer
    assert Judgement.objects.get().words == "norra"
    again = browser.post(reverse("search-unjudge"), {"q": "norra"}, follow=True).content.decode()
    assert "1 moment<" in again
    assert not Judgement.objects.exists()


def test_what_was_right_is_a_pair_to_learn_from(asset, owner, analyst, client_for, workspace):
    transcribed(asset, by=owner)
    browser = client_for(owner)
    found = browser.get(PAGE, {"q": "norra"}).content.decode()
    value = found.partition('name="said" value="right:')[2].partition('"')[0]
    browser.post(reverse("search-judge"), {"q": "norra", "said": f"right:{value}"})
    (pair,) = Judgement.objects.pairs(workspace)
    assert (pair.text, pair.ask, pair.asset) == ("norra", None, asset.pk)
    client_for(analyst).post(reverse("search-judge"), {"q": "norra", "said": f"wrong:{value}"})
    assert list(Judgement.objects.pairs(workspace)) == [], "where people differ nothing is learnt"


@pytest.mark.parametrize("said", ["", "right", "wrong:1", "right:9:1", "right:x:nan", "well:1:2"])
def test_a_judgement_of_nothing_is_not_found(workspace, owner, client_for, said):
    browser = client_for(owner)
    assert browser.post(reverse("search-judge"), {"q": "x", "said": said}).status_code == 404


def test_a_moment_of_an_asset_is_asked_by_from_its_page(asset, viewer, client_for):
    browser = client_for(viewer)
    address = reverse("ask-at", args=[asset.pk])
    answer = browser.post(address, {"t": "3.5", "box": "0.1,0.1,0.5,0.5"})
    row = Ask.objects.get()
    assert answer.url == f"{PAGE}?ask={row.pk}"
    assert (row.kind, row.time_s, row.box) == ("region", 3.5, [0.1, 0.1, 0.5, 0.5])
    for sent in ({}, {"t": "nan"}, {"t": "1", "box": "1,2"}, {"t": "1", "until": "100"}):
        assert browser.post(address, sent, follow=True).status_code == 200
    assert Ask.objects.count() == 1


def test_a_file_is_sent_by_the_api(workspace, viewer, client_for, key_for):
    browser, key = client_for(viewer), key_for(viewer)
    file = picture()
    file.name = "board.png"
    answer = browser.post("/api/v1/asks/", {"kind": "picture", "file": file}, **key)
    assert answer.status_code == 202, answer.content
    row = Ask.objects.get()
    ask(row.pk)
    read = browser.get(f"/api/v1/asks/{row.pk}/", **key).json()
    assert (read["status"], read["kind"]) == ("done", "picture")
    assert read["preview"]
    assert browser.delete(f"/api/v1/asks/{row.pk}/", **key).status_code == 204
    assert not Ask.objects.exists()


def test_programs_search_by_asks_and_judge(asset, owner, viewer, client, key_for):
    transcribed(asset, by=owner)
    key = key_for(owner)
    row = Ask.objects.by_moment(asset, 1.0, by=owner)
    found = client.get("/api/v1/search/", {"q": "norra", "asks": f"{row.pk}:2"}, **key).json()
    assert (found["waiting"], found["space"], found["count"]) == ([row.pk], None, 1)
    (moment,) = found["moments"]
    assert moment["hits"] == []
    wish = {"q": "norra", "asset": asset.pk, "time_s": moment["at_s"], "is_right": False}
    answer = client.post("/api/v1/judgements/", wish, "application/json", **key)
    assert answer.status_code == 201, answer.content
    assert client.get("/api/v1/search/", {"q": "norra"}, **key).json()["count"] == 0
    (said,) = answer.json()["judgements"]
    assert client.delete(f"/api/v1/judgements/{said['id']}/", **key).status_code == 204
    assert client.get("/api/v1/search/", {"q": "norra"}, **key).json()["count"] == 1
    assert client.get("/api/v1/judgements/", **key_for(viewer)).json()["results"] == []
    nobodys = client.get("/api/v1/search/", {"q": "", "asks": str(row.pk)}, **key_for(viewer))
    assert nobodys.status_code == 422
    assert client.get("/api/v1/search/", {"q": "", "asks": "x"}, **key).status_code == 400
    far = wish | {"time_s": 99.0}
    assert client.post("/api/v1/judgements/", far, "application/json", **key).status_code == 422

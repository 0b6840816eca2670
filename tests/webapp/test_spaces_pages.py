"""The pages on which people see how things are compared, and teach it."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.scenes import ENGINES, encodings_of, shown_in, spoken_as_shown
from webapp.indexing.indexing import Indexing
from webapp.leases import Status
from webapp.spaces.codes import Code
from webapp.spaces.indexes import SpaceIndex
from webapp.spaces.making import SpaceMaking
from webapp.spaces.pair_sets import PairSet
from webapp.spaces.space import Space
from webapp.spaces.training import SpaceTraining

pytestmark = pytest.mark.django_db


@pytest.fixture
def space(workspace, asset) -> Space:
    """A taught one that serves, with three codes of which one fires on nothing."""
    way = {"recall": {"1": 0.25, "5": 0.5, "10": 0.75}, "median_rank": 4.0}
    way |= {"chance": {"1": 0.01, "5": 0.05, "10": 0.1}, "questions": 20, "answers": 30}
    way |= {"weight": 0.07}
    space = Space.objects.create(
        workspace=workspace,
        number=1,
        kind="taught",
        state="serving",
        version="space-1-x",
        file="spaces/x.safetensors",
        engines=ENGINES | {"text": "minilm"},
        pairs=["picture+picture", "picture+text", "sound+sound"],
        figures={"ablation": [way | {"asked": "text", "answered": "picture", "kind": "both"}]},
        notes=["3 texts left out: nothing matches them."],
    )
    word = {"purity": 0.8, "coverage": 0.62}
    example = {"asset": asset.pk, "time_s": 65.0, "box": [0, 0, 0.5, 0.5], "modality": "picture"}
    for number, name in enumerate(("regatta", "harbour")):
        Code.objects.create(
            space=space,
            number=number,
            fires_on=40 - number,
            words=[word | {"word": name}],
            text=name,
            examples=[example, example | {"modality": "sound"}],
        )
    Code.objects.create(space=space, number=2)
    SpaceIndex.objects.create(
        space=space, modality="picture", n_items=1234, status=Status.WORKING, progress=0.4
    )
    return space


def test_the_list_says_which_answers_and_how_far_its_indexes_are(space, viewer, client_for):
    page = client_for(viewer).get("/spaces").content.decode()
    assert "Space 1" in page
    assert "answers searches" in page
    assert "pictures: 1,234 items so far" in page
    assert "pictures, sound, each among themselves" in page
    assert "pictures and words" in page
    assert 'hx-trigger="every 3s"' in page, "it goes on"
    assert "Teach a space" not in page, "a viewer looks"


def test_a_space_shows_its_figures_beside_chance_and_its_codes_with_their_words(
    space, viewer, client_for
):
    browser = client_for(viewer)
    page = browser.get(f"/spaces/{space.pk}").content.decode()
    for said in (
        "Asked in words, answered in pictures",
        "codes count 0.07 times beside vectors",
        "75\u202f%",
        "by chance",
        "10\u202f%",
        "regatta",
    ):
        assert said in page, said
    assert "8 of 10 times it fires, “regatta” is there; it fires 6 of 10 times that is." in page
    assert "3 texts left out" in page
    assert "code 2" not in page, "it fires on nothing"
    found = browser.get(f"/spaces/{space.pk}?q=harb", HTTP_HX_REQUEST="true").content.decode()
    assert "harbour" in found
    assert "regatta" not in found
    none = browser.get(f"/spaces/{space.pk}?q=nothing like it").content.decode()
    assert "No code like that" in none


def test_the_page_of_codes_asks_few_questions(
    space, viewer, client_for, django_assert_max_num_queries, asset_in, workspace
):
    for number in range(3, 40):
        example = {"asset": asset_in(workspace, f"{number}.mp4").pk, "time_s": 1.0, "box": None}
        Code.objects.create(
            space=space, number=number, fires_on=2, examples=[example | {"modality": "picture"}]
        )
    for number in range(2, 12):
        more = Space.objects.create(
            workspace=workspace, number=number, kind="looks", state="kept", version=f"v{number}",
            file="x", engines={"picture": "e"}, pairs=["picture+picture"],
        )  # fmt: skip
        SpaceIndex.objects.create(space=more, modality="picture")
        SpaceTraining.objects.create(workspace=workspace, result=more)
    browser = client_for(viewer)
    for path in (f"/spaces/{space.pk}", "/spaces"):
        browser.get(path)
        with django_assert_max_num_queries(24):
            browser.get(path)


def test_one_code_leads_to_its_moments_but_not_to_what_was_deleted(
    space, asset, viewer, client_for
):
    browser = client_for(viewer)
    code = space.codes.get(number=0)
    page = browser.get(f"/space-codes/{code.pk}").content.decode()
    assert f"/assets/{asset.pk}?t=65.00" in page
    assert "80\u202f%" in page
    type(asset).objects.filter(pk=asset.pk).update(removed="2026-01-01T00:00Z")
    page = browser.get(f"/space-codes/{code.pk}").content.decode()
    assert "matchday" not in page
    assert "was deleted" in page


def test_whoever_labels_names_and_mutes_codes_and_takes_it_back(
    space, reviewer, viewer, client_for
):
    code = space.codes.get(number=0)
    browser = client_for(reviewer)
    htmx = {"HTTP_HX_REQUEST": "true"}
    said = browser.post(f"/space-codes/{code.pk}/rename", {"name": " Start  line "}, **htmx)
    card = said.content.decode()
    assert 'value="Start line"' in card
    undo = card.partition('action="/space-codes/undo/')[2].partition('"')[0]
    code.refresh_from_db()
    assert (code.called, code.changed_by) == ("Start line", reviewer)
    browser.post(f"/space-codes/undo/{undo}")
    code.refresh_from_db()
    assert code.called == "regatta"
    code.labels = [{"word": "Regatta", "purity": 0.8, "coverage": 0.2}]
    assert code.called == "Regatta", "a label and its own word once"
    code.labels = []
    code.words = [{"word": "regatta", "purity": 0.12, "coverage": 0.2}]
    assert code.called == f"code {code.number}", "no name of what is seldom there"
    browser.post(f"/space-codes/{code.pk}/mute", {"muted": "on"}, **htmx)
    code.refresh_from_db()
    assert code.is_muted
    assert "Let it count" in browser.get(f"/spaces/{space.pk}?show=muted").content.decode()
    long = browser.post(f"/space-codes/{code.pk}/rename", {"name": "x" * 81}, **htmx)
    assert "81 characters is too long" in long.content.decode()
    for what in ("rename", "mute"):
        refused = client_for(viewer).post(f"/space-codes/{code.pk}/{what}", {"name": "x"})
        assert refused.status_code == 403
    assert browser.post("/space-codes/undo/forged").status_code == 404


def test_a_kept_space_is_taken_back_set_aside_and_deleted(space, analyst, client_for):
    browser = client_for(analyst)
    kept = Space.objects.create(
        workspace=space.workspace, number=2, kind="looks", state="kept", version="v", file="x",
        engines={"picture": "e"},
    )  # fmt: skip
    browser.post(f"/spaces/{kept.pk}/serve")
    kept.refresh_from_db()
    assert kept.state == "coming"
    assert SpaceIndex.objects.unfinished().filter(space=kept).exists()
    page = browser.post(f"/spaces/{kept.pk}/delete", follow=True).content.decode()
    assert "choose another one first" in page
    browser.post(f"/spaces/{kept.pk}/set-aside")
    browser.post(f"/spaces/{kept.pk}/delete")
    assert not Space.objects.filter(pk=kept.pk).exists()
    space.refresh_from_db()
    assert space.state == "serving", "all the while"


def test_the_form_says_how_many_pairs_each_source_gives_and_starts_a_training(
    workspace, asset, analyst, client_for
):
    browser = client_for(analyst)
    page = browser.get("/spaces/teach").content.decode()
    assert page.count("No pictures of the library is encoded yet.") == 3
    shown = shown_in(60)
    encodings_of(asset, shown)
    spoken_as_shown(asset, shown)
    page = browser.get("/spaces/teach").content.decode()
    assert "about 6 pairs" in page
    assert "No text was read on these pictures yet." in page
    wish = {"epochs": 3, "codes": 64, "most": 100, "patience": 0, "seed": 1, "matching": 1}
    wish |= {"loss": "masked-margin"}
    none = browser.post("/spaces/teach", wish)
    assert none.status_code == 422
    assert "Choose at least one source of pairs." in none.content.decode()
    started = browser.post("/spaces/teach", wish | {"sources": ["spoken"]})
    row = SpaceTraining.objects.get()
    assert started.url == f"/space-trainings/{row.pk}"
    assert (row.options["codes"], row.options["loss"]) == (64, "masked-margin")
    assert "masked margin softmax" in browser.get(started.url).content.decode()
    assert row.engines == {"picture": ENGINES["picture"]}


def test_a_training_is_watched_stopped_and_tried_again(workspace, analyst, viewer, client_for):
    epoch = {"number": 1, "loss": 2.5, "found": 0.3, "by_codes": 0.2, "by_both": 0.4}
    epoch |= {"codes_used": 31, "perplexity": 9.5, "seconds": 4.0}
    row = SpaceTraining.objects.create(
        workspace=workspace,
        sources=["spoken"],
        counts={"spoken": 120},
        options={"epochs": 8, "codes": 64, "patience": 5, "seed": 0, "ablation": True},
        status=Status.WORKING,
        step="Teaching",
        epoch=1,
        epochs=24,
        curves={"ours": [epoch], "no-matching": [epoch | {"by_both": 0.35}]},
        notes=["2 pictures left out: nothing to see or hear in them."],
    )
    browser = client_for(analyst)
    page = browser.get(f"/space-trainings/{row.pk}").content.decode()
    for said in ("120 pairs", "left out", "0.350", "about", "Stop and keep the best", "31"):
        assert said in page, said
    assert client_for(viewer).post(f"/space-trainings/{row.pk}/stop").status_code == 403
    browser.post(f"/space-trainings/{row.pk}/stop")
    row.refresh_from_db()
    assert row.wish == "stop"
    SpaceTraining.objects.update(status=Status.FAILED, error="The codebook collapsed: told.")
    page = browser.get(f"/space-trainings/{row.pk}").content.decode()
    assert "The codebook collapsed: told." in page
    browser.post(f"/space-trainings/{row.pk}/retry")
    row.refresh_from_db()
    assert (row.status, row.epoch, row.wish) == (Status.WAITING, 1, "go on")


def test_pairs_are_brought_and_what_is_wrong_is_listed_by_line(asset, analyst, client_for):
    browser = client_for(analyst)

    def send(text: str, **more: str):
        file = SimpleUploadedFile("moments.csv", text.encode())
        return browser.post("/pair-sets", {"file": file, **more})

    wrong = send("asset,time_s,text\nmatchday.mp4,1,right\ngone.mp4,1,wrong\n")
    assert wrong.status_code == 422
    assert "Line 3: there is no asset called gone.mp4." in wrong.content.decode()
    assert not PairSet.objects.exists()
    assert send("asset,time_s,text\nmatchday.mp4,1,right\n", name="Mine").status_code == 302
    assert "Mine" in browser.get("/spaces/teach").content.decode()
    made = PairSet.objects.get()
    SpaceTraining.objects.create(workspace=asset.workspace, pair_sets=[made.pk])
    browser.post(f"/pair-sets/{made.pk}/delete")
    assert PairSet.objects.exists(), "a training waits for it"
    SpaceTraining.objects.update(status=Status.DONE)
    browser.post(f"/pair-sets/{made.pk}/delete")
    assert not PairSet.objects.exists()
    assert "Choose a file" in browser.post("/pair-sets").content.decode()


def test_a_space_without_pairs_is_asked_for_and_told_of(workspace, asset, analyst, client_for):
    browser = client_for(analyst)
    assert "Nothing is compared yet" in browser.get("/spaces").content.decode()
    page = browser.post("/spaces/make", follow=True).content.decode()
    assert "There is too little to make a space of" in page
    encodings_of(asset, shown_in(60))
    browser.post("/spaces/make")
    browser.post("/spaces/make")
    row = SpaceMaking.objects.get()
    assert "A space waits to be made" in browser.get("/spaces").content.decode()
    browser.post(f"/space-makings/{row.pk}/cancel")
    browser.post(f"/space-makings/{row.pk}/retry")
    row.refresh_from_db()
    assert row.status == Status.WAITING


def test_the_empty_page_looks_again_while_something_is_encoded(
    workspace, asset, viewer, client_for
):
    browser = client_for(viewer)
    assert "every 3s" not in browser.get("/spaces").content.decode()
    Indexing.objects.create(asset=asset, step="pictures", version=1, duration_s=60.0)
    assert "every 3s" in browser.get("/spaces").content.decode()

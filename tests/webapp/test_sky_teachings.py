"""The pages and the API of teaching what is real."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.night_sky import searched_night
from webapp.accounts.models import Refused
from webapp.leases import Status
from webapp.nights.teaching import DEFAULTS, SkyTeaching, checked

FIGURES = {
    "taken": "network", "held": 40, "held_real": 20,
    "network": {"auc": 0.987, "loss": 0.2}, "features": {"auc": 0.901, "loss": 0.4},
}  # fmt: skip


@pytest.fixture
def night(workspace, owner):
    return searched_night(workspace, by=owner)


@pytest.fixture
def done(workspace, night, owner) -> SkyTeaching:
    row = SkyTeaching.objects.request(workspace, [night], by=owner)
    SkyTeaching.objects.filter(pk=row.pk).update(
        status=Status.DONE, file="sky-teaching/x.onnx", figures=FIGURES, progress=1.0,
        counts={"accepted": 12, "left over": 301},
        curve=[{"epoch": 1, "loss": 0.6, "val_loss": 0.5, "auc": 0.9}],
        worst=[{"picture": "sky-teaching/x.png", "real": False, "score": 0.94,
                "source": "rejected"}],
    )  # fmt: skip
    row.refresh_from_db()
    return row


def test_a_teaching_is_begun_from_the_nights_that_are_chosen(night, analyst, client_for):
    client = client_for(analyst)
    offered = client.get(reverse("sky-teachings"), {"night": night.pk}).content.decode()
    assert f'value="{night.pk}" checked' in offered
    answer = client.post(reverse("sky-teachings"), {"nights": [night.pk], "cut": "0.3"})
    row = SkyTeaching.objects.get()
    assert answer["Location"] == reverse("sky-teaching", args=[row.pk])
    assert list(row.nights.all()) == [night]
    assert row.options == DEFAULTS | {"cut": 0.3}
    assert "No training worker is running" in client.get(answer["Location"]).content.decode()


def test_nothing_is_begun_from_no_night_or_by_who_may_not(night, analyst, viewer, client_for):
    answer = client_for(analyst).post(reverse("sky-teachings"), {"cut": "0.3"})
    assert answer.status_code == 422
    assert (
        client_for(viewer).post(reverse("sky-teachings"), {"nights": [night.pk]}).status_code == 403
    )
    assert not SkyTeaching.objects.exists()


def test_its_page_says_how_good_it_is_and_what_it_is_wrong_about(done, analyst, client_for):
    html = client_for(analyst).get(reverse("sky-teaching", args=[done.pk])).content.decode()
    for said in ("0.987", "0.901", "Taught: a network", "301", "Rejected by people", "said 0.94"):
        assert said in html
    assert "On 40 examples" in html


def test_a_version_is_used_and_put_away_by_the_page(done, analyst, viewer, client_for):
    use = reverse("sky-teaching-ask", args=[done.pk, "use"])
    assert client_for(viewer).post(use).status_code == 403
    client = client_for(analyst)
    client.post(use)
    done.refresh_from_db()
    assert done.is_in_use
    client.post(reverse("sky-teaching-ask", args=[done.pk, "use-none"]))
    done.refresh_from_db()
    assert not done.is_in_use


def test_a_stranger_sees_and_changes_nothing(done, night, stranger, other_workspace, client_for):
    client = client_for(stranger)
    assert client.get(reverse("sky-teaching", args=[done.pk])).status_code == 404
    assert client.get(reverse("sky-teaching-status", args=[done.pk])).status_code == 404
    for do in ("use", "delete", "cancel"):
        answer = client.post(reverse("sky-teaching-ask", args=[done.pk, do]))
        assert answer.status_code == 404
    assert client.post(reverse("night-score", args=[night.pk])).status_code == 404
    assert client.post(reverse("sky-teachings"), {"nights": [night.pk]}).status_code == 422
    assert SkyTeaching.objects.filter(is_in_use=False).count() == 1


def test_a_night_is_scored_again_also_before_anybody_taught(night, analyst, client_for):
    assert SkyTeaching.objects.in_use(night.workspace_id) is None
    client_for(analyst).post(reverse("night-score", args=[night.pk]))
    night.refresh_from_db()
    assert (night.status, night.stage) == (Status.WAITING, "finish")


def test_a_page_says_by_what_a_night_was_scored(done, night, analyst, client_for):
    night.figures |= {"first_score": True}
    night.save()
    address = reverse("night", args=[night.pk])
    assert "what Sightline comes with" in client_for(analyst).get(address).content.decode()
    night.scored_by = done
    night.save()
    html = client_for(analyst).get(address).content.decode()
    assert f"version {done.pk}" in html
    assert "what Sightline comes with</dd>" not in html


TILES = {
    "threshold": 0.4, "false_a_megapixel": 6.0, "seconds_a_megapixel": 0.5, "tiles": 240,
    "epochs": 15,
    "shares": [
        {"is_trail": False, "low": 3.0, "high": 8.0, "number": 61, "network": 0.31,
         "classical": 0.42, "both": 0.47},
        {"is_trail": True, "low": 8.0, "high": 30.0, "number": 0, "network": None,
         "classical": None, "both": None},
    ],
}  # fmt: skip


def test_a_network_on_tiles_is_asked_for_told_and_offered_to_nights(
    done, night, analyst, client_for
):
    client = client_for(analyst)
    answer = client.post(reverse("sky-teachings"), {"nights": [night.pk], "tiles": "on"})
    asked = SkyTeaching.objects.exclude(pk=done.pk).get()
    assert answer["Location"] == reverse("sky-teaching", args=[asked.pk])
    assert asked.options["tiles"] is True
    assert "Also look by the network" not in client.get(reverse("night-new")).content.decode()
    SkyTeaching.objects.filter(pk=done.pk).update(
        network="sky-teaching/x.safetensors", figures=FIGURES | {"tiles": TILES}
    )
    html = client.get(reverse("sky-teaching", args=[done.pk])).content.decode()
    for said in ("Points, 3 to 8 σ", "31 %", "42 %", "47 %", "240 tiles"):
        assert said in html
    assert "Also look by the network" in client.get(reverse("night-new")).content.decode()


def test_candidates_are_sorted_and_filtered_by_how_likely_they_are_real(night, analyst, client_for):
    for number, real in ((1, 0.31), (2, 0.97), (3, None)):
        night.candidates.filter(number=number).update(real=real)
    html = (
        client_for(analyst)
        .get(reverse("night", args=[night.pk]), {"sort": "real", "real_from": "0.2"})
        .content.decode()
    )
    assert html.index("0.97") < html.index("0.31")
    assert "2 of 3" in html


def test_the_api_begins_uses_and_tells(done, night, analyst, owner, client_for):
    client = client_for(analyst)
    sent = {"nights": [night.pk], "options": {"epochs": 5}}
    answer = client.post("/api/v1/sky-teachings/", sent, content_type="application/json")
    assert answer.status_code == 202
    assert answer.json()["options"]["epochs"] == 5
    assert answer.json()["state"] == "waiting"
    used = client.post(f"/api/v1/sky-teachings/{done.pk}/use/")
    assert used.json()["is_in_use"] is True
    assert client.post(f"/api/v1/nights/{night.pk}/score/").status_code == 202
    waiting = answer.json()["id"]
    assert client.delete(f"/api/v1/sky-teachings/{waiting}/").status_code == 409
    assert client.post(f"/api/v1/sky-teachings/{waiting}/use/").status_code == 422
    assert client.post(f"/api/v1/sky-teachings/{waiting}/cancel/").json()["state"] == "cancelled"
    assert client.delete(f"/api/v1/sky-teachings/{waiting}/").status_code == 204


@pytest.mark.parametrize(
    "options", [{"epochs": 0}, {"cut": "x"}, {"cut": float("nan")}, {"put_in": 1.5}, {"speed": 1}]
)
def test_options_out_of_bounds_are_refused_in_words(options):
    with pytest.raises(Refused):
        checked(options)


def test_a_night_that_is_not_searched_yet_teaches_nothing(workspace, night, owner):
    type(night).objects.filter(pk=night.pk).update(status=Status.WORKING)
    night.refresh_from_db()
    with pytest.raises(Refused, match="not searched yet"):
        SkyTeaching.objects.request(workspace, [night], by=owner)

"""The pages of sky exposures, and the blocks they ask for."""

from __future__ import annotations

import gzip
import json
import re

import numpy as np
import pytest
from django.urls import reverse

from tests.sky_exposures import stars, tan, written
from webapp.accounts.models import Event, Refused
from webapp.assets.models import Asset
from webapp.management.commands.analyse import receive
from webapp.sky.exposures import SkyExposure
from webapp.sky.showing import degrees, hours
from workers.media import ingest

pytest.importorskip("astropy", reason="requirements-sky.txt is not installed")
pytestmark = pytest.mark.django_db


@pytest.fixture
def exposure(workspace, tmp_path):
    def make(name: str = "night", seed: int = 0, **cards) -> SkyExposure:
        asset = receive(written(tmp_path / f"{name}.fits", stars(seed), tan(**cards)), workspace)
        ingest.ingest(asset.pk)
        return SkyExposure.objects.select_related("asset").get(asset=asset)

    return make


@pytest.fixture
def browser(client_for, owner):
    return client_for(owner)


def block_url(sky: SkyExposure, place: str = "0-0-0", mark: str = "") -> str:
    mark = mark or sky.pyramid.data["mark"]
    return reverse("sky-block", args=[sky.pk, mark, place])


def shown(answer) -> list[dict]:
    (text,) = re.findall(r'id="sky-data" type="application/json">(.*?)</script>', answer.text)
    return json.loads(text)["exposures"]


def test_the_page_shows_where_when_and_the_header(browser, exposure):
    sky = exposure()
    answer = browser.get(reverse("asset", args=[sky.pk]))
    text = answer.content.decode()
    for said in ("Field 7", "1 Mar 2026 04:00:30 UTC", "23:59:59.76", "−30:00:00.0", "FILTER"):
        assert said in text
    assert "<video" not in text
    (one,) = shown(answer)
    assert (one["shape"], one["levels"], one["bottomUp"]) == ([300, 400], 2, True)
    assert one["wcs"]["error_px"] < 0.001


def test_a_block_comes_packed_and_is_kept_for_good(browser, exposure):
    sky = exposure()
    answer = browser.get(block_url(sky, "0-1-0"), headers={"Accept-Encoding": "gzip, br"})
    assert answer.status_code == 200
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "immutable" in answer.headers["Cache-Control"]
    assert "private" in answer.headers["Cache-Control"]
    pixels = np.frombuffer(gzip.decompress(answer.content), "<f4").reshape(44, 256)
    np.testing.assert_array_equal(pixels, stars()[256:, :256])
    plain = browser.get(block_url(sky, "0-1-0"))  # who cannot unpack
    assert "Content-Encoding" not in plain.headers
    assert plain.content == pixels.tobytes()
    again = browser.get(block_url(sky, "0-1-0"), headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("place", ["0-2-0", "9-0-0", "0-0", "0-0-0-0", "a-b-c", "0--1-0"])
def test_a_block_that_is_not_there_is_not_found(browser, exposure, place):
    assert browser.get(block_url(exposure(), place)).status_code == 404


def test_blocks_of_pixels_that_were_replaced_are_gone(browser, exposure):
    assert browser.get(block_url(exposure(), mark="0123456789abcdef")).status_code == 404


def test_a_stranger_sees_neither_page_nor_block(client_for, stranger, other_workspace, exposure):
    sky, other = exposure(), exposure("other", 1)
    theirs = client_for(stranger)
    assert theirs.get(reverse("asset", args=[sky.pk])).status_code == 404
    assert theirs.get(block_url(sky)).status_code == 404
    beside = f"{reverse('sky-beside')}?asset={sky.pk}&asset={other.pk}"
    assert theirs.get(beside).status_code == 404
    for name, sent in (("sky-role", {"role": "dark"}), ("sky-extension", {"extension": "0"})):
        assert theirs.post(reverse(name, args=[sky.pk]), sent).status_code == 404


def test_several_are_shown_in_the_order_asked_for(browser, exposure):
    one, two = exposure(), exposure("two", 1)
    answer = browser.get(f"{reverse('sky-beside')}?asset={two.pk}&asset={one.pk}&asset={two.pk}")
    assert [row["id"] for row in shown(answer)] == [two.pk, one.pk]
    alone = browser.get(f"{reverse('sky-beside')}?asset={one.pk}")
    assert alone.headers["Location"] == reverse("asset", args=[one.pk])


def test_what_has_no_coordinates_is_said_to_be_laid_pixel_on_pixel(browser, exposure):
    one, two = exposure(), exposure("two", 1, CTYPE1="", CTYPE2="")
    answer = browser.get(f"{reverse('sky-beside')}?asset={one.pk}&asset={two.pk}")
    assert "two is laid on night pixel by pixel" in " ".join(answer.content.decode().split())


def test_the_library_leads_to_several(browser, exposure, workspace):
    one, two = exposure(), exposure("two", 1)
    page = browser.get(reverse("library") + "?kind=sky").content.decode()
    assert "Science · R · 60 s" in page
    assert reverse("sky-beside-chosen") in page
    answer = browser.post(reverse("sky-beside-chosen"), {"asset": [one.pk, two.pk]})
    assert answer.headers["Location"].endswith(f"?asset={one.pk}&asset={two.pk}")
    answer = browser.post(reverse("sky-beside-chosen"), {"asset": [one.pk]}, follow=True)
    assert "Choose two to six" in answer.content.decode()


def test_the_nearest_in_time_of_the_field_are_offered(browser, exposure):
    one = exposure()
    exposure("late", 1, **{"DATE-OBS": "2026-03-01T06:00:00"})
    exposure("soon", 2, **{"DATE-OBS": "2026-03-01T04:02:00"})
    exposure("elsewhere", 3, CRVAL1=10.0)
    page = browser.get(reverse("asset", args=[one.pk])).content.decode()
    assert page.index("<span>soon<br>") < page.index("<span>late<br>")
    assert "elsewhere" not in page


def test_a_person_says_what_it_is_for(browser, exposure):
    sky = exposure()
    browser.post(reverse("sky-role", args=[sky.pk]), {"role": "reference"})
    sky.refresh_from_db()
    assert sky.role == "reference"
    assert Event.objects.filter(what="said what it is for").exists()
    browser.post(reverse("sky-role", args=[sky.pk]), {"role": "nonsense"})
    sky.refresh_from_db()
    assert sky.role == "reference"


def test_an_asset_of_another_kind_has_no_sky_addresses(browser, run):
    Asset.objects.filter(pk=run.asset.pk).update(kind="video")
    assert browser.get(reverse("sky-block", args=[run.asset.pk, "0", "0-0-0"])).status_code == 404


@pytest.mark.parametrize(
    ("ra", "dec", "said"),
    [
        (359.99999999, 59.99999999, ("00:00:00.00", "+60:00:00.0")),
        (0.0, -0.00000001, ("00:00:00.00", "+00:00:00.0")),
        (187.70593075, 12.39112325, ("12:30:49.42", "+12:23:28.0")),
    ],
)
def test_angles_are_never_written_with_60(ra, dec, said):
    assert (hours(ra), degrees(dec)) == said


def test_programs_read_pixels_by_the_address_they_are_given(client_for, owner, key_for, exposure):
    sky = exposure()
    headers = key_for(owner)
    api = client_for(owner)
    (row,) = api.get("/api/v1/sky-exposures/?role=science&band=R", **headers).json()["results"]
    assert (row["asset"], row["seconds"], row["has_wcs"]) == (sky.pk, 60.0, True)
    assert api.get("/api/v1/sky-exposures/?role=dark", **headers).json()["results"] == []
    about = api.get(f"/api/v1/sky-exposures/{sky.pk}/", **headers).json()
    assert about["levels"][0] == {"level": 0, "width": 400, "height": 300, "rows": 2, "columns": 2}
    url = about["blocks"].replace("LEVEL-ROW-COLUMN", "0-0-1")
    answer = api.get(url, **headers)
    pixels = np.frombuffer(answer.content, "<f4").reshape(256, 144)
    np.testing.assert_array_equal(pixels, stars()[:256, 256:])


def test_programs_say_what_an_exposure_is_for(client_for, owner, key_for, exposure):
    sky = exposure()
    api, headers = client_for(owner), key_for(owner)
    about = {"content_type": "application/json", **headers}
    where = f"/api/v1/sky-exposures/{sky.pk}/"
    assert api.patch(where, {"role": "flat"}, **about).json()["role"] == "flat"
    refused = api.patch(where, {"role": "dark", "extension": 7}, **about)
    assert api.get(where, **about).json()["role"] == "flat", "all of it is refused"
    assert refused.status_code == 422
    assert "is no picture" in refused.json()["detail"]
    assert api.patch(where, {"role": "nonsense"}, **about).status_code == 400


def test_nothing_looks_for_brands_or_words_in_it(exposure, project, owner, workspace):
    from webapp.asking.asks import Ask
    from webapp.cuts.sources import source_of
    from webapp.indexing.indexing import Indexing
    from webapp.indexing.refusals import why_not

    asset = exposure().asset
    assert not Indexing.objects.filter(asset=asset).exists()  # as uploads are, else
    for step in Indexing.Step.values:
        assert "exposure of the sky" in why_not(asset, step)
    with pytest.raises(Refused, match="exposures of the sky"):
        Ask.objects.by_moment(asset, 0.0, by=owner)
    with pytest.raises(Refused, match="no sound"):
        Ask.objects.by_stretch(asset, 0.0, 1.0, by=owner)
    with pytest.raises(Refused, match="exposure of the sky"):
        source_of(asset)
    assert not Asset.objects.filter(workspace=workspace).with_frames().filter(pk=asset.pk)


def test_a_film_dropped_later_is_what_the_first_steps_lead_to(browser, exposure):
    exposure()
    page = browser.get("/").content.decode()
    assert "Science · R · 60 s" in page  # among the latest
    assert "Open the video" not in page

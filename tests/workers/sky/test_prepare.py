"""Exposures of the sky on their way into the library, whole and damaged."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from django.core.files.storage import default_storage
from PIL import Image

from analysis.sky.pyramid import Index, unpacked
from tests.sky_exposures import stars, tan, written
from webapp.accounts.models import Refused
from webapp.assets.models import Asset
from webapp.leases import Status
from webapp.management.commands.analyse import receive
from webapp.runs.refusals import RunRefused
from webapp.runs.run import Run
from webapp.sky.exposures import SkyExposure
from workers.engine.originals import local_path
from workers.media import ingest

fits = pytest.importorskip("astropy.io.fits", reason="requirements-sky.txt is not installed")


@pytest.fixture
def prepared(workspace):
    def prepare(path: Path) -> Asset:
        asset = receive(path, workspace)
        ingest.ingest(asset.pk)
        return Asset.objects.get(pk=asset.pk)

    return prepare


def pixels_of(sky: SkyExposure, level: int = 0) -> np.ndarray:
    data = local_path(sky.pyramid.file).read_bytes()
    index = Index.read(lambda first, length: data[first : first + length])
    rows, columns = index.layout.blocks(level)

    def block(row: int, column: int) -> np.ndarray:
        at, length = index.place(level, row, column)
        return unpacked(data[at : at + length], index.layout, level, row, column)

    return np.block([[block(r, c) for c in range(columns)] for r in range(rows)])


def test_what_the_header_says_and_the_picture_shows_is_known(prepared, tmp_path):
    asset = prepared(written(tmp_path / "night.fits", stars()))
    assert (asset.status, asset.kind) == (Status.DONE, "sky"), asset.error
    assert (asset.width, asset.height) == (400, 300)
    sky = asset.sky
    assert (sky.band, sky.object_name, sky.seconds, sky.gain) == ("R", "Field 7", 60.0, 1.5)
    assert f"{sky.middle:%Y-%m-%d %H:%M:%S}" == "2026-03-01 04:00:30"
    assert (sky.role, sky.has_wcs) == ("science", True)
    assert (sky.ra, sky.dec) == pytest.approx((359.999, -30.0), abs=1e-6)
    assert sky.scale_arcsec == pytest.approx(1.08)
    assert sky.sky_noise == pytest.approx(5, rel=0.1)
    assert sky.fwhm == pytest.approx(2.355 * 1.5, rel=0.1)
    assert ["FILTER", "R", ""] in sky.header
    assert "Science · R · 60 s · 1 Mar 2026 04:00" in sky.says
    with Image.open(local_path(asset.rendition("poster").file)) as poster:
        assert poster.size == (400, 300)


def test_the_blocks_hold_the_pixels_themselves_and_bad_ones_are_no_number(prepared, tmp_path):
    pixels = stars()
    pixels[3, 5] = np.nan
    asset = prepared(written(tmp_path / "night.fits", pixels))
    np.testing.assert_array_equal(pixels_of(asset.sky), pixels)
    above = pixels_of(asset.sky, 1)
    assert above.shape == (150, 200)
    np.testing.assert_allclose(above[10, 10], pixels[20:22, 20:22].mean(), rtol=1e-6)
    np.testing.assert_allclose(above[1, 2], np.nanmean(pixels[2:4, 4:6]), rtol=1e-6)


@pytest.mark.parametrize("how", ["gzip", "compressed", "two extensions", "unsigned"])
def test_fits_is_known_by_what_is_in_it(prepared, tmp_path, how):
    pixels = stars().astype(np.uint16)
    path = tmp_path / "called.dat"
    if how == "gzip":
        plain = written(tmp_path / "plain.fits", pixels)
        path.write_bytes(gzip.compress(plain.read_bytes()))
    elif how == "compressed":
        lossless = fits.CompImageHDU(pixels, compression_type="RICE_1")
        fits.HDUList([fits.PrimaryHDU(), lossless]).writeto(path)
    elif how == "two extensions":
        both = [fits.ImageHDU(pixels), fits.ImageHDU(pixels[::-1])]
        fits.HDUList([fits.PrimaryHDU(), *both]).writeto(path)
    else:
        written(path, pixels)
    asset = prepared(path)
    assert (asset.status, asset.kind) == (Status.DONE, "sky"), asset.error
    np.testing.assert_array_equal(pixels_of(asset.sky), pixels.astype(np.float32))
    if how == "two extensions":
        assert asset.sky.n_extensions == 2
        assert "holds 2 pictures" in " ".join(asset.sky.notes)


def test_xisf_is_one_too_with_the_keywords_it_has(prepared, tmp_path):
    xisf = pytest.importorskip("xisf", reason="requirements-sky.txt is not installed")
    keywords = {
        name: [{"value": f"'{value}'" if isinstance(value, str) else str(value), "comment": ""}]
        for name, value in tan().items()
    }
    path = tmp_path / "night.xisf"
    pixels = stars()
    about = {"FITSKeywords": keywords}
    xisf.XISF.write(str(path), pixels[..., None] / 65535, image_metadata=about, codec="zlib")
    asset = prepared(path)
    assert (asset.status, asset.kind) == (Status.DONE, "sky"), asset.error
    np.testing.assert_allclose(pixels_of(asset.sky), pixels / 65535, rtol=1e-6)
    sky = asset.sky
    assert (sky.band, sky.seconds, sky.has_wcs) == ("R", 60.0, True)
    assert (sky.ra, sky.dec) == pytest.approx((359.999, -30.0), abs=1e-6)
    assert sky.gain is None  # it is of counts, and these go from 0 to 1
    assert "from 0 to 1" in sky.notes[0]

    path.write_bytes(path.read_bytes()[:9000])
    assert "cannot be read" in prepared(path).error


@pytest.mark.parametrize(("suffix", "kind"), [("png", "sky"), ("tif", "sky")])
def test_a_grey_picture_of_16_bits_is_one_too(prepared, tmp_path, suffix, kind):
    path = tmp_path / f"grey.{suffix}"
    Image.fromarray(stars().astype(np.uint16)).save(path)
    asset = prepared(path)
    assert (asset.status, asset.kind) == (Status.DONE, kind), asset.error
    np.testing.assert_array_equal(pixels_of(asset.sky), stars().astype(np.uint16))
    assert "no header" in asset.sky.notes[0]


def test_ordinary_pictures_stay_pictures_whatever_they_are_called(prepared, tmp_path):
    grey = (stars() / 40).clip(0, 255).astype(np.uint8)
    Image.fromarray(grey).save(tmp_path / "photo.fits", format="PNG")
    assert prepared(tmp_path / "photo.fits").kind == "image"
    Image.fromarray(np.stack([grey] * 3, axis=2)).save(tmp_path / "colour.png")
    assert prepared(tmp_path / "colour.png").kind == "image"


def cut_short(path: Path) -> None:
    written(path, stars())
    path.write_bytes(path.read_bytes()[:200_000])


def wrong_bitpix(path: Path) -> None:
    written(path, stars())
    path.write_bytes(path.read_bytes().replace(b"-32 /", b"-31 /", 1))


def no_number(path: Path) -> None:
    written(path, np.full((50, 60), np.nan, np.float32))


def constant(path: Path) -> None:
    written(path, np.full((50, 60), 7, np.int16))


def cube(path: Path) -> None:
    written(path, np.zeros((3, 50, 60), np.int16), {})


def only_a_table(path: Path) -> None:
    table = fits.BinTableHDU.from_columns([fits.Column("a", "E", array=np.zeros(3))])
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(path)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (cut_short, "ends early"),
        (wrong_bitpix, "BITPIX = -31"),
        (no_number, "No pixel of this picture can be used"),
        (constant, "Every usable pixel of this picture is 7"),
        (cube, "a cube of 3 planes"),
        (only_a_table, "no picture in it"),
    ],
)
def test_what_is_damaged_is_refused_with_a_sentence(prepared, tmp_path, spoil, sentence):
    path = tmp_path / "spoilt.fits"
    spoil(path)
    asset = prepared(path)
    assert asset.status == Status.FAILED
    assert sentence in asset.error
    assert not SkyExposure.objects.exists()


def test_what_a_header_does_not_say_is_not_known(prepared, tmp_path):
    asset = prepared(written(tmp_path / "bare.fits", stars(), {}))
    sky = asset.sky
    assert asset.status == Status.DONE
    assert (sky.middle_mjd, sky.seconds, sky.ra, sky.plate, sky.gain) == (None,) * 5
    said = " ".join(sky.notes)
    assert "does not say when" in said
    assert "no coordinates" in said


def test_a_flat_is_called_one_until_a_person_says_otherwise(prepared, tmp_path, owner):
    asset = prepared(written(tmp_path / "flat.fits", stars(), tan(IMAGETYP="Master Flat")))
    assert asset.sky.role == "flat"
    asset.sky.say_role("dark", by=owner)
    Asset.objects.filter(pk=asset.pk).update(status=Status.WAITING, attempt=0)
    ingest.ingest(asset.pk)
    assert SkyExposure.objects.get(asset=asset).role == "dark"


def test_no_run_looks_for_logos_in_it(prepared, tmp_path, project):
    asset = prepared(written(tmp_path / "night.fits", stars()))
    with pytest.raises(RunRefused, match="exposure of the sky"):
        Run.objects.request(asset, project, by=None)


def test_its_blocks_go_with_it_and_the_same_bytes_come_once(prepared, tmp_path, workspace, owner):
    path = written(tmp_path / "night.fits", stars())
    asset = prepared(path)
    assert receive(path, workspace).pk == asset.pk
    blocks = asset.sky.pyramid.file
    asset.remove(by=owner)
    asset.erase()
    assert not default_storage.exists(blocks)
    assert not SkyExposure.objects.exists()


def test_another_picture_of_the_file_is_shown_when_asked_for(prepared, tmp_path, owner):
    first, second = stars(1), stars(2)
    dull = fits.ImageHDU(np.full((50, 60), 7, np.int16))
    pictures = [fits.ImageHDU(first), fits.ImageHDU(second), dull]
    path = tmp_path / "mosaic.fits"
    fits.HDUList([fits.PrimaryHDU(), *pictures]).writeto(path)
    asset = prepared(path)
    assert asset.sky.pictures == [1, 2, 3]
    with pytest.raises(Refused, match="is no picture"):
        asset.sky.show_extension(0, by=owner)
    blocks = asset.sky.pyramid.file
    asset.sky.show_extension(2, by=owner)
    ingest.ingest(asset.pk)
    sky = SkyExposure.objects.get(asset=asset)
    np.testing.assert_array_equal(pixels_of(sky), second)
    assert not default_storage.exists(blocks)

    sky.show_extension(3, by=owner)
    ingest.ingest(asset.pk)
    sky = SkyExposure.objects.select_related("asset").get(asset=asset)
    assert (sky.asset.status, sky.extension) == (Status.DONE, 2)
    assert "Extension 3 cannot be shown: Every usable pixel" in sky.notes[-1]
    np.testing.assert_array_equal(pixels_of(sky), second)

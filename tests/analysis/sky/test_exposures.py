"""FITS files as telescopes write them, and as they get damaged."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.errors import NeedsAstropy, UnreadableMedia
from analysis.sky.exposures import opened, pictures

fits = pytest.importorskip("astropy.io.fits", reason="requirements-sky.txt is not installed")

SHAPE = (90, 120)


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(1000, 5, SHAPE).astype(np.float32)


def written(folder: Path, pixels: Any, name: str = "exposure.fits", **cards: Any) -> Path:
    hdu = fits.PrimaryHDU(pixels)
    for key, value in cards.items():
        hdu.header[key.replace("_", "-")] = value
    hdu.writeto(folder / name)
    return folder / name


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "uint32", "f4", "f8"])
def test_each_kind_of_number_is_read_as_native_float(tmp_path, dtype):
    pixels = noise().clip(0, 200 if dtype == "uint8" else None).astype(dtype)
    pixels[0, 0] = 7
    with opened(written(tmp_path, pixels)) as exposure:
        tile = exposure.whole()
    assert tile.pixels.dtype == np.float32
    assert tile.pixels.dtype.isnative
    np.testing.assert_array_equal(tile.pixels, pixels.astype(np.float32))
    assert not tile.bad.any()


def test_scaled_integers_come_in_the_units_of_the_header(tmp_path):
    raw = np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE)
    hdu = fits.PrimaryHDU(raw)
    hdu.header["BSCALE"], hdu.header["BZERO"], hdu.header["BLANK"] = 0.5, 100.0, 3
    hdu.writeto(tmp_path / "scaled.fits")
    stored = fits.getdata(tmp_path / "scaled.fits", do_not_scale_image_data=True)
    with opened(tmp_path / "scaled.fits") as exposure:
        tile = exposure.read(0, 0, 2, 10)
    expected = np.where(stored[:2, :10] == 3, 0, 0.5 * stored[:2, :10] + 100)
    np.testing.assert_allclose(tile.pixels, expected)
    np.testing.assert_array_equal(tile.bad, stored[:2, :10] == 3)


def test_what_has_no_number_or_is_saturated_is_bad(tmp_path):
    pixels = noise()
    pixels[3, 4], pixels[5, 6], pixels[7, 8] = np.nan, np.inf, 60000
    with opened(written(tmp_path, pixels, SATURATE=50000.0)) as exposure:
        tile = exposure.whole()
    assert np.argwhere(tile.bad).tolist() == [[3, 4], [5, 6], [7, 8]]
    assert np.isfinite(tile.pixels).all()


def test_the_largest_number_of_16_bits_is_saturated_though_no_header_says_so(tmp_path):
    pixels = noise().astype(np.uint16)
    pixels[1, 2] = 65535
    with opened(written(tmp_path, pixels)) as exposure:
        assert np.argwhere(exposure.whole().bad).tolist() == [[1, 2]]


def test_a_tile_is_the_same_as_that_part_of_the_whole_and_is_cut_at_the_border(tmp_path):
    with opened(written(tmp_path, noise())) as exposure:
        whole = exposure.whole().pixels
        np.testing.assert_array_equal(exposure.read(80, 100, 50, 50).pixels, whole[80:, 100:])
        banded = np.concatenate([tile.pixels for _, tile in exposure.bands(17)])
        np.testing.assert_array_equal(banded, whole)
        with pytest.raises(ValueError, match="no pixel"):
            exposure.read(90, 0, 5, 5)


@pytest.mark.skipif(not hasattr(os, "sysconf"), reason="needs /proc")
@pytest.mark.parametrize("zero", [0, 32768])
def test_a_tile_of_a_large_file_does_not_bring_the_file_into_memory(tmp_path, zero):
    side = 12_000  # 144 megapixels, of which the file has holes
    header = fits.PrimaryHDU(np.zeros((2, 2), np.int16)).header
    header["NAXIS1"] = header["NAXIS2"] = side
    header["BZERO"] = zero
    path = tmp_path / "large.fits"
    with path.open("wb") as file:
        file.write(header.tostring().encode())
        file.write(b"\0\1" * 100 + b"\0\2" * 100)
        file.truncate(-(-(len(header.tostring()) + 2 * side * side) // 2880) * 2880)
    before = _resident()
    with opened(path) as exposure:
        exposure.read(11_000, 11_000, 512, 512)
    assert _resident() - before < 60e6  # the whole is 288 MB


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("method", [-1, 1, 2])
def test_lossy_compression_tells_how_much_noise_it_added(tmp_path, method):
    pixels = noise()
    fits.CompImageHDU(
        pixels, compression_type="RICE_1", quantize_level=2, quantize_method=method
    ).writeto(tmp_path / "small.fits.fz")
    with opened(tmp_path / "small.fits.fz") as exposure:
        added = exposure.whole().pixels - pixels
        assert exposure.extension == 1
        assert exposure.quantisation == pytest.approx(added.std(), rel=0.05)
        assert any("compressed with loss" in note for note in exposure.notes)


def test_compression_without_loss_adds_nothing(tmp_path):
    pixels = noise().astype(np.int16)
    fits.CompImageHDU(pixels, compression_type="RICE_1").writeto(tmp_path / "small.fits.fz")
    with opened(tmp_path / "small.fits.fz") as exposure:
        np.testing.assert_array_equal(exposure.read(10, 20, 30, 40).pixels, pixels[10:40, 20:60])
        assert exposure.quantisation == 0


@pytest.mark.parametrize(
    ("cards", "middle_mjd"),
    [
        ({"DATE_OBS": "2020-01-01T00:00:00", "EXPTIME": 600.0}, 58849 + 300 / 86400),
        ({"MJD_OBS": 58849.0, "EXPTIME": 600.0}, 58849 + 300 / 86400),
        ({"DATE_AVG": "2020-01-01T06:00:00", "DATE_OBS": "2020-01-01T05:00:00"}, 58849.25),
        ({"DATE_BEG": "2020-01-01T00:00:00", "DATE_END": "2020-01-01T12:00:00"}, 58849.25),
        ({"DATE_OBS": "2020-01-01", "TIME_OBS": "12:00:00", "EXPTIME": 60}, 58849.5 + 30 / 86400),
        ({"DATE_OBS": "26/10/92", "UT": "12:00:00.0", "EXPTIME": 60}, 48921.5 + 30 / 86400),
        (  # 37 leap seconds: TAI is ahead of UTC
            {"DATE_AVG": "2020-01-01T00:00:37", "TIMESYS": "TAI"},
            58849.0,
        ),
    ],
)
def test_the_middle_of_the_exposure_and_not_its_start(tmp_path, cards, middle_mjd):
    with opened(written(tmp_path, noise(), **cards)) as exposure:
        assert exposure.middle_mjd == pytest.approx(middle_mjd, abs=1e-8)  # a millisecond


@pytest.mark.parametrize(
    "cards",
    [
        {},
        {"DATE_OBS": "2020-01-01T00:00:00"},  # when, but not for how long
        {"DATE_OBS": "2020-01-01", "EXPTIME": 60.0},  # a day is no time
        {"DATE_OBS": "26/07/102", "EXPTIME": 60.0},
        {"DATE_OBS": "2020-01-01T00:00:00", "EXPTIME": 1e30},  # its middle would be in no year
        {"DATE_OBS": "2020-13-41T99:00:00", "EXPTIME": 60.0},
    ],
)
def test_a_time_that_is_missing_is_said_and_not_guessed(tmp_path, cards):
    with opened(written(tmp_path, noise(), **cards)) as exposure:
        assert exposure.middle_mjd is None
        assert any("does not say when" in note for note in exposure.notes)


def test_the_first_pixel_is_0_here_and_1_in_the_header(tmp_path):
    sky = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 0.0, "CRVAL2": 10.0}
    place = {"CRPIX1": 1.0, "CRPIX2": 1.0, "CDELT1": -1 / 3600, "CDELT2": 1 / 3600}
    with opened(written(tmp_path, noise(), **sky, **place)) as exposure:
        assert exposure.sky_of(0, 0) == pytest.approx((0.0, 10.0), abs=1e-9)
        right_ascension, declination = exposure.sky_of(36, 72)
        assert declination == pytest.approx(10.02, abs=1e-5)  # y goes north
        assert 359.9 < right_ascension < 360  # x goes west, round the zero
        assert exposure.pixel_of(right_ascension, declination) == pytest.approx((36, 72), abs=1e-6)


def test_without_coordinates_positions_are_pixels_and_that_is_said(tmp_path):
    with opened(written(tmp_path, noise())) as exposure:
        assert exposure.sky_of(1, 1) is None
        assert any("no coordinates" in note for note in exposure.notes)


def test_of_several_pictures_each_can_be_read(tmp_path):
    parts = [fits.PrimaryHDU(), fits.ImageHDU(noise(1)), fits.ImageHDU(noise(2))]
    table = fits.BinTableHDU.from_columns([fits.Column("a", "E", array=[1.0])])
    fits.HDUList([*parts, table]).writeto(tmp_path / "mosaic.fits")
    assert pictures(tmp_path / "mosaic.fits") == (1, 2)
    with opened(tmp_path / "mosaic.fits", 2) as exposure:
        np.testing.assert_array_equal(exposure.whole().pixels, noise(2))
    with opened(tmp_path / "mosaic.fits") as exposure:
        assert exposure.extension == 1
        assert any("holds 2 pictures" in note for note in exposure.notes)
    with pytest.raises(UnreadableMedia, match="is no picture"), opened(tmp_path / "mosaic.fits", 3):
        pass


def refused(path: Path) -> str:
    with pytest.raises(UnreadableMedia) as error, opened(path) as exposure:
        for _ in exposure.bands():
            pass
    return error.value.message


def test_damaged_files_are_refused_with_what_is_wrong(tmp_path):
    good = written(tmp_path, noise()).read_bytes()
    bad = tmp_path / "bad.fits"
    for content, sentence in (
        (b"", "not a FITS file"),
        (b"hello " * 1000, "not a FITS file"),
        (good[: len(good) // 2], "ends early"),
        (
            good[: good.index(b"END     ") // 2880 * 2880 + 2880 + 4 * noise().size - 1],
            "ends early",
        ),
        (good.replace(b"=                  -32", b"=                   24"), "BITPIX = 24"),
        (good.replace(b"=                  -32", b"=                  -64"), "ends early"),
    ):
        bad.write_bytes(content)
        assert sentence in refused(bad)


def test_pictures_of_nothing_are_refused(tmp_path):
    assert "No pixel" in refused(written(tmp_path, np.full(SHAPE, np.nan, "f4"), "nan.fits"))
    assert "is 5" in refused(written(tmp_path, np.full(SHAPE, 5, "i2"), "constant.fits"))
    assert "no picture" in refused(written(tmp_path, None, "empty.fits"))
    assert "cube of 3" in refused(written(tmp_path, np.zeros((3, 9, 9), "f4"), "cube.fits"))
    one = noise()[None]
    with opened(written(tmp_path, one, "plane.fits")) as exposure:
        np.testing.assert_array_equal(exposure.read(5, 6, 7, 8).pixels, one[0, 5:12, 6:14])


def test_a_compressed_picture_that_is_damaged_inside_says_where(tmp_path):
    path = tmp_path / "small.fits.fz"
    fits.CompImageHDU(noise(), compression_type="GZIP_2").writeto(path)
    content = bytearray(path.read_bytes())
    content[-6000:-3200] = b"\xff" * 2800
    path.write_bytes(content)
    assert "damaged between rows" in refused(path)


def test_without_astropy_it_says_what_to_install(tmp_path, monkeypatch):
    path = written(tmp_path, noise())
    monkeypatch.setitem(sys.modules, "astropy.io", None)
    with pytest.raises(NeedsAstropy, match=r"requirements-sky\.txt"), opened(path):
        pass


def placed(folder: Path, **cards: Any) -> Path:
    usual = {
        "CTYPE1": "RA---TAN",
        "CTYPE2": "DEC--TAN",
        "CRVAL1": 10.0,
        "CRVAL2": 40.0,
        "CRPIX1": 50.0,
        "CRPIX2": 40.0,
        "CD1_1": -3e-4,
        "CD1_2": 2e-5,
        "CD2_1": 1e-5,
        "CD2_2": 3e-4,
        "RADESYS": "ICRS",
    }
    hdu = fits.PrimaryHDU(noise())
    hdu.header.update({**usual, **cards})
    hdu.writeto(folder / "placed.fits")
    return folder / "placed.fits"


def test_declination_named_first_is_still_declination(tmp_path):
    with opened(placed(tmp_path)) as exposure:
        expected = exposure.sky_of(3, 4)
    turned = {
        "CTYPE1": "DEC--TAN",
        "CTYPE2": "RA---TAN",
        "CRVAL1": 40.0,
        "CRVAL2": 10.0,
        "CD1_1": 1e-5,
        "CD1_2": 3e-4,
        "CD2_1": -3e-4,
        "CD2_2": 2e-5,
    }
    (tmp_path / "turned").mkdir()
    with opened(placed(tmp_path / "turned", **turned)) as exposure:
        assert exposure.sky_of(3, 4) == pytest.approx(expected, abs=1e-9)
        assert exposure.pixel_of(*expected) == pytest.approx((3, 4), abs=1e-6)


@pytest.mark.parametrize(
    ("cards", "said"),
    [
        ({"CTYPE1": "GLON-TAN", "CTYPE2": "GLAT-TAN"}, "are GLON and GLAT"),
        ({"RADESYS": "FK4", "EQUINOX": 1950.0}, "of FK4, B1950"),
        ({"RADESYS": "FK5", "EQUINOX": 2026.2}, "of the equinox 2026.2"),
    ],
)
def test_coordinates_of_another_system_are_said_and_not_taken_for_ours(tmp_path, cards, said):
    with opened(placed(tmp_path, **cards)) as exposure:
        assert exposure.wcs is None
        assert said in " ".join(exposure.notes)

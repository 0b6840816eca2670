"""Logo files of every kind come out cut to their ink; what cannot be cut out says so."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from analysis.errors import AnalysisError
from analysis.media.svg import looks_like_drawing
from analysis.synthesis.logo_files import cut_out, draw, read_logo

SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" {}</svg>'
LOGOS = Path(__file__).resolve().parents[3] / "demo" / "logos"


def svg(path: Path, inside: str, head: str = 'viewBox="0 0 200 100">') -> Path:
    path.write_text(SVG.format(head + inside))
    return path


def ring(ground=(255, 255, 255), ink=(40, 40, 200)):
    """A ring with a hole, on a plain ground."""
    image = np.full((200, 300, 3), ground, np.uint8)
    cv2.circle(image, (150, 100), 60, ink, 24, cv2.LINE_AA)
    return image


def test_a_png_with_transparency_stays_as_it_is():
    file = LOGOS / "kestrel.png"
    logo = read_logo(file)
    whole = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    assert logo.shape[2] == 4
    assert (logo[..., 3] > 128).sum() == (whole[..., 3] > 128).sum()


def test_a_drawing_is_painted_and_cut_to_its_ink(tmp_path):
    path = svg(tmp_path / "a.svg", '<rect x="50" y="25" width="100" height="50" fill="#ff0000"/>')
    logo = read_logo(path)
    assert logo.shape[:2] == pytest.approx((256, 512), abs=2)
    assert logo[128, 256].tolist() == [0, 0, 255, 255]


@pytest.mark.parametrize("quality", [95, 50])
@pytest.mark.parametrize("ground", [(255, 255, 255), (20, 20, 20), (120, 60, 10)])
def test_a_jpeg_loses_its_plain_ground(tmp_path, quality, ground):
    path = tmp_path / "ring.jpg"
    cv2.imwrite(str(path), ring(ground), [cv2.IMWRITE_JPEG_QUALITY, quality])
    logo = read_logo(path)
    assert logo.shape[:2] == pytest.approx((144, 144), abs=10)
    assert logo[logo.shape[0] // 2, logo.shape[1] // 2, 3] == 0  # the hole is ground too
    ink = logo[logo[..., 3] > 250][:, :3].mean(axis=0)
    assert ink == pytest.approx([40, 40, 200], abs=14)


def test_painted_on_its_own_ground_it_looks_as_before():
    image = ring()
    logo = cut_out(image).astype(float)
    alpha = logo[..., 3:] / 255
    again = alpha * logo[..., :3] + (1 - alpha) * 255
    assert np.abs(again - image).mean() < 1.0


def test_a_photograph_is_not_cut_out(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "photo.jpg"), cv2.resize(noise, (600, 400)))
    with pytest.raises(AnalysisError, match=r"photo\.jpg: The logo is not on one plain colour"):
        read_logo(tmp_path / "photo.jpg")


@pytest.mark.parametrize("value", [255, 0, 130])
def test_a_plain_picture_has_no_logo(tmp_path, value):
    cv2.imwrite(str(tmp_path / "flat.png"), np.full((90, 90, 3), value, np.uint8))
    with pytest.raises(AnalysisError, match="nothing on this picture"):
        read_logo(tmp_path / "flat.png")


@pytest.mark.parametrize(
    ("inside", "sentence"),
    [
        ("<text>Acme</text>", "need a font"),
        ('<image href="{secret}" width="9" height="9"/>', "another file"),
        ('<image xlink:href="{secret}" width="9" height="9"/>', "another file"),
        ('<image href="file://{secret}" width="9" height="9"/>', "another file"),
        ('<image href="http://127.0.0.1:1/x.png" width="9" height="9"/>', "another file"),
        ('<filter id="f"><feImage href="{secret}"/></filter>', "another file"),
        ('<image href="data:image/svg+xml,%3Csvg/%3E" width="9" height="9"/>', "another file"),
        ("<g><rect", "damaged"),
        ("", "transparent all over"),
        ("<g>" * 60000 + "</g>" * 60000, "(broke down|damaged|painted|transparent)"),
    ],
)
def test_a_drawing_that_cannot_be_painted_whole_is_refused(tmp_path, inside, sentence):
    secret = tmp_path / "secret.png"
    cv2.imwrite(str(secret), ring())
    path = svg(tmp_path / "a.svg", inside.replace("{secret}", str(secret)))
    with pytest.raises(AnalysisError, match=sentence):
        read_logo(path)


def test_the_painter_can_open_no_file_even_if_it_is_not_stopped(tmp_path, monkeypatch):
    """The second lock: with the first one open, the file named is still not read."""
    secret = tmp_path / "secret.png"
    cv2.imwrite(str(secret), ring())
    code = (
        "import sys\n"
        "from analysis.media.decoding import drawing\n"
        "drawing._refuse_what_is_missing = lambda root: None\n"
        "class Line:\n"
        "    def send(self, fields, payload): sys.stdout.buffer.write(payload)\n"
        "drawing.draw({'media': 0, 'side': 64}, b'', Line())\n"
    )
    import subprocess
    import sys

    image = f'<image href="{secret}" width="200" height="100"/>'
    path = svg(tmp_path / "a.svg", image)
    with path.open("rb") as file:
        done = subprocess.run(
            [sys.executable, "-c", code], stdin=file, capture_output=True, check=True
        )
    painted = cv2.imdecode(np.frombuffer(done.stdout, np.uint8), cv2.IMREAD_UNCHANGED)
    assert painted[..., 3].max() == 0


@pytest.mark.parametrize(
    ("head", "size"),
    [
        ('width="40mm" height="20mm" viewBox="0 0 200 100">', (400, 200)),
        ('width="1in" height="36pt">', (400, 200)),
        ('width="100" viewBox="0 0 100 200">', (200, 400)),
        ('width="2cm" height="5cm" viewBox="0 0 40 100">', (160, 400)),
        ('viewBox="0 0 5 200">', (10, 400)),
    ],
)
def test_a_drawing_measured_in_any_unit_is_painted_in_its_proportions(tmp_path, head, size):
    path = svg(tmp_path / "a.svg", '<rect width="300" height="300"/>', head)
    height, width = draw(path, 400).shape[:2]
    assert (width, height) == pytest.approx(size, abs=2)


def test_shapes_measured_in_print_units_are_painted(tmp_path):
    inside = '<rect width="1in" height="24" fill="#ff0000"/>'
    logo = read_logo(svg(tmp_path / "a.svg", inside, 'viewBox="0 0 200 100">'))
    assert logo.shape[1] / logo.shape[0] == pytest.approx(96 / 24, rel=0.03)


def test_a_drawing_that_is_all_length_is_refused(tmp_path):
    path = svg(tmp_path / "a.svg", '<rect width="9" height="9"/>', 'width="1" height="1000">')
    with pytest.raises(AnalysisError, match="hundred times as long"):
        read_logo(path)


def test_a_huge_drawing_is_painted_small(tmp_path):
    head = 'width="1000000" height="500000">'
    path = svg(tmp_path / "a.svg", '<rect width="900000" height="400000"/>', head)
    assert max(read_logo(path).shape) <= 1024


def test_entities_do_not_grow_without_end(tmp_path):
    names = "abcdefghij"
    rows = ['<!ENTITY a "lol">'] + [f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in pairwise(names)]
    path = tmp_path / "a.svg"
    path.write_text(f"<?xml version='1.0'?><!DOCTYPE svg [{''.join(rows)}]>" + SVG.format(">&j;"))
    with pytest.raises(AnalysisError):
        read_logo(path)


def test_what_is_a_drawing_is_known_by_its_content():
    assert looks_like_drawing(b'<?xml version="1.0"?>\n<svg xmlns="x">')
    assert looks_like_drawing(b"\xef\xbb\xbf  <svg>")
    assert not looks_like_drawing(b"\x89PNG <svg")
    assert not looks_like_drawing(b"<html><body>")


@pytest.mark.skipif(
    not (Path(__file__).resolve().parents[4] / "shared/data/logo_files").is_dir(),
    reason="the logo files are not here",
)
def test_real_logo_drawings_are_read():
    files = sorted((Path(__file__).resolve().parents[4] / "shared/data/logo_files").glob("*.svg"))
    for file in files:
        assert (read_logo(file)[..., 3] > 128).mean() > 0.05, file.name

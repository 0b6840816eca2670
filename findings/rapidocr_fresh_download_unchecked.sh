#!/usr/bin/env bash
# Package: rapidocr==3.10.0.
#
# Situation: the recogniser of another language is wanted for the first time, so RapidOCR fetches its
# network. Its list states the SHA-256 of each file. On the way sits what answers for everybody: a
# sign-in page of a hotel or a proxy, with status 200.
# A good guess: a file with a stated hash is compared with it when it has come.
# What happens: the hash is only compared with a file that was there before. What has just come is
# written under its final name and returned as good, whatever it is. The next process notices, says
# “invalid”, fetches anew, and again looks at nothing.
# Why it matters: for the whole life of the first process another network than the one that was stated
# may read, and nobody is told; where it is no network at all, the error is one of the runtime about a
# file that is “damaged”, and not of the connection that it came over.
# Where it bears on us: analysis/weights/download.py checks before a file gets its name, and RapidOCR
# is given files by path only.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check rapidocr==3.10.0 2>/dev/null
env/bin/pip list 2>/dev/null | grep -E '^rapidocr '
env/bin/python - <<'PYTHON'
import hashlib
import http.server
import logging
import threading
from pathlib import Path

from rapidocr.utils.download_file import DownloadFile, DownloadFileInput

RIGHT, PAGE = b"a network", b"<!doctype html><title>Sign in to the network</title>"
stated = hashlib.sha256(RIGHT).hexdigest()
asked = []


class Portal(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Portal)
threading.Thread(target=server.serve_forever, daemon=True).start()
path = Path("korean_PP-OCRv5_rec_mobile.onnx")
wish = DownloadFileInput(
    file_url=f"http://127.0.0.1:{server.server_port}/{path}",
    sha256=stated,
    save_path=path,
    logger=logging.getLogger("quiet"),
)
for time in ("first", "second"):
    DownloadFile.run(wish)  # raises nothing
    is_right = hashlib.sha256(path.read_bytes()).hexdigest() == stated
    print(f"{time} time: returned as good; begins {path.read_bytes()[:15]!r}; right hash: {is_right}")
    assert not is_right, "this server gives nothing right"
assert len(asked) == 2, "it no longer looks at the file that is there"
print("As described.")
PYTHON

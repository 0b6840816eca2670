#!/usr/bin/env bash
# Python's own urllib.request and http.client (3.11 here), no package.
#
# Situation: a large file is fetched in blocks, by `while block := answer.read(65536)` or by
# `shutil.copyfileobj`, and the connection ends in the middle of it.
# A good guess: the answer stated its Content-Length, and `answer.read()` of the same connection
# raises IncompleteRead, so reading in blocks does as well.
# What happens: it ends as if all had come. Only `read()` without a size compares with the length that
# was stated; `read(n)`, `read1(n)` and `readinto` give an empty block and raise nothing.
# Why it matters: four tenths of a model, an archive or a film are kept as the whole. Whoever reads in
# blocks, because the whole does not fit into memory, has to count for himself.
# Where it bears on us: analysis/weights/download.py counts what came, and goes on by Range.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 --version
python3 - <<'PYTHON'
import http.client
import http.server
import io
import shutil
import threading
import urllib.request


class Breaks(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        self.wfile.write(b"x" * 400_000)

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Breaks)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_port}/"


def in_blocks(name):
    answer, n_bytes = urllib.request.urlopen(address), 0
    while block := getattr(answer, name)(65_536):
        n_bytes += len(block)
    return n_bytes


def copied():
    kept = io.BytesIO()
    shutil.copyfileobj(urllib.request.urlopen(address), kept)
    return kept.tell()


came = {"read(n)": in_blocks("read"), "read1(n)": in_blocks("read1"), "copyfileobj": copied()}
for name, n_bytes in came.items():
    print(f"{name}: {n_bytes} of 1000000 bytes, and no error")
try:
    urllib.request.urlopen(address).read()
except http.client.IncompleteRead as error:
    print("read():", error)
else:
    raise SystemExit("read() says nothing any more")
assert set(came.values()) == {400_000}, "reading in blocks has changed"
print("As described.")
PYTHON

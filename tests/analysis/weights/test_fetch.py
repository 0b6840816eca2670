"""Models fetched over a real connection, by the commands that people type."""

from __future__ import annotations

import io
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from analysis.errors import AnalysisError
from analysis.weights import fetch, read_catalogue
from tests.publishing import published

FILE = "korean_PP-OCRv5_rec_mobile.onnx"
DATA = os.urandom(3_000_000)


@pytest.fixture
def publisher():
    with published({FILE: DATA}) as publisher:
        yield publisher


@pytest.fixture
def listed(publisher, tmp_path) -> Path:
    return publisher.catalogue(tmp_path / "list.json", **{"ocr-korean": FILE})


@pytest.fixture
def weights(tmp_path, settings) -> Path:
    settings.WEIGHTS_DIR = str(tmp_path / "weights")
    return tmp_path / "weights"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def typed(*names: str, out: io.StringIO | None = None, **options: object) -> tuple[int, str, str]:
    """The exit status of `manage.py fetch`, what it says, and what it says went wrong."""
    out, err, status = out or io.StringIO(), io.StringIO(), 0
    try:
        call_command("fetch", *names, stdout=out, stderr=err, **options)
    except SystemExit as e:
        status = int(e.code or 0)
    except CommandError as e:
        return 1, out.getvalue(), str(e)
    return status, out.getvalue(), err.getvalue()


def test_what_the_installed_packages_state_is_listed_without_loading_them():
    program = (
        "import sys\nfrom analysis.weights import read_catalogue\n"
        "for m in read_catalogue().models: print(m.name, m.file, m.sha256, m.address)\n"
        "print([n for n in ('torch', 'whisper', 'rapidocr', 'cv2') if n in sys.modules])"
    )
    run = [sys.executable, "-c", program]
    *models, loaded = subprocess.run(run, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )[:-1]
    assert loaded == "[]"
    by_name = {line.split()[0]: line.split()[1:] for line in models}
    small = by_name["whisper-small"]
    assert small[0] == "small.pt"
    assert small[1] in small[2], "the address holds the hash"
    assert {"whisper-large-v3", "whisper-tiny.en"} <= by_name.keys()
    assert "whisper-large" not in by_name, "another name of large-v3"
    assert read_catalogue().find("WHISPER-LARGE").name == "whisper-large-v3"
    assert by_name["ocr-korean"][0] == FILE
    assert len(by_name["ocr-korean"][1]) == 64
    assert {"ocr-arabic", "ocr-cyrillic", "ocr-japan", "ocr-th"} <= by_name.keys()


def test_a_model_is_listed_fetched_and_taken_as_it_is_there(publisher, listed, weights):
    status, out, _ = typed(catalogue=listed)
    assert status == 0
    assert "ocr-korean  " in out
    assert "Apache-2.0  on-screen text: a test" in out
    assert f"fetch NAME … brings them into {weights}" in out

    status, out, err = typed("ocr-korean", catalogue=listed)
    assert (status, err) == (0, "")
    assert (weights / FILE).read_bytes() == DATA
    assert [p.name for p in weights.iterdir()] == [FILE]
    tenths = [line.split()[1] for line in out.splitlines() if "%" in line]
    assert tenths == sorted(tenths, key=lambda t: int(t[:-1]))
    assert tenths[-1] == "100%"
    assert 2 <= len(tenths) <= 10, "a line for each tenth where nobody watches"
    assert "ocr-korean: 3.0 MB in" in out
    assert "within a minute" in out

    n = len(publisher.asked)
    assert "was there already, checked" in typed("ocr-korean", catalogue=listed)[1]
    assert "  yes  " in typed(catalogue=listed)[1]
    assert len(publisher.asked) == n, "nobody was asked"


def test_a_terminal_shows_a_bar_that_goes_when_it_is_done(publisher, listed, weights):
    _, out, _ = typed("ocr-korean", catalogue=listed, out=Terminal())
    drawn = [part for part in out.split("\r") if "%" in part]
    assert "[########################]  100%  3.0 MB of 3.0 MB" in drawn[-1]
    assert out.split("\r")[-1].startswith("ocr-korean: 3.0 MB in"), "the bar was wiped"


def test_a_connection_that_breaks_goes_on_where_it_broke(publisher, listed, weights):
    publisher.breaks_after, publisher.breaks = 1_000_000, 2
    assert typed("ocr-korean", catalogue=listed)[0] == 0
    assert [r for _, r in publisher.asked] == ["", "bytes=1000000-", "bytes=2000000-"]
    assert (weights / FILE).read_bytes() == DATA


def test_a_server_that_knows_no_ranges_is_asked_for_all_of_it(publisher, listed, weights):
    publisher.knows_ranges = False
    publisher.breaks_after, publisher.breaks = 2_000_000, 1
    assert typed("ocr-korean", catalogue=listed)[0] == 0
    assert len(publisher.asked) == 2
    assert (weights / FILE).read_bytes() == DATA


def test_what_is_left_of_something_else_is_no_hindrance(publisher, listed, weights):
    weights.mkdir()
    for left in (b"another version" * 1000, DATA, DATA + b"more"):
        (weights / f"{FILE}.part").write_bytes(left)
        assert typed("ocr-korean", catalogue=listed)[0] == 0
        assert (weights / FILE).read_bytes() == DATA
        (weights / FILE).unlink()
    assert not list(weights.iterdir())


def _heeding() -> None:
    """A shell that starts the tests in the background has Ctrl+C ignored, by its children too."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_a_process_that_is_stopped_or_killed_leaves_nothing_half(publisher, listed, weights):
    program = [sys.executable, "-m", "analysis", "fetch", "ocr-korean", "--weights", str(weights)]
    part = weights / f"{FILE}.part"
    for sign, size in ((signal.SIGINT, 1_000_000), (signal.SIGKILL, 2_000_000)):
        publisher.stalls_after = 1_000_000
        process = subprocess.Popen(
            [*program, "--catalogue", str(listed)], stderr=subprocess.PIPE, preexec_fn=_heeding
        )
        until = time.monotonic() + 20
        while not (part.exists() and part.stat().st_size >= size) and time.monotonic() < until:
            time.sleep(0.02)
        if sign == signal.SIGINT:
            with pytest.raises(AnalysisError, match="being fetched by another process just now"):
                fetch(read_catalogue(listed).find("ocr-korean"), weights)
        process.send_signal(sign)
        _, said = process.communicate(timeout=20)
        assert not (weights / FILE).exists()
        if sign == signal.SIGINT:
            assert process.returncode == 130
            assert b"Stopped. python -m analysis fetch ocr-korean goes on where" in said
    assert "2.0 MB of it" in typed(catalogue=listed)[1]
    publisher.stalls_after = 0
    assert typed("ocr-korean", catalogue=listed)[0] == 0
    assert publisher.asked[-1][1] == "bytes=2000000-"
    assert (weights / FILE).read_bytes() == DATA


def test_a_wrong_file_is_not_kept_and_a_web_page_is_named(publisher, listed, weights):
    publisher.files[FILE] = os.urandom(1000)
    status, _, err = typed("ocr-korean", catalogue=listed)
    assert status == 1
    assert "is not ocr-korean: its SHA-256 is" in err
    assert "Nothing of it was kept." in err
    publisher.html = True
    assert "It is a web page: a proxy or a sign-in page" in typed("ocr-korean", catalogue=listed)[2]
    assert not list(weights.iterdir())


def test_without_a_network_it_says_how_to_put_the_file_there_by_hand(listed, weights, publisher):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        away = f"http://127.0.0.1:{nobody.getsockname()[1]}/models"
        status, _, err = typed("ocr-korean", catalogue=listed, source=away)
    assert status == 1
    assert f"from {away}/{FILE}: Connection refused. By hand: put the file {FILE}" in err
    assert f"into {weights} and run this again: it is checked and taken" in err
    assert not list(weights.iterdir())

    (weights / FILE).write_bytes(DATA[:-1])
    status, _, err = typed("ocr-korean", catalogue=listed, source=away)
    assert status == 1
    assert "is there and is not the published ocr-korean" in err
    assert "Delete or rename it" in err
    assert "another file" in typed(catalogue=listed)[1]
    assert (weights / FILE).read_bytes() == DATA[:-1], "a person's file is left alone"
    (weights / FILE).write_bytes(DATA)
    assert typed("ocr-korean", catalogue=listed, source=away)[0] == 0


def test_a_mirror_and_a_folder_stand_in_for_the_publisher(publisher, listed, weights, tmp_path):
    listed.write_text(listed.read_text().replace(publisher.address, "http://127.0.0.1:9"))
    mirror = f"{publisher.address}/mirror/"
    assert typed("ocr-korean", catalogue=listed, source=mirror)[0] == 0
    assert publisher.asked == [(f"/mirror/{FILE}", "")]
    (weights / FILE).unlink()
    stick = tmp_path / "stick"
    stick.mkdir()
    assert "Put korean_PP-OCRv5" in typed("ocr-korean", catalogue=listed, source=str(stick))[2]
    (stick / FILE).write_bytes(DATA)
    assert typed("ocr-korean", catalogue=listed, source=str(stick))[0] == 0
    assert (weights / FILE).read_bytes() == DATA


def test_a_disk_that_is_or_would_be_full_is_said(publisher, listed, weights):
    publisher.says_length = str(10**15)
    status, _, err = typed("ocr-korean", catalogue=listed)
    assert status == 1
    assert "1,000,000,000 MB are still to come" in err
    assert "Make room there, or set SIGHTLINE_WEIGHTS" in err

    publisher.says_length = ""
    was = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, was[1]))
    try:
        status, _, err = typed("ocr-korean", catalogue=listed)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, was)
    assert status == 1
    assert "is full, or what one may store there is used up" in err
    assert typed("ocr-korean", catalogue=listed)[0] == 0
    assert publisher.asked[-1][1] == "bytes=1500000-", "what came before was kept"


def test_a_folder_that_is_none_is_said(listed, weights):
    weights.write_text("a file")
    assert "SIGHTLINE_WEIGHTS names another folder" in typed("ocr-korean", catalogue=listed)[2]


def test_a_name_that_nobody_knows_is_answered_with_the_nearest(publisher, listed, weights):
    for name, meant in (("corean", "ocr-korean"), ("korean", "ocr-korean")):
        status, _, err = typed("ocr-korean", name, catalogue=listed)
        assert status == 1
        assert f"There is no model “{name}” to fetch. Did you mean {meant}" in err
    assert not publisher.asked, "nothing comes before all names are known"


def test_a_server_that_has_no_time_is_asked_again_and_one_that_has_no_file_is_not(
    publisher, listed, tmp_path
):
    model = read_catalogue(listed).find("ocr-korean")
    publisher.busy = 1
    assert fetch(model, tmp_path, pause_s=0.01).n_bytes == len(DATA)
    del publisher.files[FILE]
    publisher.asked.clear()
    with pytest.raises(AnalysisError, match="it answered 404 Not Found"):
        fetch(model, tmp_path / "other")
    assert len(publisher.asked) == 1


@pytest.mark.parametrize(
    ("stated", "sentence"),
    [
        ("[]", "has to be an object"),
        ("{", "is no JSON"),
        ('{"x": 5}', "has to end in the name of a .pt or .onnx file"),
        ('{"x": {"address": "http://h/..%2f..%2fx.pt", "sha256": "%s"}}', "SHA-256"),
        ('{"x": {"address": "http://h/.pt"}}', "has to end in the name"),
        ('{"x": {"address": "http://h/a.pt", "sha256": "5"}}', "needs the SHA-256"),
    ],
)
def test_a_list_that_is_none_is_said(tmp_path, stated, sentence):
    path = tmp_path / "list.json"
    path.write_text(stated)
    with pytest.raises(AnalysisError, match=sentence):
        read_catalogue(path)


def test_an_address_that_is_none_is_said(listed, weights):
    for source in ("ftp://example.org", "http://", "http://a b/"):
        status, _, err = typed("ocr-korean", catalogue=listed, source=source)
        assert status == 1
        assert "is no address" in err

"""A film that browsers cannot play: its page opens, and plays as soon as the copy is made."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from analysis.media.ffmpeg import program
from tests.browser.waiting import until

pytestmark = pytest.mark.browser


@pytest.fixture
def ten_bits(tmp_path: Path) -> Path:
    path = tmp_path / "TENBITS.mkv"
    picture = ["-f", "lavfi", "-i", "testsrc2=duration=40:size=640x360:rate=25"]
    coded = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le"]
    subprocess.run([program(), "-loglevel", "error", *picture, *coded, str(path)], check=True)
    return path


def test_it_plays_without_a_reload_once_the_copy_is_made(page, ten_bits):
    page.goto("/library")
    page.locator("#upload-form input[type=file]").set_input_files(ten_bits)
    link = page.get_by_role("link", name=re.compile("TENBITS", re.I)).first
    link.wait_for(timeout=60_000)
    link.click()
    page.wait_for_url("**/assets/*")
    page.locator("video").wait_for(timeout=60_000)  # the page opens by itself once it is ready
    until(page, "document.querySelector('video')?.readyState >= 2", seconds=120)
    assert "/proxy-" in page.locator("video").get_attribute("src")
    assert page.locator("#proxy").count() == 0
    assert page.evaluate("document.querySelector('video').videoWidth") == 640

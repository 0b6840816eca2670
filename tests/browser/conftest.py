"""The whole site as a new user starts it, and a real Chromium to drive it.

One site and one walk for the session: sign in by the printed link, make a project with a logo
picture, upload a film, analyse it. The tests then look at what came of it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.browser.waiting import PATIENCE_S, open_tab
from tests.services.film import film, logo
from tests.talking import SENTENCES, needs_a_voice_and_an_engine, talk

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or ""
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
# Chromium takes the last list of features to leave out alone, so this one begins with Playwright's
# own. The others draw what belongs to the browser: two more pages in each window that nobody sees,
# which take as long as a page of ours.
LEFT_OUT = [
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
    "AimEnabled",
    "PreloadTopChromeWebUI",
    "WebUIOmniboxAimPopup",
    "WebUIOmniboxFullPopup",
    "WebUIOmniboxPopup",
]


@dataclass
class Site:
    url: str
    sign_in_link: str
    folder: Path


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """`manage.py serve` on a free port, with a data folder of its own."""
    folder = tmp_path_factory.mktemp("site")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "SIGHTLINE_DATA": str(folder),
        "SIGHTLINE_URL": f"http://127.0.0.1:{port}",
        "SIGHTLINE_SEGMENT_SECONDS": "4",
        "SIGHTLINE_INDEX_UPLOADS": "0",  # tests say when somebody listens
        "PYTHONUNBUFFERED": "1",
        "DATABASE_URL": "",
        "BROKER_URL": "",
    }
    process = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--port", str(port)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    link = ""
    for line in process.stdout:
        if found := re.search(r"http\S+/sign-in/\S+", line):
            link = found.group()
            break
    _wait_for(f"http://127.0.0.1:{port}/healthz")
    yield Site(f"http://127.0.0.1:{port}", link, folder)
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture(scope="session")
def make_rows(site: Site, signed_in) -> Iterator[Callable[[str], Any]]:
    """make_rows("labelling_job"): what that module of this folder puts into the site's database."""
    environment = os.environ | {
        "SIGHTLINE_DATA": str(site.folder),
        "SIGHTLINE_URL": site.url,
        "DATABASE_URL": "",
        "BROKER_URL": "",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.browser.rows"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None

    def make(name: str) -> Any:
        print(name, file=process.stdin, flush=True)
        answer = json.loads(process.stdout.readline())
        assert "made" in answer, f"{name} could not be made:\n{answer['error']}"
        return answer["made"]

    yield make
    process.stdin.close()
    process.wait(PATIENCE_S)


def _wait_for(url: str) -> None:
    """Until the site is as it is most of the time: all answer, the workers too."""
    said = ""
    for _ in range(300):
        try:
            said = urllib.request.urlopen(url, timeout=20).read().decode()
            if json.loads(said)["status"] == "ok":
                return
        except OSError as error:
            said = str(error)
        time.sleep(0.2)
    raise AssertionError(f"{url} said last: {said}")


@pytest.fixture(scope="session")
def browser():
    if not CHROMIUM:
        pytest.skip("needs Chromium: apt install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                f"--disable-features={','.join(LEFT_OUT)}",
                "--autoplay-policy=no-user-gesture-required",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def signed_in(site: Site, browser) -> dict:
    """The cookies of the administrator, who came by the one-time link."""
    context = browser.new_context(viewport=DESKTOP)
    context.set_default_timeout(PATIENCE_S * 1000)
    page = context.new_page()
    page.goto(site.sign_in_link)
    page.locator("main form button").first.click()
    page.wait_for_url(lambda url: "/sign-in" not in url)
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def page(site: Site, browser, signed_in) -> Iterator:
    """A signed-in page at desk size, that fails the test on any script error or foreign request."""
    yield from _watched_page(site, browser, signed_in)


@pytest.fixture(scope="module")
def _page_of_a_file(site: Site, browser, signed_in) -> Iterator:
    yield from _watched_page(site, browser, signed_in)


@pytest.fixture
def tab(_page_of_a_file) -> Iterator:
    """As `page`, but one for all tests of a file, which is quicker: each goes somewhere first."""
    page = _page_of_a_file
    page.set_viewport_size(DESKTOP)
    yield page
    problems, page.problems[:] = list(page.problems), []
    assert not problems, "\n".join(problems)


def _watched_page(site: Site, browser, signed_in) -> Iterator:
    context = browser.new_context(viewport=DESKTOP, storage_state=signed_in, base_url=site.url)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_S * 1000)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(f"script error: {error}"))
    page.on(
        "console",
        lambda m: problems.append(f"console: {m.text}") if m.type == "error" else None,
    )
    page.on(
        "request",
        lambda r: (
            None
            if r.url.startswith((site.url, "data:", "blob:"))
            else problems.append(f"foreign request: {r.url}")
        ),
    )
    page.problems = problems
    yield page
    context.close()
    assert not problems, "\n".join(problems)


@pytest.fixture(scope="session")
def spoken(site: Site, browser, signed_in, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of an asset page whose Index button somebody pressed, once the talk is heard."""
    needs_a_voice_and_an_engine()
    said = [*SENTENCES, "The old lighthouse stands on the northern shore."]
    path = talk(tmp_path_factory.mktemp("talk") / "WESTERLY.mp4", said)
    context = browser.new_context(viewport=DESKTOP, storage_state=signed_in, base_url=site.url)
    context.set_default_timeout(PATIENCE_S * 1000)
    page = context.new_page()
    page.goto("/library")
    page.locator("#upload-form input[type=file]").set_input_files(path)
    page.locator("#results").get_by_role("link", name=re.compile("WESTERLY", re.I)).first.click()
    page.wait_for_url("**/assets/*")
    open_tab(page, "Transcript")
    page.get_by_role("button", name="Index", exact=True).click()
    page.wait_for_load_state()
    open_tab(page, "Transcript")
    page.locator(".line").first.wait_for()  # it appears while it goes on
    page.get_by_text("Heard by Whisper").wait_for(timeout=2 * PATIENCE_S * 1000)
    going_on = page.locator("#pane-transcript .speech-status")
    going_on.first.wait_for(state="detached", timeout=2 * PATIENCE_S * 1000)
    address = page.url.split("?")[0]
    context.close()
    return address


def counted_clicks(page) -> list[str]:
    """What is clicked on this page from now on, in a list that grows."""
    clicks: list[str] = []
    page.expose_function("sightlineClicked", lambda what: clicks.append(what))
    page.add_init_script(
        "addEventListener('pointerdown', (e) => sightlineClicked(e.target.outerHTML.slice(0, 80)), "
        "true)"
    )
    return clicks


@pytest.fixture(scope="session")
def film_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("film") / "CLIP.MP4", seconds=16)


@pytest.fixture(scope="session")
def logo_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("logo") / "acme.png"
    path.write_bytes(logo())
    return path


@pytest.fixture(scope="session")
def analysed(site: Site, browser, signed_in, film_file: Path, logo_file: Path) -> str:
    """The address of an asset page, after the walk every new user takes, with the mouse."""
    context = browser.new_context(viewport=DESKTOP, storage_state=signed_in, base_url=site.url)
    context.set_default_timeout(PATIENCE_S * 1000)
    page = context.new_page()
    page.goto("/projects")
    page.get_by_label("Name").first.fill("Harbour Cup")
    page.get_by_label("Brands").fill("Acme\nNobody")
    page.get_by_role("button", name="Make project").click()
    page.locator("#labels input[type=file]").first.set_input_files(logo_file)
    page.get_by_alt_text(re.compile("acme", re.I)).first.wait_for()

    page.goto("/library")
    page.locator("#upload-form input[type=file]").set_input_files(film_file)
    clip = page.locator("#results").get_by_role("link", name=re.compile("CLIP", re.I)).first
    clip.click()
    page.wait_for_url("**/assets/*")
    address = page.url.split("?")[0]
    page.get_by_role("button", name="Analyse", exact=True).click()
    page.get_by_text("Analysed").first.wait_for(timeout=2 * PATIENCE_S * 1000)
    context.close()
    return address

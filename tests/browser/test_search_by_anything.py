"""Asking by a picture, aloud and by a box that is drawn, and by keys why an answer is one."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.browser.accessibility import assert_accessible
from tests.talking import needs_a_voice_and_an_engine

pytestmark = pytest.mark.browser
# what a browser does with a file that is dropped from another window, or lies in the clipboard
HANDED_OVER = """([way, data]) => {
  const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
  const files = new DataTransfer();
  files.items.add(new File([bytes], "shot.png", {type: "image/png"}));
  const about = {bubbles: true, cancelable: true};
  const on = document.querySelector("main");
  if (way === "paste") {
    on.dispatchEvent(new ClipboardEvent("paste", {...about, clipboardData: files}));
    return;
  }
  for (const kind of ["dragenter", "dragover", "drop"]) {
    on.dispatchEvent(new DragEvent(kind, {...about, dataTransfer: files}));
  }
}"""


@pytest.fixture(scope="module")
def alike(make_rows):
    made = make_rows("alike")
    yield made
    shutil.rmtree(made["folder"], ignore_errors=True)


def ask_by(page, file: Path, kind: str = "picture") -> None:
    page.locator(f"[data-file={kind}]").set_input_files(file)


def test_a_picture_finds_its_moment_says_why_and_learns_what_a_code_is_called(page, alike):
    page.goto("/search")
    ask_by(page, Path(alike["folder"]) / "101.png")
    first = page.locator(".moments > li").first
    first.get_by_text("SHOTS1").wait_for()
    first.get_by_text("Looks alike").wait_for()
    page.locator("h1").click()
    page.keyboard.press("j")
    page.keyboard.press("e")
    code = first.locator(".shared td a").first
    code.wait_for()
    first.get_by_text("Where it is alike").wait_for()  # over the frame, which is cut out first
    assert_accessible(page)
    search = page.url

    code.click()
    page.locator("#name").fill("yellow boats")
    page.get_by_role("button", name="Keep").click()
    page.get_by_role("heading", name="yellow boats").wait_for()
    page.goto(search)
    page.locator("h1").click()
    page.keyboard.press("j")
    page.keyboard.press("e")
    page.locator(".moments > li").first.get_by_role("link", name="yellow boats").wait_for()

    page.keyboard.press("n")
    page.get_by_text("0 right, 1 wrong").wait_for()
    page.keyboard.press("u")
    page.get_by_text("0 right, 1 wrong").wait_for(state="detached")
    page.locator(".moment").first.click()
    page.wait_for_url(f"**/assets/{alike['films'][0]}?t=*")


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_a_picture_is_dropped_on_the_page_or_pasted(page, alike, way):
    page.goto("/search")
    data = base64.b64encode((Path(alike["folder"]) / "101.png").read_bytes()).decode()
    page.evaluate(HANDED_OVER, [way, data])
    page.locator(".asked img").wait_for()
    page.locator(".moments > li").first.get_by_text("SHOTS1").wait_for()


def test_a_second_picture_that_is_not_meant_stands_beside_the_first(page, alike):
    page.goto("/search")
    for number in (101, 202):
        ask_by(page, Path(alike["folder"]) / f"{number}.png")
        page.locator(".asked select").nth(int(number == 202)).wait_for()
        page.locator(".moment").first.wait_for()
    page.locator(".asked select").last.select_option(label="not like this")
    page.wait_for_url(re.compile(r"%3A-1|:-1"))
    page.locator(".asked.not").wait_for()
    page.locator(".moments > li").first.get_by_text("SHOTS1").wait_for()


def test_a_question_is_sent_as_sound_and_its_words_are_understood(page, alike, tmp_path):
    needs_a_voice_and_an_engine()
    file = tmp_path / "question.wav"
    subprocess.run(["espeak-ng", "-s", "140", "-w", file, "Where is the race?"], check=True)
    page.goto("/search")
    ask_by(page, file, "sound")
    page.locator(".asked .wave").wait_for()
    page.get_by_role("button", name="Its words").click()
    page.locator(".asked").get_by_text(re.compile("where is the race", re.I)).first.wait_for()


def test_where_the_microphone_is_not_allowed_a_sentence_says_what_to_do(page, alike):
    page.add_init_script(
        "navigator.mediaDevices.getUserMedia = () => "
        "Promise.reject(new DOMException('no', 'NotAllowedError'))"
    )
    page.goto("/search")
    page.locator("[data-speak]").click()
    page.get_by_text("The microphone is not allowed here.").wait_for()


def test_a_box_is_drawn_by_keys_and_its_likes_are_found(page, alike):
    page.goto(f"/assets/{alike['films'][0]}?t=5")
    page.locator("#find-alike").wait_for()
    page.keyboard.press("r")
    page.get_by_text("Drag over what you look for.").wait_for()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?ask=*")
    page.get_by_text("a part of a frame of SHOTS1", exact=True).wait_for()
    page.get_by_role("heading", name="The same thing elsewhere").wait_for()
    page.locator(".alike-cells a").first.wait_for()
    page.get_by_label("Label", exact=True).fill("Buoy")
    page.get_by_role("button", name="Make this a label").click()
    page.get_by_role("heading", name="Buoy in past analyses").wait_for()

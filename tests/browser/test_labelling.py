"""The labelling page on a real site, with real workers, in a real Chromium: what is drawn is kept,
through lost connections, closed tabs and a second pair of hands in the same work."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from analysis.labelling import interpolation
from tests.browser.accessibility import assert_accessible
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.labelling_job import N_FRAMES, SIZE, boxes_at
from tests.browser.waiting import PATIENCE_S, until

pytestmark = pytest.mark.browser

READY = "document.documentElement?.dataset.ready === 'yes'"
WIDTH, HEIGHT = SIZE


@pytest.fixture
def job(make_rows) -> dict[str, Any]:
    """Four pictures, four whole pictures and a clip, fresh for each test."""
    return make_rows("labelling_job")


class Hand:
    """A person at one browser, who draws in pixels of the picture."""

    def __init__(self, browser, site, signed_in, **options) -> None:
        options = {"viewport": DESKTOP} | options
        self.context = browser.new_context(storage_state=signed_in, base_url=site.url, **options)
        self.context.set_default_timeout(PATIENCE_S * 1000)
        self.problems: list[str] = []
        self.page = self.new_tab()

    def new_tab(self):
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.problems.append(f"{error}\n{error.stack}"))
        page.on("console", self._listen)
        return page

    def _listen(self, message) -> None:
        # Chromium itself reports answers of 4xx and lost connections; those are meant here.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.problems.append(message.text)

    def open(self, work: int):
        self.page.goto(f"/labelling/work/{work}")
        until(self.page, READY)
        return self

    def reopen(self) -> None:
        self.page.reload()
        until(self.page, READY)

    # --- drawing -----------------------------------------------------------------------------

    def at(self, x: float, y: float) -> tuple[float, float]:
        stage = self.page.locator("#stage").bounding_box()
        scale = min(stage["width"] / WIDTH, stage["height"] / HEIGHT)
        left = stage["x"] + (stage["width"] - WIDTH * scale) / 2
        top = stage["y"] + (stage["height"] - HEIGHT * scale) / 2
        return left + x * scale, top + y * scale

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        mouse = self.page.mouse
        mouse.move(*self.at(*start))
        mouse.down()
        mouse.move(*self.at((start[0] + end[0]) / 2, (start[1] + end[1]) / 2))
        mouse.move(*self.at(*end))
        mouse.up()

    def draw(self, box: tuple[float, float, float, float]) -> None:
        self.drag(box[:2], box[2:])

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    # --- what the page says -------------------------------------------------------------------

    def saved(self) -> None:
        until(self.page, "document.getElementById('work-saved').dataset.state === 'saved'")
        self.page.wait_for_timeout(60)

    def says(self, words: str) -> None:
        until(
            self.page,
            f"document.getElementById('work-saved').innerText.includes({json.dumps(words)})",
        )

    def rows(self) -> list[str]:
        self.page.wait_for_timeout(60)
        rows = self.page.locator("#work-objects button").all_inner_texts()
        return [" ".join(row.split()) for row in rows]

    def numbers(self) -> list[int]:
        """x, y, width and height of the taken-up box, in pixels."""
        self.page.wait_for_timeout(60)
        form = self.page.locator("#work-numbers")
        return [int(form.locator(f"[name={name}]").input_value()) for name in "xywh"]

    def document(self, work: int) -> dict[str, Any]:
        answer = self.context.request.get(f"/labelling/work/{work}.json")
        assert answer.status == 200
        return answer.json()

    def shapes(self, work: int) -> list[dict[str, Any]]:
        return list(self.document(work)["document"]["shapes"].values())

    def go(self, frame: int) -> None:
        self.page.evaluate(
            "n => { const f = document.getElementById('frame-slider');"
            "f.value = n; f.dispatchEvent(new Event('input', {bubbles: true})); }",
            frame,
        )
        until(
            self.page,
            f"document.getElementById('work-place').innerText.startsWith('Frame {frame + 1} ')",
        )


@pytest.fixture
def hands(site, browser, signed_in) -> Iterator[Any]:
    made: list[Hand] = []

    def make(**options) -> Hand:
        made.append(Hand(browser, site, signed_in, **options))
        return made[-1]

    yield make
    for hand in made:
        hand.context.close()
    problems = [problem for hand in made for problem in hand.problems]
    assert not problems, "\n".join(problems)


@pytest.fixture
def hand(hands) -> Hand:
    return hands()


def near(found, wanted, within: float = 3) -> bool:
    return all(abs(a - b) <= within for a, b in zip(found, wanted, strict=True))


def pixels(shape: dict[str, Any]) -> list[float]:
    return [side * (WIDTH if i % 2 == 0 else HEIGHT) for i, side in enumerate(shape["box"])]


def test_what_is_drawn_moved_undone_and_redone_is_there_after_a_reload(hand, job):
    work = job["pictures"][0]
    hand.open(work)
    hand.draw((40, 60, 160, 110))
    assert near(hand.numbers(), [40, 60, 120, 50])
    hand.drag((100, 85), (130, 105))
    assert near(hand.numbers(), [70, 80, 120, 50])
    hand.drag((190, 130), (210, 150))  # the lower right handle
    assert near(hand.numbers(), [70, 80, 140, 70])
    hand.press("2")
    assert hand.rows() == ["Norra Bank"]
    hand.press("Control+z", "Control+z", "Control+z")
    assert hand.rows() == ["Kestrel"]
    assert near(hand.numbers(), [40, 60, 120, 50])
    hand.press("Control+Shift+Z")
    assert near(hand.numbers(), [70, 80, 120, 50])
    hand.saved()
    hand.reopen()
    assert hand.rows() == ["Kestrel"]
    (shape,) = hand.shapes(work)
    assert near(pixels(shape), [70, 80, 190, 130])


def test_a_box_can_be_deleted_and_any_earlier_moment_restored(hand, job):
    work = job["pictures"][0]
    hand.open(work)
    hand.draw((40, 60, 160, 110))
    hand.saved()
    hand.press("Delete")
    hand.saved()
    assert hand.rows() == []
    assert hand.shapes(work) == []
    hand.page.locator("#work-history summary").click()
    hand.page.locator("#history-list li").filter(has_text="drew Kestrel").hover()
    hand.page.locator("#history-list li").filter(has_text="drew").get_by_role("button").click()
    hand.page.get_by_text("Restored").first.wait_for()
    assert hand.rows() == ["Kestrel"]
    hand.press("Control+z")
    hand.saved()
    assert hand.shapes(work) == []


def test_a_lost_connection_loses_nothing_even_when_the_tab_is_closed(hand, job):
    work = job["pictures"][0]
    hand.open(work)
    hand.draw((40, 60, 160, 110))
    hand.saved()
    hand.context.set_offline(True)
    hand.says("Offline")
    hand.draw((240, 160, 300, 210))
    hand.says("Offline: 1 change kept")
    hand.drag((270, 185), (280, 190))
    hand.press("Escape")
    hand.draw((400, 250, 470, 300))
    hand.says("changes kept")
    assert len(hand.rows()) == 3
    hand.page.wait_for_timeout(300)
    hand.page.close()  # the tab is gone, and the network still away
    hand.context.set_offline(False)
    hand.page = hand.new_tab()
    hand.open(work)
    assert len(hand.rows()) == 3
    hand.saved()
    assert len(hand.shapes(work)) == 3


def test_a_picture_finished_without_a_connection_is_done_once_it_is_back(hand, job):
    first, second = job["pictures"][:2]
    hand.open(first)
    hand.page.wait_for_timeout(1500)  # the next one is fetched ahead
    hand.context.set_offline(True)
    hand.draw((40, 60, 160, 110))
    hand.press("Space")
    until(hand.page, f"location.pathname.endsWith('/{second}')")
    hand.draw((240, 160, 300, 210))
    hand.says("Offline: 3 changes kept")
    hand.context.set_offline(False)
    hand.saved()
    assert hand.document(first)["status"] == "done"
    assert len(hand.shapes(second)) == 1


def test_changes_made_offline_join_those_made_elsewhere(hands, job):
    work = job["pictures"][0]
    here, there = hands(), hands()
    here.open(work)
    here.draw((40, 60, 160, 110))
    here.saved()
    there.open(work)
    here.context.set_offline(True)
    here.press("Escape")
    here.draw((240, 160, 300, 210))
    here.says("Offline: 1 change kept")
    there.draw((400, 250, 470, 300))
    there.saved()
    here.context.set_offline(False)
    here.saved()
    until(here.page, "document.querySelectorAll('#work-objects button').length === 3")
    assert len(here.shapes(work)) == 3


def two_move_one_box(hands, job) -> tuple[Hand, Hand, int]:
    """Both have it open; there it went up, here it goes right, and here hears of it."""
    work = job["pictures"][0]
    here, there = hands(), hands()
    here.open(work)
    here.draw((240, 160, 300, 210))
    here.saved()
    there.open(work)
    there.press("Escape")
    there.page.locator("#work-objects button").click()
    there.drag((270, 185), (270, 100))
    there.saved()
    here.drag((270, 185), (400, 185))
    here.page.locator("#work-conflict").wait_for()
    return here, there, work


def test_two_hands_on_one_box_are_asked_which_to_keep(hands, job):
    here, there, work = two_move_one_box(hands, job)
    assert near(pixels(here.shapes(work)[0]), [240, 75, 300, 125])  # theirs was not overwritten
    assert near(here.numbers(), [370, 160, 60, 50])  # nor was mine
    here.says("Your choice is needed")
    here.page.get_by_role("button", name="Keep mine").click()
    here.saved()
    assert near(pixels(here.shapes(work)[0]), [370, 160, 430, 210])
    assert here.page.locator("#work-conflict").is_hidden()
    # the other finds it out, and loses nothing either
    there.press("ArrowLeft")
    there.page.locator("#work-conflict").wait_for()
    there.page.get_by_role("button", name="Keep both").click()
    there.saved()
    assert len(there.shapes(work)) == 2


def test_what_was_given_up_for_theirs_is_one_undo_away(hands, job):
    here, _, work = two_move_one_box(hands, job)
    here.page.get_by_role("button", name="Keep theirs").click()
    here.saved()
    assert near(pixels(here.shapes(work)[0]), [240, 75, 300, 125])
    here.press("Control+z")
    here.saved()
    assert near(pixels(here.shapes(work)[0]), [370, 160, 430, 210])


def test_changes_to_different_sides_of_one_box_are_joined_without_asking(hands, job):
    work = job["pictures"][0]
    here, there = hands(), hands()
    here.open(work)
    here.draw((240, 160, 300, 210))
    here.saved()
    there.open(work)
    there.page.locator("#work-objects button").click()
    there.press("3")
    there.saved()
    here.drag((270, 185), (400, 185))
    here.saved()
    (shape,) = here.shapes(work)
    assert near(pixels(shape), [370, 160, 430, 210])
    assert here.rows() == ["Vitalo"]


def test_a_clip_is_labelled_with_keyframes(hand, job):
    work = job["clip"]
    hand.open(work)
    first, last = boxes_at(0)["Kestrel"], boxes_at(40)["Kestrel"]
    hand.draw(first)
    hand.go(40)
    assert "held" in hand.rows()[0]
    middle = ((first[0] + first[2]) / 2, (first[1] + first[3]) / 2)
    hand.drag(middle, (middle[0] + last[0] - first[0], middle[1]))
    hand.go(20)
    assert hand.rows() == ["Kestrel track 1, between"]
    x1, y1, x2, y2 = boxes_at(20)["Kestrel"]
    assert near(hand.numbers(), [x1, y1, x2 - x1, y2 - y1])
    hand.go(50)
    hand.press("o")
    hand.saved()
    (track,) = hand.shapes(work)
    assert sorted(track["keys"], key=int) == ["0", "40", "50"]
    assert interpolation.at(track["keys"], 50) is None
    assert interpolation.at(track["keys"], N_FRAMES - 1) is None
    placed = interpolation.at(track["keys"], 20)
    assert near([placed.box[0] * WIDTH, placed.box[1] * HEIGHT], hand_numbers(hand, 20)[:2], 1)


def hand_numbers(hand: Hand, frame: int) -> list[int]:
    hand.go(frame)
    return hand.numbers()


def test_a_box_between_keyframes_is_where_training_will_have_it(hand, job):
    """The page's arithmetic beside analysis.labelling.interpolation, on tracks of every kind."""
    rng = np.random.default_rng(5)

    def track() -> dict[str, Any]:
        frames = rng.choice(N_FRAMES, rng.integers(1, 6), replace=False)
        return {
            str(frame): {
                "box": sorted(rng.random(2)) + sorted(rng.random(2)),
                "occluded": bool(rng.random() < 0.3),
                "outside": bool(rng.random() < 0.3),
            }
            for frame in frames.tolist()
        }

    cases = [(track(), int(rng.integers(N_FRAMES))) for _ in range(300)]
    hand.open(job["clip"])
    shown = hand.page.evaluate(
        """async (cases) => {
        const { shownAt } = await import("/static/js/labelling/tracks.js");
        return cases.map(([keys, frame]) => shownAt({ label: 1, keys }, frame)); }""",
        cases,
    )
    for (keys, frame), ours in zip(cases, shown, strict=True):
        placed = interpolation.at(keys, frame)
        assert (ours is None) == (placed is None), (keys, frame)
        if placed:
            assert ours["box"] == pytest.approx(placed.box, abs=1e-6)
            assert ours["occluded"] == placed.is_occluded


def test_undo_stays_on_the_frame_and_says_where_it_happened(hand, job):
    hand.open(job["clip"])
    hand.draw(boxes_at(0)["Vitalo"])
    hand.go(30)
    hand.press("q")
    hand.go(5)
    hand.press("Control+z")
    said = hand.page.locator("#work-said")
    assert "on frame 31" in said.inner_text()
    assert hand.page.locator("#work-place").inner_text().startswith("Frame 6 ")
    said.get_by_role("button").click()
    assert hand.page.locator("#work-place").inner_text().startswith("Frame 31 ")


def test_tracks_are_split_and_merged(hand, job):
    work = job["clip"]
    hand.open(work)
    hand.draw(boxes_at(0)["Vitalo"])
    hand.go(30)
    hand.press("Alt+m")
    assert hand.rows() == ["Kestrel track 2, keyframe"]
    hand.saved()
    assert len(hand.shapes(work)) == 2
    hand.press("m")
    hand.go(10)
    hand.page.locator("#track-names button").first.click()
    hand.press("m")
    hand.saved()
    (track,) = hand.shapes(work)
    assert all(interpolation.at(track["keys"], frame) for frame in range(N_FRAMES))


def test_predict_next_follows_the_board_and_is_one_step(hand, job):
    work = job["clip"]
    hand.open(work)
    hand.draw(boxes_at(0)["Kestrel"])
    hand.press("p")
    until(hand.page, "document.querySelectorAll('#work-said:not([hidden])').length > 0")
    assert "Predicted to frame 31" in hand.page.locator("#work-said").inner_text()
    x1, y1, x2, y2 = boxes_at(25)["Kestrel"]
    assert near(hand_numbers(hand, 25), [x1, y1, x2 - x1, y2 - y1], 8)
    hand.saved()
    (track,) = hand.shapes(work)
    assert len(track["keys"]) < 20  # not one for every frame
    hand.press("Control+z")
    hand.saved()
    (track,) = hand.shapes(work)
    assert list(track["keys"]) == ["0"]


def test_everything_can_be_done_without_a_mouse(hand, job):
    work = job["pictures"][0]
    hand.open(work)
    hand.page.locator("#stage").focus()
    hand.press("2", "Shift+N")
    assert hand.rows() == ["Norra Bank"]
    x, y, w, h = hand.numbers()
    hand.press("ArrowRight", "ArrowRight", "Control+ArrowDown", "Shift+ArrowRight")
    assert hand.numbers() == [x + 2, y + 10, w + 1, h]
    hand.press("Escape", "Shift+N")
    hand.page.locator("#work-numbers [name=x]").fill("12")
    hand.press("Tab")
    assert hand.numbers()[0] == 12
    hand.page.locator("#stage").focus()
    hand.press("Escape", "Tab")
    until(hand.page, "document.querySelectorAll('#work-objects [aria-pressed=true]').length === 1")
    hand.press("Tab", "Tab")  # past the last box the focus goes on: no trap
    assert hand.page.evaluate("document.activeElement.id") != "stage"
    hand.press("Control+Enter")
    until(hand.page, f"location.pathname.endsWith('/{job['pictures'][1]}')")
    hand.saved()
    assert hand.document(work)["status"] == "done"
    assert len(hand.shapes(work)) == 2


def test_done_goes_on_at_once_and_the_time_at_work_is_told(hand, job):
    first, second, third, _ = job["pictures"]
    hand.open(first)
    hand.draw((40, 60, 160, 110))
    hand.page.wait_for_timeout(1200)
    hand.press("Space")
    until(hand.page, f"location.pathname.endsWith('/{second}')")
    assert hand.rows() == []
    hand.press("x")  # nothing here
    until(hand.page, f"location.pathname.endsWith('/{third}')")
    hand.saved()
    assert hand.document(first)["status"] == "done"
    assert hand.document(second)["document"]["nothing"]
    hand.page.go_back()
    until(hand.page, f"location.pathname.endsWith('/{second}')")
    hand.page.go_back()
    until(hand.page, "document.querySelectorAll('#work-objects button').length === 1")
    hand.press("Control+z")  # its own steps are still there
    until(hand.page, "document.querySelectorAll('#work-objects button').length === 0")


def test_proposals_are_taken_one_by_one_or_all_at_once(hand, job):
    work = job["pictures"][3]
    hand.open(work)
    assert [row.split(" predicted")[0] for row in hand.rows()] == [
        "Kestrel",
        "Norra Bank",
        "Vitalo",
    ]
    hand.press("a")
    assert hand.rows()[0] == "Kestrel"
    hand.press("Shift+A")
    assert hand.rows() == ["Kestrel", "Norra Bank", "Vitalo"]
    hand.press("Control+z")  # all at once was one step
    assert [row for row in hand.rows() if "predicted" not in row] == ["Kestrel"]
    hand.page.locator("#work-objects button").filter(has_text="0.32").click()
    hand.press("Delete")  # not wanted
    hand.saved()
    hand.reopen()
    assert [row.split(" predicted")[0] for row in hand.rows()] == ["Kestrel", "Norra Bank"]
    (shape,) = hand.shapes(work)
    assert shape["accepted"] == 0.81


def test_skipping_asks_why(hand, job):
    first, second = job["pictures"][:2]
    hand.open(first)
    hand.page.get_by_role("button", name="Skip").first.click()
    hand.page.get_by_label("Why can it not be done?").fill("Too blurred to say")
    hand.page.locator("#skip-sheet button[value=skip]").click()
    until(hand.page, f"location.pathname.endsWith('/{second}')")
    hand.saved()
    assert hand.document(first)["status"] == "skipped"


def test_the_work_of_somebody_else_is_to_look_at(hand, job):
    """What is on it can be seen and stepped through; no control, key or drag changes anything."""
    work = job["others"]
    hand.open(work)
    page = hand.page
    before = hand.document(work)
    assert hand.rows() == ["Kestrel track 1, keyframe"]
    assert page.get_by_text("This is the work of").is_visible()
    for name in ("Skip", "Nothing here", "Finish", "Draw boxes", "Undo", "Predict next"):
        buttons = page.get_by_role("button", name=name)
        assert not any(button.is_visible() for button in buttons.all()), name
    hand.go(5)
    hand.draw((300, 200, 400, 300))
    hand.go(0)
    hand.drag((80, 80), (180, 180))
    page.locator("#work-objects button").first.click()
    assert page.locator("#work-numbers [name=x]").is_disabled()
    hand.press("Delete", "2", "p", "ArrowRight", "n")
    page.wait_for_timeout(800)
    assert hand.document(work) == before
    page.reload()
    until(page, READY)
    assert hand.rows() == ["Kestrel track 1, keyframe"]


def test_boxes_are_copied_to_the_next_picture(hand, job):
    first, second = job["pictures"][:2]
    hand.open(first)
    hand.draw((40, 60, 160, 110))
    hand.press("b")
    until(hand.page, f"location.pathname.endsWith('/{second}')")
    assert hand.rows() == ["Kestrel"]
    hand.saved()
    assert near(pixels(hand.shapes(second)[0]), [40, 60, 160, 110])


def test_whole_picture_labels_are_given_by_number(hand, job):
    work = job["concept"][0]
    hand.open(work)
    hand.press("1", "3", "1", "2")
    pressed = hand.page.locator("#work-labels [aria-pressed=true]").all_inner_texts()
    assert [re.sub(r"\s*\d$", "", text) for text in pressed] == ["Norra Bank", "Vitalo"]
    hand.saved()
    assert len(hand.shapes(work)) == 2


def test_more_than_nine_labels_have_a_filter(hand, job):
    hand.open(job["pictures"][0])
    hand.draw((40, 60, 160, 110))
    hand.press("/")
    hand.page.keyboard.type("sponsor 12")
    hand.press("Enter")
    assert hand.rows() == ["Sponsor 12"]


def test_signing_in_again_in_another_tab_goes_on_where_one_was(hand, job, site):
    work = job["pictures"][0]
    hand.open(work)
    hand.draw((40, 60, 160, 110))
    hand.saved()
    cookies = hand.context.cookies()
    hand.context.clear_cookies()
    hand.press("Escape")
    hand.draw((240, 160, 300, 210))
    hand.says("Signed out: 1 change kept")
    assert hand.page.get_by_role("link", name="Sign in in a new tab").is_visible()
    hand.context.add_cookies(cookies)
    hand.page.get_by_role("button", name="I am signed in again").click()
    hand.saved()
    assert len(hand.shapes(work)) == 2


def test_keys_can_be_chosen_changed_and_switched_off(hand, job):
    hand.open(job["clip"])
    place = hand.page.locator("#work-place")
    hand.press("?")
    hand.page.get_by_text("Like Label Studio").click()
    hand.press("Escape", "Alt+ArrowRight")
    until(hand.page, "document.getElementById('work-place').innerText.startsWith('Frame 2 ')")
    hand.press("?")
    hand.page.locator("#key-table [data-action=next]").click()
    hand.press("w", "Escape", "w")
    until(hand.page, "document.getElementById('work-place').innerText.startsWith('Frame 3 ')")
    hand.reopen()
    hand.press("w")
    until(hand.page, "document.getElementById('work-place').innerText.startsWith('Frame 2 ')")
    hand.press("?")
    hand.page.get_by_label("Single letters work as keys").uncheck()
    hand.press("Escape", "w")
    hand.page.wait_for_timeout(300)
    assert place.inner_text().startswith("Frame 2 ")


def test_a_finger_draws_and_two_zoom(hands, job):
    hand = hands(viewport=PHONE, has_touch=True, is_mobile=True)
    hand.open(job["pictures"][0])
    touch = hand.context.new_cdp_session(hand.page)

    def fingers(kind: str, *points: tuple[float, float]) -> None:
        at = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    fingers("touchStart", hand.at(250, 280))
    fingers("touchMove", hand.at(300, 300))
    fingers("touchMove", hand.at(360, 330))
    fingers("touchEnd")
    assert near(hand.numbers(), [250, 280, 110, 50], 5)
    one, other = hand.at(300, 180), hand.at(340, 180)
    fingers("touchStart", one, other)
    fingers("touchMove", (one[0] - 20, one[1]), (other[0] + 20, other[1]))
    fingers("touchMove", (one[0] - 40, one[1]), (other[0] + 40, other[1]))
    fingers("touchEnd")
    until(hand.page, "parseInt(document.getElementById('zoom-words').innerText) > 200")
    assert len(hand.rows()) == 1
    hand.saved()


@pytest.mark.parametrize("kind", ["pictures", "clip", "concept"])
def test_it_fits_a_phone_and_a_desk(hand, job, kind):
    hand.page.set_viewport_size(PHONE)
    hand.open(job[kind] if kind == "clip" else job[kind][0])
    for size in (PHONE, DESKTOP):
        hand.page.set_viewport_size(size)
        assert hand.page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        stage = hand.page.locator("#stage").bounding_box()
        assert stage["height"] > 200
    assert_accessible(hand.page)
    if kind == "pictures":
        hand.page.locator(".work-head .crumb a").click()
        assert_accessible(hand.page)  # the job, with its people and pieces

"""From a training project to a model in use on a new video, and to the next version that learns
from what people said of it: three people, a lost connection in the middle of labelling, and a
kill -9 in the middle of training."""

from __future__ import annotations

import os
import re
import signal
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import TimeoutError

from tests.browser.conftest import DESKTOP, counted_clicks
from tests.browser.improving_walk import bring_into, decide_twenty, improve
from tests.browser.labelling_job import N_FRAMES, boxes_at, draw, film
from tests.browser.test_labelling import READY, Hand
from tests.browser.test_mentions import analysed_by, ask
from tests.browser.waiting import PATIENCE_S, look_again, named_anew, until

pytestmark = pytest.mark.browser

LABELS = ("Kestrel", "Norra Bank", "Vitalo")  # in the order of their number keys
N_PICTURES, N_EPOCHS = 6, 30
FIRST = 36  # of the frames of the new video: with some twenty it is a short one
LONG_MS = 4 * PATIENCE_S * 1000  # a training
MOMENT_MS = 5000  # in which a button that is there can be pressed
MOST_TO_A_BOX = 4  # clicks of a labeller, from the invitation
MOST_TO_A_TRAINING = 16  # clicks of a trainer, from the first page; an address gone to is one


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    paths = []
    for number in range(N_PICTURES):
        path = tmp_path / f"board-{number}.jpg"
        cv2.imwrite(str(path), drawn(number))
        paths.append(path)
    return paths


@pytest.fixture
def new_video(tmp_path: Path) -> Path:
    path = tmp_path / "next match.mp4"
    film(path, first=FIRST, rate=5)  # each frame is analysed
    return path


def sees(page, words: str) -> bool:
    return re.search(words, page.locator("main").inner_text(), re.I) is not None


def start_dataset(page, name: str, pictures: list[Path]) -> str:
    """A project of three labels with some pictures; the address of its dataset."""
    page.goto("/datasets/start")
    page.locator("input[name=way][value=boxes]").check()
    page.locator("#id_name").fill(name)
    page.locator("#id_labels").fill("\n".join(LABELS))
    page.get_by_role("button", name="Start").click()
    page.wait_for_url(re.compile(r"/datasets/\d+$"))
    address = page.url
    page.locator("#adding input[name=files]").set_input_files(pictures)
    page.locator("#sending").wait_for(state="visible")
    page.locator("#sending").wait_for(state="hidden")  # all of them are taken
    page.locator("#gallery img").nth(N_PICTURES - 1).wait_for()
    return address


def make_job(page, dataset: str, people: list[str]) -> tuple[str, list[str]]:
    """A job for two people who are new here: its address, and the links that sign them in."""
    page.goto("/labelling/make")
    page.locator("#id_title").fill("Boards, all of them")
    [choice] = [
        words for words in page.locator("#id_dataset option").all_inner_texts() if dataset in words
    ]
    page.locator("#id_dataset").select_option(label=choice)
    page.locator("#id_people").fill(", ".join(people))
    page.locator("#id_batch_size").fill(str(N_PICTURES // 2))
    page.get_by_role("button", name="Make the job").click()
    page.locator(".links code").first.wait_for()
    links = [found.strip() for found in page.locator(".links code").all_inner_texts()]
    assert len(links) == len(people)
    action = page.locator("form[action*='/labelling/jobs/']").first.get_attribute("action")
    return re.sub(r"(/jobs/\d+).*", r"\1", action), links


def labeller(browser, site, link: str) -> Hand:
    """A new person comes by their link, and starts: few clicks, and the first box is kept."""
    hand = Hand(browser, site, None, viewport=DESKTOP)
    clicks = counted_clicks(hand.page)
    hand.page.goto(link)
    hand.page.get_by_role("button", name=re.compile("Sign in as")).click()
    hand.page.get_by_role("link", name="Later").click()  # or a password
    hand.page.get_by_role("button", name="Label", exact=True).click()
    hand.page.wait_for_url(re.compile(r"/labelling/work/\d+"))
    until(hand.page, READY)
    hand.draw(boxes_at(frame_of(hand))[LABELS[0]])
    hand.saved()
    assert len(hand.rows()) == 1
    assert len(clicks) <= MOST_TO_A_BOX, "\n".join(clicks)
    hand.press("Control+z")  # the batch is drawn as a whole
    hand.saved()
    return hand


@cache
def drawn(number: int) -> NDArray[np.uint8]:
    """The picture of that number, of a frame of its own."""
    return draw(number * N_FRAMES // N_PICTURES)


def frame_of(hand: Hand) -> int:
    """Which of the drawn frames the picture in front of this person is."""
    work = int(hand.page.url.rstrip("/").split("/")[-1])
    picture = hand.context.request.get(f"/labelling/work/{work}/frames/0.jpg").body()
    shown = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    off = [float(cv2.norm(shown, drawn(n), cv2.NORM_L1)) for n in range(N_PICTURES)]
    return int(np.argmin(off)) * N_FRAMES // N_PICTURES


def draw_boards(hand: Hand) -> None:
    boards = boxes_at(frame_of(hand))
    for key, label in enumerate(LABELS, start=1):
        hand.draw(boards[label])
        hand.press(str(key))
        hand.press("Escape")


def label_batch(hand: Hand, *, lose_connection_at: int | None = None) -> None:
    for number in range(N_PICTURES // 2):
        here = hand.page.url
        if number == lose_connection_at:
            boards = boxes_at(frame_of(hand))
            hand.context.set_offline(True)
            for key, label in enumerate(LABELS, start=1):
                hand.draw(boards[label])
                hand.press(str(key), "Escape")
            hand.says("Offline")
            hand.context.set_offline(False)
        else:
            draw_boards(hand)
        hand.saved()
        hand.page.get_by_role("button", name=re.compile("Done")).click()
        if number < N_PICTURES // 2 - 1:
            until(hand.page, f"location.href !== {here!r}")
            until(hand.page, READY)


def training_processes() -> list[int]:
    """The worker that trains: the only one that serves that queue alone."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"celery" in words and b"train" in words:
                found.append(int(entry.name))
    return found


def of_site(pid: int, folder: Path) -> bool:
    return f"SIGHTLINE_DATA={folder}".encode() in Path(f"/proc/{pid}/environ").read_bytes()


def stop_and_keep(page, model: str) -> None:
    """Until it is trained: by the button, if it is not through before somebody can press it."""
    stop = page.get_by_role("button", name=re.compile("Stop and keep"))
    trained = page.get_by_text(re.compile(f"Trained: {model}", re.I)).first
    stop.or_(trained).first.wait_for(timeout=LONG_MS)
    with suppress(TimeoutError):  # it went while the mouse was on its way
        stop.click(timeout=MOMENT_MS)
    trained.wait_for(timeout=LONG_MS)


def test_a_team_makes_a_detector_of_its_own(
    page, browser, site, pictures: list[Path], new_video: Path
):
    name = named_anew("Boards of the harbour")
    model = named_anew("Boards")
    clicks = counted_clicks(page)
    dataset = start_dataset(page, name, pictures)
    job, (ann_link, ben_link) = make_job(page, name, ["ann@example.org", "ben@example.org"])
    ann, ben = (labeller(browser, site, link) for link in (ann_link, ben_link))

    # They see their job and nothing else.
    assert ann.context.request.get(dataset).status in (403, 404)
    label_batch(ann, lose_connection_at=1)
    label_batch(ben)
    page.goto(job)
    look_again(page, lambda: sees(page, "complete"), "the job is complete")
    for hand in (ann, ben):
        hand.context.close()
        assert not hand.problems

    page.goto(f"{dataset}/versions")
    page.locator("#id_near").select_option("-1")  # frames of one scene would all fall on one side
    page.get_by_role("button", name="Freeze").click()
    page.wait_for_url(re.compile(r"/versions/\d+"))
    train = page.get_by_role("link", name=re.compile("Train on this")).first
    train.wait_for()  # until it is frozen
    assert sees(page, rf"\b{3 * N_PICTURES}\b")  # three boxes each

    train.click()
    page.locator("#id_name").fill(model)
    page.locator("input[name=start][value=scratch]").check()
    page.locator("#id_epochs").fill(str(N_EPOCHS))
    page.locator("details.more-options summary").click()
    page.locator("#id_imgsz").fill("160")
    page.get_by_role("button", name="Start training").click()
    page.wait_for_url(re.compile(r"/training/\d+"))
    gone_to = 4  # start, a job, its progress, the versions of the dataset
    assert len(clicks) + gone_to <= MOST_TO_A_TRAINING, "\n".join(clicks)

    # In the middle of it, the worker is killed.
    page.get_by_text(re.compile(rf"\b[1-9]\d? of {N_EPOCHS}\b")).first.wait_for(timeout=LONG_MS)
    for pid in training_processes():
        if of_site(pid, site.folder):
            os.kill(pid, signal.SIGKILL)
    stop_and_keep(page, model)
    page.reload()
    rows = page.locator("table tbody tr").all_inner_texts()
    epochs = [row.split()[0] for row in rows if row.split() and row.split()[0].isdigit()]
    assert epochs == sorted(set(epochs), key=int), "an epoch is there twice"
    assert not sees(page, "failed")

    # The model looks at a video nobody has seen, which is uploaded into its project.
    page.goto("/projects")
    page.get_by_role("link", name=name).first.click()
    page.wait_for_url(re.compile(r"/projects/\d+$"))
    project = page.url
    page.locator("#looking-model_version").select_option(index=1)
    page.locator("form:has(#looking-model_version)").get_by_role("button", name="Save").click()
    page.get_by_text("It holds from the next run on.").wait_for()
    page.locator("#upload-form input[type=file]").set_input_files(new_video)
    page.locator("#project-assets").get_by_role("link", name="next match").wait_for()
    run = first_run(page, int(project.split("/")[-1]))
    analysed_by(page, run)

    # What people say of it makes the next version.
    decide_twenty(page, project)
    bring_into(page, name, dataset, N_PICTURES)
    improve(page, model, name, "next match", project)


def first_run(page, project: int) -> int:
    """The run that was asked for when the upload was ready."""
    deadline = time.monotonic() + PATIENCE_S
    while not (runs := ask(page, "GET", f"/runs/?project={project}")["results"]):
        assert time.monotonic() < deadline, page.locator("#project-assets").inner_text()
        page.wait_for_timeout(1000)
    return runs[0]["id"]

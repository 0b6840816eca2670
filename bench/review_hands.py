"""What it costs a person to review a picture that a model has looked at, beside labelling it.

The same frames lie in both queues. In the review nine of ten boards that are there were found, one
in twenty under another name, and one frame in ten has a box of nothing; the simulated person sees
what is there, puts right what is wrong and accepts. On the labelling page they draw every board.
Both go through a real Chromium on a real site with its workers; the pages count every press of a
key and of a button, and the time is from one picture's coming into sight to the next one's.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from bench.labelling import (
    BOARDS,
    CHROMIUM,
    N_FRAMES,
    RATE,
    ROOT,
    SIZE,
    Box,
    Person,
    overlap,
    site,
    truth,
    write_clip,
)

N_ITEMS, N_QUICK = 40, 15
FOUND, MISNAMED, OF_NOTHING = 0.9, 0.05, 0.1
NAMES = [board.name for board in BOARDS]


def frames_of(n: int) -> list[int]:
    return [round(at) for at in np.linspace(0, N_FRAMES - 1, n)]


def predicted(frame: int) -> list[tuple[str, Box, float]]:
    """What the model made of a frame: name, box in pixels, confidence."""
    dice = np.random.default_rng(frame)
    found = []
    for name, box in truth(frame).items():
        if dice.random() < FOUND:
            said = NAMES[(NAMES.index(name) + 1) % 3] if dice.random() < MISNAMED else name
            off = dice.uniform(-3, 3, 4)
            x1, y1, x2, y2 = (float(side + by) for side, by in zip(box, off, strict=True))
            found.append((said, (x1, y1, x2, y2), float(dice.uniform(0.4, 0.95))))
    if dice.random() < OF_NOTHING:
        found.append((NAMES[0], (10.0, 450.0, 130.0, 500.0), float(dice.uniform(0.4, 0.6))))
    return found


# --- in a process with the site's settings -------------------------------------------------------


def seed(folder: Path, n: int) -> dict[str, int]:
    """The frames as items of the review, and as pictures of a labelling job."""
    import django

    django.setup()
    from bench.labelling import dataset_of, library_film
    from webapp.accounts.models import User, Workspace
    from webapp.projects.models import snapshot
    from webapp.review_queue.items import ReviewItem
    from webapp.runs.run import Run

    user = User.objects.filter(is_superuser=True).order_by("pk")[0]
    workspace = Workspace.objects.of(user).order_by("pk")[0]
    dataset = dataset_of(workspace, user)
    film = library_film(dataset, folder / "clip.mp4", N_FRAMES)
    inputs = snapshot(dataset.project)
    run = Run.objects.create(
        asset=film,
        project=dataset.project,
        options={"mode": "interval", "interval_s": 0.2},
        inputs=inputs,
        software_version="0",
        input_hash="0" * 64,
        status=Run.Status.SUCCEEDED,
        duration_s=N_FRAMES / RATE,
    )
    labels = dict(dataset.project.labels.values_list("name", "pk"))
    _looked_at(run, [frame / RATE for frame in frames_of(n)])
    ReviewItem.objects.bulk_create(
        [_item(run, place, frame, labels) for place, frame in enumerate(frames_of(n))]
    )
    return {"work": _pictures(dataset, folder / "clip.mp4", frames_of(n), user)}


def _looked_at(run: Any, times: list[float]) -> None:
    """The frames as the analysis kept them: of others the page would be given no picture."""
    from analysis.film.columns import DETECTION, FRAME, Columns
    from webapp.leases import Status
    from webapp.runs.segments import Segment, SegmentResult

    columns = Columns(
        np.array([(t, t, t + 1 / RATE) for t in times], FRAME), np.empty(0, DETECTION)
    )
    segment = Segment.objects.create(
        run=run,
        index=0,
        start_s=0.0,
        end_s=N_FRAMES / RATE,
        status=Status.DONE,
        frames_total=len(times),
        frames_done=len(times),
    )
    SegmentResult.objects.create(segment=segment, columns=columns.pack())


def _pictures(dataset: Any, film: Path, frames: list[int], user: Any) -> int:
    """A job of these frames as pictures; the number of its first work."""
    from django.core.files.base import ContentFile
    from django.core.files.storage import default_storage

    from webapp.datasets.samples import Sample
    from webapp.labelling.jobs import LabelingJob

    rows = []
    with av.open(str(film)) as opened:
        pictures = [frame.to_ndarray(format="bgr24") for frame in opened.decode(video=0)]
    for frame in frames:
        data = cv2.imencode(".jpg", pictures[frame])[1].tobytes()
        file = default_storage.save(f"samples/bench/{frame}.jpg", ContentFile(data))
        about = {"source": f"{frame}.jpg", "sha256": f"{frame:064x}", "file": file}
        rows.append(Sample(dataset=dataset, width=SIZE[0], height=SIZE[1], **about))
    Sample.objects.bulk_create(rows)
    samples = list(dataset.samples.order_by("pk").values_list("pk", flat=True))
    job = LabelingJob.objects.begin(
        dataset, "Frames", samples=samples, batch_size=len(samples), by=user
    )
    return int(job.claim(user)[0].pk)


def _item(run: Any, place: int, frame: int, labels: dict[str, int]) -> Any:
    from webapp.review_queue.items import ReviewItem

    boxes = [
        {
            "id": f"b{n}",
            "label": labels[name],
            "box": [round(side / SIZE[i % 2], 6) for i, side in enumerate(box)],
            "confidence": round(confidence, 4),
            "is_weak": confidence < 0.5,
            "is_matched": True,
            "track": None,
        }
        for n, (name, box, confidence) in enumerate(predicted(frame))
    ]
    return ReviewItem(
        workspace_id=run.asset.workspace_id,
        project_id=run.project_id,
        run=run,
        label_id=boxes[0]["label"] if boxes else None,
        frame=place,
        time_s=frame / RATE,
        boxes=boxes,
        because=[{"rule": "All", "words": "every frame", "conditions": []}],
        stake_s=1.0,
        worth=0.25,
    )


# --- a person at both pages ----------------------------------------------------------------------


def review(person: Person, n: int) -> dict[str, float]:
    """Go through the queue by age; presses and seconds an item."""
    person.page.goto("/review/work?order=age")
    began, presses = 0.0, 0
    for frame in frames_of(n):
        person.until("document.getElementById('work').dataset.item")
        if not began:
            person.measure_stage()
            began, presses = time.monotonic(), person.presses()
        person.page.wait_for_timeout(160)  # the page takes no key sooner: nobody has seen it
        here = person.page.evaluate("document.getElementById('work').dataset.item")
        put_right(person, frame)
        person.press("Enter")
        person.until(f"document.getElementById('work').dataset.item !== '{here}'")
    person.until("!JSON.stringify(localStorage).includes('\"did')")
    return _each(person, presses, began, n)


def put_right(person: Person, frame: int) -> None:
    """Boxes that are wrong get their name or go; those that were missed are drawn."""
    there = truth(frame)
    seen = predicted(frame)
    hit = {name: _nearest(box, seen) for name, box in there.items()}
    for name, place in hit.items():
        if place is not None and seen[place][0] != name:
            person.page.mouse.click(*_middle(person, seen[place][1]))
            person.press(str(NAMES.index(name) + 1))
    for place, (_, box, _) in enumerate(seen):
        if place not in hit.values():
            person.page.mouse.click(*_middle(person, box))
            person.press("Delete")
    for name, place in hit.items():
        if place is None:
            person.press("Escape", "n")
            person.drag(there[name][:2], there[name][2:])
            person.press(str(NAMES.index(name) + 1))


def label(person: Person, work: int, n: int) -> dict[str, float]:
    """Draw every board of every picture; presses and seconds a picture."""
    person.open(work)
    began, presses = time.monotonic(), person.presses()
    for at, frame in enumerate(frames_of(n)):
        for name, box in truth(frame).items():
            person.press(str(NAMES.index(name) + 1))
            person.drag(box[:2], box[2:])
            person.press("Escape")
        if at < n - 1:
            here = person.page.evaluate("location.href")
            person.press(" ")  # done, and the next one
            person.until(f"location.href !== {here!r}")
            person.until("document.documentElement.dataset.ready === 'yes'")
    person.saved()
    return _each(person, presses, began, n)


def _nearest(box: Box, seen: list[tuple[str, Box, float]]) -> int | None:
    best = [(overlap(box, other), place) for place, (_, other, _) in enumerate(seen)]
    share, place = max(best, default=(0.0, 0))
    return place if share > 0.5 else None


def _middle(person: Person, box: Box) -> tuple[float, float]:
    return person.at((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)


def _each(person: Person, presses: int, began: float, n: int) -> dict[str, float]:
    return {
        "presses": (person.presses() - presses) / n,
        "seconds": (time.monotonic() - began) / n,
    }


def measure(*, quick: bool) -> dict[str, dict[str, float]]:
    """Both ways, by the same person on the same frames."""
    from playwright.sync_api import sync_playwright

    n = N_QUICK if quick else N_ITEMS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_clip(folder / "clip.mp4")
        with site(folder / "site") as (url, link, environment), sync_playwright() as playwright:
            command = [sys.executable, "-m", "bench.review_hands", str(folder), str(n)]
            seeded = subprocess.run(
                command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
            )
            work = json.loads(seeded.stdout.splitlines()[-1])["work"]
            options = {"executable_path": CHROMIUM, "args": ["--no-sandbox", "--disable-gpu"]}
            browser = playwright.chromium.launch(**options)
            size = {"width": 1440, "height": 900}
            person = Person(browser.new_context(viewport=size, base_url=url))
            person.page.goto(link)
            person.page.locator("main form button").first.click()
            person.page.wait_for_url(lambda address: "/sign-in" not in address)
            return {"review": review(person, n), "labelling": label(person, work, n)}


if __name__ == "__main__":
    print(json.dumps(seed(Path(sys.argv[1]), int(sys.argv[2]))))

"""What labelling a clip costs a person, and how quickly the labelling page answers.

Ours is the page with predict-next and interpolation between keyframes; the peer is one box per
frame by hand, on the same page. Both are driven through a real Chromium on a real site with its
workers, and every press of a key or a button is counted by the page itself. The clip is drawn by
this script, so that its boxes are known; the simulated person sees what a person sees while the
clip plays and mends the worst frame until every box is good enough. By hand a box is dragged in
every frame in which it is off by two pixels, and sized when it looks wrong. `--quick` does a fifth
of the clip by hand and multiplies.
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
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from analysis.labelling import interpolation
from analysis.synthesis.backdrops import make_backdrop
from bench.films import LOGOS, ROOT, repeated
from bench.report import Report, arguments

SIZE, RATE = (960, 540), 30
N_FRAMES, N_LONG, N_PICTURES = 300, 10_000, 10_000
GOOD = 0.8  # intersection over union below which a person mends a box
SEEN_PX = 2.0  # a box off by less is left as it is
FEWER, OPEN_MS, FRAME_MS = 10, 1000, 100
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or ""
COUNTED = """
window.presses = {keys: 0, buttons: 0};
addEventListener('keydown', (e) => { if (!e.repeat) window.presses.keys += 1; }, true);
addEventListener('pointerdown', () => { window.presses.buttons += 1; }, true);
"""
Pixels = NDArray[np.uint8]
Box = tuple[float, float, float, float]


# --- the clip, and where its boards are --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Board:
    """A logo on a board. The way is in fractions of the picture: frame, centre, width."""

    name: str
    colour: str
    logo: str
    way: tuple[tuple[int, float, float, float], ...]
    shown: tuple[int, int] = (0, N_FRAMES)

    def box(self, frame: int) -> Box | None:
        """In pixels; between the points of the way as smoothly as cameras move."""
        if not self.shown[0] <= frame < self.shown[1]:
            return None
        at = max(i for i, point in enumerate(self.way) if point[0] <= frame)
        (start, *a), (end, *b) = self.way[at], self.way[min(at + 1, len(self.way) - 1)]
        share = (frame - start) / (end - start) if end > start else 0.0
        share = share * share * (3 - 2 * share)
        x, y, width = (p + (q - p) * share for p, q in zip(a, b, strict=True))
        half = width * SIZE[0] / 2
        middle = x * SIZE[0], y * SIZE[1]
        return (
            round(middle[0] - half),
            round(middle[1] - half * 0.4),
            round(middle[0] + half),
            round(middle[1] + half * 0.4),
        )


BOARDS = (
    Board(
        "Kestrel",
        "#d1495b",
        "kestrel.png",
        ((0, 0.15, 0.2, 0.2), (120, 0.6, 0.25, 0.26), (210, 0.8, 0.4, 0.2), (299, 0.5, 0.3, 0.2)),
    ),
    Board(
        "Norra Bank",
        "#00798c",
        "norra-bank.png",
        (
            (0, 0.75, 0.75, 0.24),
            (90, 0.75, 0.75, 0.24),
            (200, 0.35, 0.6, 0.2),
            (299, 0.2, 0.8, 0.22),
        ),
    ),
    Board(
        "Vitalo",
        "#edae49",
        "vitalo.png",
        ((0, 0.2, 0.55, 0.18), (150, 0.55, 0.85, 0.18), (299, 0.8, 0.65, 0.24)),
        shown=(0, 240),
    ),
)


def truth(frame: int) -> dict[str, Box]:
    boxes = {board.name: board.box(frame) for board in BOARDS}
    return {name: box for name, box in boxes.items() if box}


def write_clip(path: Path) -> None:
    """300 frames of boards that glide, grow and stop before a panned scene; one of them leaves."""
    rng = np.random.default_rng(11)
    scene = make_backdrop(rng, SIZE[0] + 150, SIZE[1])
    boards = {board.name: _painted(board) for board in BOARDS}
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.options = {"preset": "veryfast", "crf": "20", "g": "50"}
        for frame in range(N_FRAMES):
            image = np.ascontiguousarray(scene[:, frame // 2 : frame // 2 + SIZE[0]])
            for name, (x1, y1, x2, y2) in truth(frame).items():
                image[int(y1) : int(y2), int(x1) : int(x2)] = cv2.resize(
                    boards[name], (int(x2 - x1), int(y2 - y1)), interpolation=cv2.INTER_AREA
                )
            noise = rng.integers(0, 10, (SIZE[1], SIZE[0], 1), np.uint8)
            out.mux(
                stream.encode(
                    av.VideoFrame.from_ndarray(cv2.add(image, noise.repeat(3, 2)), "bgr24")
                )
            )
        out.mux(stream.encode())


def _painted(board: Board) -> Pixels:
    logo = cv2.imread(str(LOGOS / board.logo), cv2.IMREAD_UNCHANGED)
    wide, high = 500, 200
    share = min(420 / logo.shape[1], 150 / logo.shape[0])
    logo = cv2.resize(logo, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    ground = 244 if logo[..., :3][logo[..., 3] > 128].mean() < 140 else 30
    image = np.full((high, wide, 3), ground, np.uint8)
    top, left = (high - logo.shape[0]) // 2, (wide - logo.shape[1]) // 2
    alpha = logo[..., 3:].astype(np.float32) / 255
    inner = image[top : top + logo.shape[0], left : left + logo.shape[1]]
    inner[:] = logo[..., :3] * alpha + inner * (1 - alpha)
    return image


def overlap(a: Box, b: Box) -> float:
    """Intersection over union."""
    wide = min(a[2], b[2]) - max(a[0], b[0])
    high = min(a[3], b[3]) - max(a[1], b[1])
    both = max(wide, 0.0) * max(high, 0.0)
    area = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return both / (sum(area) - both)


# --- a site with the jobs in it ------------------------------------------------------------------


@contextmanager
def site(folder: Path) -> Iterator[tuple[str, str, dict[str, str]]]:
    """`manage.py serve` with data of its own: its address, a sign-in link, its environment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    environment = os.environ | {
        "SIGHTLINE_DATA": str(folder),
        "SIGHTLINE_URL": url,
        "DATABASE_URL": "",
        "BROKER_URL": "",
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "webapp.settings",
    }
    process = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--port", str(port)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        link = next(
            found.group()
            for line in process.stdout
            if (found := re.search(r"http\S+/sign-in/\S+", line))
        )
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{url}/healthz", timeout=2)
                break
            except OSError:
                time.sleep(0.2)
        yield url, link, environment
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def seed(folder: Path) -> dict[str, Any]:
    """In a process with the site's settings: a clip for each way of working, and big jobs."""
    import django

    django.setup()
    from webapp.accounts.models import User, Workspace

    user = User.objects.filter(is_superuser=True).order_by("pk")[0]
    dataset = dataset_of(Workspace.objects.of(user).order_by("pk")[0], user)
    short, long = (
        library_film(dataset, folder / name, n_frames)
        for name, n_frames in (("clip.mp4", N_FRAMES), ("long.mp4", N_LONG))
    )
    return {
        "ours": _clip(dataset, "Ours", short, N_FRAMES, user),
        "hand": _clip(dataset, "By hand", short, N_FRAMES, user),
        "long": _clip(dataset, "Long", long, N_LONG, user),
        "many": _pictures(dataset, folder, user),
    }


def dataset_of(workspace: Any, user: Any) -> Any:
    from webapp.datasets.dataset import Dataset
    from webapp.projects.models import Label, Project

    project = Project.objects.create(workspace=workspace, name="Bench")
    for i, board in enumerate(BOARDS):
        Label.objects.create(project=project, name=board.name, colour=board.colour, position=i)
    return Dataset.objects.create(project=project, name="Bench", created_by=user)


def library_film(dataset: Any, path: Path, n_frames: int) -> Any:
    """A film as the library holds it once it is ingested."""
    import hashlib

    from django.core.files.base import ContentFile
    from django.core.files.storage import default_storage

    from webapp.assets.models import Asset
    from webapp.leases import Status

    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Asset.objects.create(
        workspace=dataset.project.workspace,
        name=path.name,
        sha256=digest,
        size_bytes=path.stat().st_size,
        file=default_storage.save(f"originals/{digest}.mp4", ContentFile(path.read_bytes())),
        status=Status.DONE,
        kind=Asset.Kind.VIDEO,
        duration_s=n_frames / RATE,
        width=SIZE[0],
        height=SIZE[1],
    )


def _clip(dataset: Any, title: str, video: Any, n_frames: int, user: Any) -> int:
    """A job of one clip; the number of the work on it."""
    from webapp.labelling.items import Clip
    from webapp.labelling.jobs import LabelingJob

    times = [round(frame / RATE, 6) for frame in range(n_frames)]
    job = LabelingJob.objects.begin(dataset, title, clips=[Clip(video, times)], by=user)
    return job.claim(user)[0].pk


def _pictures(dataset: Any, folder: Path, user: Any) -> int:
    """A job of N_PICTURES pictures, eight files over and over; the number of its first work."""
    from django.core.files.base import ContentFile
    from django.core.files.storage import default_storage

    from webapp.datasets.samples import Sample
    from webapp.labelling.jobs import LabelingJob

    names = []
    for number in range(8):
        data = cv2.imencode(".jpg", cv2.imread(str(folder / f"{number}.png")))[1].tobytes()
        names.append(default_storage.save(f"samples/bench/{number}.jpg", ContentFile(data)))
    width, height = SIZE
    rows = [
        Sample(
            dataset=dataset,
            source=f"{i}.jpg",
            file=names[i % 8],
            sha256=f"{i:064x}",
            width=width,
            height=height,
        )
        for i in range(N_PICTURES)
    ]
    Sample.objects.bulk_create(rows, batch_size=1000)
    samples = list(dataset.samples.values_list("pk", flat=True))
    job = LabelingJob.objects.begin(dataset, "Many", samples=samples, batch_size=200, by=user)
    return job.claim(user)[0].pk


# --- a person at the page ------------------------------------------------------------------------


class Person:
    """Draws, moves and looks, in pixels of the picture."""

    def __init__(self, context: Any) -> None:
        self.context = context
        self.page = context.new_page()
        self.page.add_init_script(COUNTED)
        self.scale = (0.0, 0.0, 1.0)

    def open(self, work: int) -> float:
        """Open a work; how long until its first frame was there, in ms."""
        self.page.goto(f"/labelling/work/{work}")
        self.until("document.documentElement.dataset.ready === 'yes'")
        took = self.page.evaluate("window.sightlineOpened")
        self.measure_stage()
        return float(took)

    def measure_stage(self) -> None:
        """Where the picture lies on the page."""
        stage = self.page.locator("#stage").bounding_box()
        scale = min(stage["width"] / SIZE[0], stage["height"] / SIZE[1])
        left = stage["x"] + (stage["width"] - SIZE[0] * scale) / 2
        self.scale = (left, stage["y"] + (stage["height"] - SIZE[1] * scale) / 2, scale)

    def until(self, condition: str, seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while not self.page.evaluate(condition):
            if time.monotonic() > deadline:
                raise TimeoutError(condition)
            self.page.wait_for_timeout(20)

    def at(self, x: float, y: float) -> tuple[float, float]:
        left, top, scale = self.scale
        return left + x * scale, top + y * scale

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        mouse = self.page.mouse
        mouse.move(*self.at(*start))
        mouse.down()
        mouse.move(*self.at(*end), steps=2)
        mouse.up()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def presses(self) -> int:
        counted = self.page.evaluate("window.presses")
        return int(counted["keys"] + counted["buttons"])

    def saved(self) -> None:
        self.until("document.getElementById('work-saved').dataset.state === 'saved'")
        self.page.wait_for_timeout(100)

    def tracks(self, work: int) -> dict[str, dict[str, Any]]:
        """Keys of each label's track, as the server has them."""
        self.saved()
        said = self.context.request.get(f"/labelling/work/{work}.json").json()
        names = {label["id"]: label["name"] for label in said["labels"]}
        return {
            names[shape["label"]]: shape["keys"] for shape in said["document"]["shapes"].values()
        }

    def go(self, frame: int) -> None:
        """To a frame with a click into the ruler of the tracks, then keys for the rest."""
        canvas = self.page.locator("#track-canvas").bounding_box()
        share = frame / (N_FRAMES - 1)
        self.page.mouse.click(canvas["x"] + 9 + share * (canvas["width"] - 18), canvas["y"] + 8)
        for _ in range(4):
            here = int(self.page.locator("#frame-number").input_value()) - 1
            if here == frame:
                break
            self.press("f" if here < frame else "d")
            self.page.wait_for_timeout(30)
        self.until(f"document.getElementById('frame-number').value === '{frame + 1}'", 10)
        self.page.wait_for_timeout(60)


def in_pixels(box: Any) -> Box:
    x1, y1, x2, y2 = box
    return (x1 * SIZE[0], y1 * SIZE[1], x2 * SIZE[0], y2 * SIZE[1])


def middle(box: Box) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def quality(tracks: dict[str, dict[str, Any]], frames: range) -> list[tuple[float, int, str]]:
    """(overlap with the truth, frame, label) of every box that is or should be there."""
    found = []
    for frame in frames:
        right = truth(frame)
        for name in {*right, *tracks}:
            placed = interpolation.at(tracks.get(name, {}), frame)
            if placed and name in right:
                found.append((overlap(in_pixels(placed.box), right[name]), frame, name))
            elif placed or name in right:
                found.append((0.0, frame, name))
    return found


def start_tracks(person: Person) -> None:
    for number, board in enumerate(BOARDS, 1):
        box = board.box(0)
        assert box
        person.press(str(number))
        person.drag(box[:2], box[2:])
        person.press("Escape")


def with_prediction(person: Person, work: int) -> dict[str, Any]:
    """Draw once, follow to the end, look at it, mend what is off."""
    person.open(work)
    before = person.presses()
    start_tracks(person)
    followed = predict(person)
    person.press(" ", " ")  # the clip is played once to see it all
    mended = 0
    while mended < 60:
        worst, frame, name = min(quality(person.tracks(work), range(N_FRAMES)))
        if worst >= GOOD:
            break
        mend(person, work, frame, name)
        mended += 1
    presses = person.presses() - before
    seen = quality(person.tracks(work), range(N_FRAMES))
    keys = sum(map(len, person.tracks(work).values()))
    return {
        "presses": presses,
        "overlap": float(np.mean([one[0] for one in seen])),
        "worst": min(seen)[0],
        "mended": mended,
        "keyframes": keys,
        "followed": followed,
    }


def predict(person: Person) -> str:
    """Ask once for all tracks to the end of the clip. What the page said."""
    count = person.page.locator("#predict-count")
    count.click()
    count.press("Control+a")
    person.page.keyboard.type(str(N_FRAMES))
    person.press("Tab")
    person.press("t")
    person.until(
        "document.getElementById('work-predict').hidden"
        " && (!document.getElementById('work-said').hidden || document.querySelector('.toast'))",
        300,
    )
    said = person.page.locator("#work-said")
    return (
        said.inner_text() if said.is_visible() else person.page.locator(".toast").first.inner_text()
    )


def mend(person: Person, work: int, frame: int, name: str) -> None:
    """Go to the worst frame: put the box right, or take it out of the frame where it has gone."""
    tracks = person.tracks(work)
    right = truth(frame).get(name)
    names = list(person.page.locator("#track-names button").all_inner_texts())
    if right is None:
        while interpolation.at(tracks[name], frame - 1) and name not in truth(frame - 1):
            frame -= 1
    person.go(frame)
    row = next(i for i, text in enumerate(names) if text.startswith(name))
    person.page.locator("#track-names button").nth(row).click()
    if right is None:
        person.press("o")
        return
    placed = interpolation.at(tracks[name], frame)
    if placed is None:
        person.page.keyboard.down("Shift")
        person.drag(right[:2], right[2:])
        person.page.keyboard.up("Shift")
        return
    person.drag(*_corner_drags(in_pixels(placed.box), right)[0])
    person.drag(*_corner_drags(in_pixels(placed.box), right)[1])


def _corner_drags(box: Box, right: Box) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Take the upper left handle home, then the lower right."""
    return [((box[0], box[1]), (right[0], right[1])), ((box[2], box[3]), (right[2], right[3]))]


def by_hand(person: Person, work: int, n_frames: int) -> dict[str, Any]:
    """Frame by frame: each box to its place, then the next frame."""
    person.open(work)
    before = person.presses()
    start_tracks(person)
    person.press("s")
    per_frame = person.presses()
    boxes = dict(truth(0))
    for frame in range(1, n_frames):
        person.press("f")
        person.until(f"document.getElementById('frame-number').value === '{frame + 1}'", 10)
        now = truth(frame)
        for name in list(boxes):
            if name in now:
                boxes[name] = put_right(person, boxes[name], now[name])
            else:
                person.page.mouse.click(*person.at(*middle(boxes.pop(name))))
                person.press("o")
    counted = person.presses()
    share = (N_FRAMES - 1) / (n_frames - 1)
    seen = quality(person.tracks(work), range(n_frames))
    return {
        "presses": round(per_frame - before + (counted - per_frame) * share),
        "overlap": float(np.mean([one[0] for one in seen])),
        "frames": n_frames,
    }


def put_right(person: Person, box: Box, right: Box) -> Box:
    """One drag to its place where it is off by two pixels; its corners only when it looks wrong."""
    (x, y), (to_x, to_y) = middle(box), middle(right)
    if max(abs(to_x - x), abs(to_y - y)) >= SEEN_PX:
        person.drag((x, y), (to_x, to_y))
        box = (box[0] + to_x - x, box[1] + to_y - y, box[2] + to_x - x, box[3] + to_y - y)
    if overlap(box, right) >= GOOD:
        return box
    person.page.mouse.click(*person.at(*middle(box)))
    for drag in _corner_drags(box, right):
        person.drag(*drag)
    return right


# --- how quickly the page answers ----------------------------------------------------------------


def opening(person: Person, work: int, times: int) -> tuple[float, list[float]]:
    """The very first opening, with the frames still to be cut, and those after it; in ms."""
    first, again = person.open(work), []
    for _ in range(times):
        person.page.wait_for_timeout(1500)  # what the last page fetched ahead is there
        again.append(person.open(work))
    return first, again


def stepping(person: Person, work: int, steps: int, *, pictures: bool) -> list[float]:
    """Eight frames a second, some back, some ten at once; of pictures four: ms to the picture."""
    person.open(work)
    person.page.wait_for_timeout(1500)
    person.page.evaluate("window.sightlineFrameTimes.length = 0")
    for step in range(steps):
        key = "f" if pictures or step % 20 < 16 else "v" if step % 20 == 18 else "d"
        person.press(key)
        person.page.wait_for_timeout(250 if pictures else 125)
    person.page.wait_for_timeout(500)
    return list(person.page.evaluate("[...window.sightlineFrameTimes]"))


def p95(times: list[float]) -> float:
    return float(np.percentile(times, 95))


def main() -> int:
    if sys.argv[1:2] == ["--seed"]:
        print(json.dumps(seed(Path(sys.argv[2]))))
        return 0
    options = arguments(__doc__ or "")
    if not CHROMIUM:
        from bench.report import skipped

        return skipped("needs Chromium: apt install chromium")
    report = Report("labelling", peer="by hand")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the site is stopped too
    print("drawing the clip, filling a site", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_material(folder)
        with site(folder / "site") as (url, link, environment):
            command = [sys.executable, "-m", "bench.labelling", "--seed", str(folder)]
            seeded = subprocess.run(
                command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
            )
            works = json.loads(seeded.stdout.splitlines()[-1])
            measure(report, works, url, link, quick=options.quick)
    return report.finish(options.json)


def make_material(folder: Path) -> None:
    write_clip(folder / "clip.mp4")
    repeated(folder / "clip.mp4", -(-N_LONG // N_FRAMES), folder / "long.mp4")
    with av.open(str(folder / "clip.mp4")) as film:
        for number, frame in enumerate(film.decode(video=0)):
            if number % 37 == 0 and number // 37 < 8:
                cv2.imwrite(str(folder / f"{number // 37}.png"), frame.to_ndarray(format="bgr24"))


def measure(report: Report, works: dict[str, int], url: str, link: str, *, quick: bool) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        context = browser.new_context(viewport={"width": 1440, "height": 900}, base_url=url)
        person = Person(context)
        person.page.goto(link)
        person.page.locator("main form button").first.click()
        person.page.wait_for_url(lambda address: "/sign-in" not in address)
        add_speed(report, person, works, quick=quick)
        add_effort(report, person, works, quick=quick)
        browser.close()


def add_effort(report: Report, person: Person, works: dict[str, int], *, quick: bool) -> None:
    print("labelling with prediction", flush=True)
    ours = with_prediction(person, works["ours"])
    print(f"{ours}; labelling by hand", flush=True)
    hand = by_hand(person, works["hand"], N_FRAMES // 5 if quick else N_FRAMES)
    ratio = hand["presses"] / ours["presses"]
    report.row(
        f"presses for {N_FRAMES} frames with 3 tracks",
        ours["presses"],
        hand["presses"],
        ratio=ratio,
        bar=f">= {FEWER} x fewer",
        holds=ratio >= FEWER,
    )
    report.row("mean overlap with the known boxes", ours["overlap"], hand["overlap"])
    report.row(
        "least overlap of any box", ours["worst"], bar=f">= {GOOD}", holds=ours["worst"] >= GOOD
    )
    report.row("boxes mended after the prediction", ours["mended"])
    report.extra["effort"] = {"ours": ours, "hand": hand}
    report.extra["load"] = os.getloadavg()


def add_speed(report: Report, person: Person, works: dict[str, int], *, quick: bool) -> None:
    print("opening and stepping", flush=True)
    first, opened = opening(person, works["long"], 3 if quick else 9)
    slowest = max(opened)
    report.row(
        f"open a clip of {N_LONG:,} frames, ms (slowest)",
        slowest,
        bar=f"< {OPEN_MS}",
        holds=slowest < OPEN_MS,
    )
    report.row("the same, before any frame was cut, ms", first)
    _, many = opening(person, works["many"], 3 if quick else 9)
    report.row(
        f"open a job of {N_PICTURES:,} pictures, ms (slowest)",
        max(many),
        bar=f"< {OPEN_MS}",
        holds=max(many) < OPEN_MS,
    )
    steps = 80 if quick else 300
    for words, work, pictures in (
        ("frame to frame", "long", False),
        ("picture to picture", "many", True),
    ):
        times = stepping(
            person, works[work], min(steps, 150) if pictures else steps, pictures=pictures
        )
        report.row(
            f"{words}, ms (p95 of {len(times)})",
            p95(times),
            bar=f"< {FRAME_MS}",
            holds=p95(times) < FRAME_MS,
        )
        report.extra[words] = times


if __name__ == "__main__":
    raise SystemExit(main())

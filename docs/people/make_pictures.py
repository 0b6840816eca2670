"""Makes the pictures of the guide from the demo: `python -m docs.people.make_pictures`.

It starts the demo in a folder of its own, waits for the clip to be analysed, does what the pages
tell of, and takes a picture of each at 1440 × 900: WebP of at most 120 kB. Needs Chromium.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

PICTURES = Path(__file__).parent / "pictures"
ROOT = PICTURES.parents[2]
SIZE = {"width": 1440, "height": 900}
MOST_BYTES = 120_000
PORT = int(os.environ.get("PORT", "8199"))
BOARD = (0.160, 0.553, 0.354, 0.612)  # at 19 s, the board that nobody looks for

# A clip to label, with the boxes of its first frame: what a team would make in many clicks.
JOB = """
import json
from pathlib import Path
from webapp.accounts.models import User
from webapp.assets.models import Asset
from webapp.datasets.dataset import Dataset
from webapp.labelling.items import Clip
from webapp.labelling.jobs import LabelingJob
from webapp.labelling.works import Work
from webapp.projects.models import Project
user, asset, project = User.objects.get(), Asset.objects.get(), Project.objects.get()
dataset = Dataset.objects.create(project=project, name="Boards", created_by=user)
times = [15 + frame / 25 for frame in range(100)]
job = LabelingJob.objects.begin(dataset, "Boards, second half", clips=[Clip(asset, times)], by=user)
work, = job.claim(user)
labels = {label.name: label.pk for label in project.labels.all()}
truth = json.loads(Path("demo/truth.json").read_text())
shapes = {
    f"s-{number}": {
        "label": labels[truth["brands"][brand]],
        "keys": {"0": {"box": box, "occluded": False, "outside": False}},
        "rev": number,
    }
    for number, (brand, *box) in enumerate(truth["frames"][15 * 25], start=1)
}
document = {"shapes": shapes, "nothing": False}
Work.objects.filter(pk=work.pk).update(document=document, version=len(shapes))
print("WORK", work.pk)
"""


@contextmanager
def demo(folder: str) -> Iterator[tuple[str, str]]:
    """The demo's site with its clip analysed, and the link that signs in."""
    environment = os.environ | {"SIGHTLINE_DATA": folder, "PYTHONUNBUFFERED": "1"}
    site = subprocess.Popen(
        [sys.executable, "manage.py", "demo", "--port", str(PORT)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    link = ""
    for line in site.stdout or ():
        found = re.search(r"http\S+/sign-in/\S+", line)
        link = found.group() if found else link
        if line.startswith("Analysed "):
            break
    try:
        yield f"http://127.0.0.1:{PORT}", link
    finally:
        site.send_signal(signal.SIGTERM)
        site.wait(30)


def make_job(folder: str) -> int:
    """The number of a piece of labelling."""
    said = subprocess.run(
        [sys.executable, "manage.py", "shell", "-c", JOB],
        cwd=ROOT,
        env=os.environ | {"SIGHTLINE_DATA": folder},
        check=True,
        capture_output=True,
        text=True,
    )
    return int(said.stdout.split("WORK ")[1])


def keep(name: str, png: bytes) -> None:
    """As WebP, no larger than it may be."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    for quality in range(86, 20, -6):
        packed = io.BytesIO()
        picture.save(packed, "WEBP", quality=quality, method=6)
        if packed.tell() <= MOST_BYTES:
            break
    (PICTURES / f"{name}.webp").write_bytes(packed.getvalue())
    print(f"{name}.webp  {packed.tell() / 1000:.0f} kB, quality {quality}")


def walk(page: Page, take: Callable[[str], None], work: Callable[[], int]) -> None:
    page.goto("/")
    take("home")
    page.goto("/projects/1")
    take("project")

    page.goto("/")
    page.get_by_role("button", name="Show me a brand").click()
    page.locator("tr.episodes").first.wait_for()
    take("evidence")

    page.goto("/")
    page.get_by_role("link", name="Open that moment").click()
    page.wait_for_timeout(2000)
    page.keyboard.press("d")
    page.wait_for_timeout(1500)
    take("frame")
    drag(page, BOARD)
    page.locator("#again-form input[name=name]").fill("Harbour Cup board")
    page.locator("#again-go").click()
    page.get_by_role("link", name="Show the new analysis").wait_for(timeout=180_000)
    page.get_by_role("link", name="Show the new analysis").scroll_into_view_if_needed()
    take("look-again")

    page.goto("/runs/1/report")
    page.get_by_role("link", name="Issue", exact=True).click()
    page.get_by_role("button", name="Issue report").click()
    page.wait_for_url(re.compile(r"/reports/\d+$"))
    take("report")

    page.goto(f"/labelling/work/{work()}")
    page.locator("html[data-ready=yes]").wait_for(state="attached")
    take("labelling")

    for name, address in {
        "keys": "/settings/keys",
        "members": "/settings/members",
        "system": "/settings/system",
        "api": "/api/v1/docs/",
    }.items():
        page.goto(address)
        take(name)
    page.emulate_media(color_scheme="dark")
    page.goto("/compare?project=1")
    take("season-dark")


def drag(page: Page, box: tuple[float, float, float, float]) -> None:
    """In the picture of the frame view, which is as wide as its place and keeps its shape."""
    stage = page.locator("#frame-stage").bounding_box()
    assert stage is not None
    scale = min(stage["width"] / 1280, stage["height"] / 720)
    left = stage["x"] + (stage["width"] - 1280 * scale) / 2
    top = stage["y"] + (stage["height"] - 720 * scale) / 2
    x1, y1, x2, y2 = (
        start + share * size * scale
        for share, start, size in zip(box, (left, top) * 2, (1280, 720) * 2, strict=True)
    )
    page.mouse.move(x1, y1)
    page.mouse.down()
    page.mouse.move((x1 + x2) / 2, (y1 + y2) / 2, steps=4)
    page.mouse.move(x2, y2, steps=4)
    page.mouse.up()


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with (
        tempfile.TemporaryDirectory() as folder,
        demo(folder) as (address, link),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport=SIZE, base_url=address, color_scheme="light")
        page.goto(link)
        page.locator("main form button").first.click()
        page.wait_for_url(lambda url: "/sign-in" not in url)

        def take(name: str) -> None:
            page.wait_for_load_state("networkidle")
            page.wait_for_timeout(700)
            keep(name, page.screenshot())

        walk(page, take, lambda: make_job(folder))
        browser.close()


if __name__ == "__main__":
    main()

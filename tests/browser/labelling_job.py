"""Labelling jobs put straight into a site's database, from pictures whose boxes are known.

`make` says which are the works of its administrator: {"pictures": [work ids], "concept": [work
ids], "clip": work id, …}; `others`: a clip that somebody else labels.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from secrets import token_hex
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from tests.browser.indexed import received

N_PICTURES, N_FRAMES, RATE = 4, 60, 25
SIZE = (640, 360)
BOARDS = {"Kestrel": "#d1495b", "Norra Bank": "#00798c", "Vitalo": "#edae49"}


def boxes_at(frame: int) -> dict[str, tuple[int, int, int, int]]:
    """Where the boards are, in pixels: two glide, one stands."""
    x = 40 + 4 * frame
    return {
        "Kestrel": (x, 60, x + 120, 110),
        "Norra Bank": (440 - 3 * frame, 180, 580 - 3 * frame, 236),
        "Vitalo": (250, 280, 360, 330),
    }


def draw(frame: int) -> NDArray[np.uint8]:
    ground = np.random.default_rng(3).integers(60, 150, (*SIZE[::-1], 3)).astype(np.uint8)
    image = cv2.GaussianBlur(ground, (0, 0), 9)
    image = cv2.addWeighted(image, 1.0, np.full_like(image, 24), 1.0, 0)
    for name, (x1, y1, x2, y2) in boxes_at(frame).items():
        red, green, blue = (int(BOARDS[name][i : i + 2], 16) for i in (1, 3, 5))
        cv2.rectangle(image, (x1, y1), (x2 - 1, y2 - 1), (blue, green, red), -1)
        cv2.putText(
            image, name, (x1 + 8, y2 - 18), cv2.FONT_HERSHEY_DUPLEX, 0.62, (255, 255, 255), 1
        )
    return image


def film(path: Path, first: int = 0, rate: int = RATE) -> None:
    """The frames from `first` on; another first makes another film, as the library sees it."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.options = {"preset": "veryfast", "crf": "16"}
        for frame in range(first, N_FRAMES):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(draw(frame), "bgr24")))
        out.mux(stream.encode())


def make() -> dict[str, Any]:
    from django.core.files.base import ContentFile
    from django.core.files.storage import default_storage

    from webapp.accounts.models import User, Workspace
    from webapp.datasets.dataset import Dataset
    from webapp.labelling.items import Clip
    from webapp.labelling.jobs import LabelingJob
    from webapp.projects.models import Label, Project

    user = User.objects.filter(is_superuser=True).order_by("pk")[0]
    workspace = Workspace.objects.of(user).order_by("pk")[0]
    project = Project.objects.create(workspace=workspace, name=f"Harbour Cup {token_hex(4)}")
    for i, (name, colour) in enumerate(BOARDS.items()):
        Label.objects.create(project=project, name=name, colour=colour, position=i)
    for i in range(4, 13):  # more than there are number keys
        Label.objects.create(project=project, name=f"Sponsor {i}", colour="#6a4c93", position=i)

    def pictures(dataset: Dataset, frames: range) -> list[int]:
        made = []
        for frame in frames:
            data = cv2.imencode(".jpg", draw(frame), [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
            digest = hashlib.sha256(data).hexdigest()
            name = dataset.file_name(digest, ".jpg")
            if not default_storage.exists(name):
                default_storage.save(name, ContentFile(data))
            sample = dataset.add_picture(
                source=f"{frame}.jpg", file=name, sha256=digest, width=SIZE[0], height=SIZE[1]
            )
            made.append(sample.pk)
        return made

    boxes = Dataset.objects.create(project=project, name="Boards", created_by=user)
    whole = Dataset.objects.create(project=project, name="Whole", task="concept", created_by=user)
    instructions = "Draw the mark and its word, not the board.\n\nLeave out what cannot be read."
    step = N_FRAMES // N_PICTURES
    samples = pictures(boxes, range(0, N_FRAMES, step))
    first = LabelingJob.objects.begin(
        boxes,
        "Boards",
        samples=samples,
        examples=samples[:2],
        instructions=instructions,
        by=user,
    )
    last = first.items.order_by("-position")[0]
    names = {label.name: label.pk for label in project.labels.all()}
    last.proposals = [
        {
            "id": name,
            "frame": 0,
            "label": names[name],
            "box": [side / SIZE[i % 2] for i, side in enumerate(boxes_at(N_FRAMES - step)[name])],
            "confidence": confidence,
        }
        for name, confidence in (("Kestrel", 0.81), ("Norra Bank", 0.64), ("Vitalo", 0.32))
    ]
    last.save(update_fields=["proposals"])
    concept = LabelingJob.objects.begin(
        whole, "What is in it", samples=pictures(whole, range(0, N_FRAMES, step)), by=user
    )
    asset = boards(workspace)
    times = [round(frame / RATE, 6) for frame in range(N_FRAMES)]
    clip = LabelingJob.objects.begin(boxes, "Clip", clips=[Clip(asset, times)], by=user)
    return {
        "project": project.pk,
        "pictures": [work.pk for work in first.claim(user)],
        "concept": [work.pk for work in concept.claim(user)],
        "clip": clip.claim(user)[0].pk,
        "others": _of_somebody_else(boxes, clip.items.get(), names["Kestrel"]),
    }


def boards(workspace: Any) -> Any:
    """The asset of the film, which is uploaded once."""
    from webapp.assets.models import Asset

    made = Asset.objects.filter(workspace=workspace, name="Boards.mp4").first()
    return made or received("Boards.mp4", film)


def _of_somebody_else(dataset: Any, item: Any, label: int) -> int:
    """The work of a labeller on the same clip, with one track."""
    from webapp.accounts.models import Membership, Role, User
    from webapp.labelling.items import Clip
    from webapp.labelling.jobs import LabelingJob
    from webapp.labelling.works import Work

    lena, is_new = User.objects.get_or_create(email="lena@example.org", name="Lena")
    if is_new:
        workspace = dataset.project.workspace
        Membership.objects.create(workspace=workspace, user=lena, role=Role.LABELLER)
    clip = Clip(item.asset, item.times_s)
    job = LabelingJob.objects.begin(dataset, "Of another", clips=[clip], by=None)
    (work,) = job.claim(lena)
    box = [side / SIZE[i % 2] for i, side in enumerate(boxes_at(0)["Kestrel"])]
    key = {"box": box, "occluded": False, "outside": False}
    document = {"shapes": {"s-1": {"label": label, "keys": {"0": key}, "rev": 1}}, "nothing": False}
    Work.objects.filter(pk=work.pk).update(document=document, version=1)
    return work.pk

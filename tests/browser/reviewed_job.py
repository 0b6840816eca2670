"""A reviewed labelling job of two pictures, with a labeller who can sign in.

`make` says which job, and the token of the labeller's sign-in link.
"""

from __future__ import annotations

import hashlib
from secrets import token_hex
from typing import Any

import cv2

from tests.browser.labelling_job import BOARDS, SIZE, draw

GUIDELINE = "The mark with its word, not the board.\n\nLeave out what cannot be read."


def make() -> dict[str, Any]:
    from django.core.files.base import ContentFile
    from django.core.files.storage import default_storage

    from webapp.accounts.models import Membership, Role, SignInLink, User, Workspace
    from webapp.datasets.dataset import Dataset
    from webapp.labelling import guidelines
    from webapp.labelling.jobs import LabelingJob
    from webapp.projects.models import Label, Project

    user = User.objects.filter(is_superuser=True).order_by("pk")[0]
    workspace = Workspace.objects.of(user).order_by("pk")[0]
    mark = token_hex(4)
    project = Project.objects.create(workspace=workspace, name=f"Reviewed {mark}")
    for i, (name, colour) in enumerate(BOARDS.items()):
        Label.objects.create(project=project, name=name, colour=colour, position=i)
    guidelines.write(project.labels.get(name="Kestrel"), GUIDELINE, by=user)
    dataset = Dataset.objects.create(project=project, name="Boards", created_by=user)
    samples = []
    for frame in (3, 30):
        data = cv2.imencode(".jpg", draw(frame))[1].tobytes()
        digest = hashlib.sha256(data).hexdigest()
        name = dataset.file_name(digest, ".jpg")
        if not default_storage.exists(name):
            default_storage.save(name, ContentFile(data))
        about = {"sha256": digest, "width": SIZE[0], "height": SIZE[1]}
        samples.append(dataset.add_picture(source=f"{frame}.jpg", file=name, **about).pk)
    lars = User.objects.create(email=f"lars-{mark}@example.org", name="Lars")
    Membership.objects.create(workspace=workspace, user=lars, role=Role.LABELLER)
    job = LabelingJob.objects.begin(
        dataset, "Reviewed boards", samples=samples, is_reviewed=True, by=user
    )
    job.assign(lars, by=user)
    works = [work.pk for work in job.claim(lars)]
    return {
        "job": job.pk,
        "works": works,
        "token": SignInLink.make(lars),
        "project": project.pk,
        "label": project.labels.get(name="Kestrel").pk,
    }

"""A measured version put straight into a site's database, from boxes that are known.

`make` says the ids of the evaluation and of a training with curves.
"""

from __future__ import annotations

import io


def make() -> dict[str, int]:
    from django.core.files.base import ContentFile
    from django.core.files.storage import default_storage
    from PIL import Image

    from tests.trained import dataset_version, evaluation, model_version
    from webapp.accounts.models import Membership
    from webapp.projects.models import Project
    from webapp.training.models import TrainingRun

    member = Membership.objects.order_by("pk").first()
    workspace, by = member.workspace, member.user
    project = Project.objects.begin(workspace, "Measured", by=by, brands=["Kestrel", "Vitalo"])
    pictures = dataset_version(project)
    version = model_version(workspace, "Measured")
    for n in range(1, 5):
        jpeg = io.BytesIO()
        Image.new("RGB", (640, 360), (60 * n, 90, 120)).save(jpeg, "JPEG")
        default_storage.save(f"samples/{n}.jpg", ContentFile(jpeg.getvalue()))
    measured = evaluation(version, pictures)
    training = TrainingRun.objects.request(pictures, version.model, base=version, by=by)
    curves = [
        {"epoch": n, "loss": 4 / n, "map50": n / 10, "recall": n / 12, "seconds": 9.0}
        for n in range(1, 7)
    ]
    TrainingRun.objects.filter(pk=training.pk).update(
        status="failed", error="The disk is full.", epoch=6, curves=curves
    )
    return {"evaluation": measured.pk, "training": training.pk, "version": version.pk}

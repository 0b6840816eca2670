from __future__ import annotations

import hashlib
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from webapp.accounts.models import User, Workspace
from webapp.registry.models import ModelVersion

# Okabe–Ito and kin: told apart by colour-blind eyes, and on both grounds of the interface.
COLOURS = [
    "#d1495b", "#00798c", "#edae49", "#6a4c93", "#66a182", "#2e86de", "#c06c2b", "#8d5a97",
    "#3d9a8b", "#b5838d", "#7a8b2f", "#4f6d9a",
]  # fmt: skip


class Project(models.Model):
    """What to look for: labels, their references, and how frames are sampled."""

    MAX_LABELS = 250

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="projects")
    name = models.CharField(max_length=80)
    description = models.TextField(blank=True)
    # defaults of a run: {"mode": "interval", "interval_s": 0.2, "change": 0.03, "tile": null}
    sampling = models.JSONField(default=dict, blank=True)
    uses_references = models.BooleanField(default=True)
    model_version = models.ForeignKey(
        ModelVersion, models.PROTECT, null=True, blank=True, related_name="projects"
    )
    version = models.PositiveIntegerField(default=1)  # for two browsers editing one project
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)
    changed = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["workspace", "name"], name="one_project_a_name")
        ]

    def __str__(self) -> str:
        return self.name

    def touch(self, seen: int) -> bool:
        """Claim the next version for an edit made on top of version `seen`.

        False: somebody else changed the project meanwhile, and the edit must be shown to its
        author against what is there now.
        """
        return bool(
            Project.objects.filter(pk=self.pk, version=seen).update(version=models.F("version") + 1)
        )

    def next_colour(self) -> str:
        used = set(self.labels.values_list("colour", flat=True))
        free = [colour for colour in COLOURS if colour not in used]
        return free[0] if free else COLOURS[self.labels.count() % len(COLOURS)]


class Label(models.Model):
    """A brand or thing to find. `threshold` is for showing: nothing above the floor is thrown away."""

    WORKSPACE = "project__workspace"

    project = models.ForeignKey(Project, models.CASCADE, related_name="labels")
    name = models.CharField(max_length=60)
    colour = models.CharField(
        max_length=7, validators=[RegexValidator(r"^#[0-9a-f]{6}$", "A colour reads #rrggbb.")]
    )
    aliases = models.JSONField(default=list, blank=True, help_text="Also said or written as.")
    threshold = models.FloatField(
        default=0.5, validators=[MinValueValidator(0.05), MaxValueValidator(1)]
    )
    position = models.PositiveIntegerField(default=0)
    archived = models.DateTimeField(null=True, blank=True)  # its past detections remain

    class Meta:
        ordering = ["position", "pk"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="one_label_a_name")]

    def __str__(self) -> str:
        return self.name


class Reference(models.Model):
    """A picture of a label's logo. `problem` says why nothing can be recognised by it."""

    MAX_PER_LABEL = 20
    WORKSPACE = "label__project__workspace"

    label = models.ForeignKey(Label, models.CASCADE, related_name="references")
    name = models.CharField(max_length=255)
    file = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    has_alpha = models.BooleanField(default=False)
    problem = models.TextField(blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["label", "sha256"], name="same_reference_once")
        ]

    def __str__(self) -> str:
        return f"{self.name} for {self.label}"


def snapshot(project: Project) -> dict[str, Any]:
    """What a run of this project looks for, frozen: labels, references, model."""
    labels = [
        {
            "id": label.pk,
            "name": label.name,
            "references": [
                {"id": r.pk, "file": r.file, "sha256": r.sha256}
                for r in label.references.filter(problem="")
            ]
            if project.uses_references
            else [],
        }
        for label in project.labels.filter(archived=None).prefetch_related("references")
    ]
    model = project.model_version.as_input() if project.model_version else None
    return {"project": project.name, "labels": labels, "model": model}


def fingerprint(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()

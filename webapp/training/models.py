from __future__ import annotations

from django.db import models

from webapp.accounts.models import User
from webapp.datasets.models import DatasetVersion
from webapp.leases import Leased, LeasedQuerySet
from webapp.registry.models import ModelVersion, RegisteredModel


class TrainingRun(Leased):
    """One training: a dataset version in, a model version out, or a sentence saying why not.

    The model version is made when the training has succeeded, so a failed one is never active.
    """

    WORKSPACE = "version__dataset__project__workspace"

    class Wish(models.TextChoices):
        GO_ON = "go on"
        STOP = "stop"  # and keep the best epoch so far
        CANCEL = "cancel"

    version = models.ForeignKey(DatasetVersion, models.PROTECT, related_name="training_runs")
    model = models.ForeignKey(RegisteredModel, models.PROTECT, related_name="training_runs")
    base = models.ForeignKey(
        ModelVersion, models.PROTECT, null=True, blank=True, related_name="descendants"
    )
    options = models.JSONField(default=dict)  # analysis.training.TrainingOptions
    software_version = models.CharField(max_length=40)
    wish = models.CharField(max_length=6, choices=Wish, default=Wish.GO_ON)
    step = models.CharField(max_length=60, blank=True)  # what it does now, in words
    epoch = models.PositiveIntegerField(default=0)  # finished so far
    epochs = models.PositiveIntegerField(default=0)
    curves = models.JSONField(default=list, blank=True)  # a dict for each finished epoch
    checkpoint = models.CharField(max_length=200, blank=True)  # to go on from after a crash
    notes = models.JSONField(default=list, blank=True)  # sentences: batch halved, stopped early …
    result = models.OneToOneField(
        ModelVersion, models.SET_NULL, null=True, blank=True, related_name="training"
    )
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    objects = LeasedQuerySet.as_manager()

    class Meta:
        ordering = ["-created"]

    def __str__(self) -> str:
        return f"training {self.pk} of {self.model}"


class Evaluation(Leased):
    """What a model version finds on a split of a dataset version, beside the truth.

    `predictions` (a file) is all that the figures rest on: they can be computed again from it.
    """

    WORKSPACE = "model_version__model__workspace"

    model_version = models.ForeignKey(ModelVersion, models.CASCADE, related_name="evaluations")
    dataset_version = models.ForeignKey(DatasetVersion, models.PROTECT, related_name="evaluations")
    split = models.CharField(max_length=5, default="test")
    predictions = models.CharField(max_length=200, blank=True)
    figures = models.JSONField(default=dict, blank=True)  # analysis.evaluation
    created = models.DateTimeField(auto_now_add=True)

    objects = LeasedQuerySet.as_manager()

    class Meta:
        ordering = ["-created"]
        constraints = [
            models.UniqueConstraint(
                fields=["model_version", "dataset_version", "split"], name="one_evaluation_each"
            )
        ]

    def __str__(self) -> str:
        return f"{self.model_version} on {self.dataset_version} ({self.split})"

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet

from webapp.accounts.models import User, Workspace
from webapp.choosing import offer, offer_choices
from webapp.datasets.versions import DatasetVersion
from webapp.leases import Status
from webapp.registry.versions import ModelVersion, RegisteredModel
from webapp.training.models import TrainingRun
from webapp.training.options import (
    AUGMENTATIONS,
    DEFAULTS,
    DEVICES,
    STARTS,
    WHOLE,
    architectures,
)


def frozen_versions(workspace: Workspace) -> QuerySet[DatasetVersion]:
    """What can be trained on, the newest first."""
    return (
        DatasetVersion.objects.filter(dataset__project__workspace=workspace, status=Status.DONE)
        .select_related("dataset__project__workspace")
        .order_by("-created")
    )


def bases(workspace: Workspace, *, failed_too: bool = False) -> QuerySet[ModelVersion]:
    """Versions that a training can start from, now or when their check is over."""
    rows = ModelVersion.objects.filter(model__workspace=workspace, archived=None)
    if not failed_too:
        rows = rows.exclude(status=Status.FAILED)
    return rows.select_related("model__workspace").order_by("model__name", "-number")


class VersionChoice(forms.ModelChoiceField):
    def label_from_instance(self, version: Any) -> str:
        task = version.dataset.get_task_display().lower()
        return f"{version} · {version.dataset.project} · {task}"


class BaseChoice(forms.ModelChoiceField):
    def label_from_instance(self, version: Any) -> str:
        if version.is_being_checked:
            return f"{version} · being checked"
        can = version.description.get("trains_further", True)
        return str(version) if can else f"{version} · cannot be trained further"


def _whole(name: str, label: str, help_text: str = "") -> forms.IntegerField:
    least, most, _ = WHOLE[name]
    return forms.IntegerField(
        min_value=least,
        max_value=most,
        label=label,
        help_text=help_text,
        required=DEFAULTS[name] is not None,
    )


class TrainingForm(forms.Form):
    """What to train, on what, from where. All but the first three have defaults that do."""

    version = VersionChoice(
        DatasetVersion.objects.none(), label="Train on", empty_label="Choose a dataset version"
    )
    name = forms.CharField(
        max_length=80,
        label="Model",
        help_text="A name that exists gets a new version; another makes a new model.",
        widget=forms.TextInput({"list": "model-names", "autocomplete": "off"}),
    )
    start = forms.ChoiceField(choices=list(STARTS.items()), widget=forms.RadioSelect)
    base = BaseChoice(
        ModelVersion.objects.none(), required=False, label="Version", empty_label="Choose a version"
    )
    architecture = forms.ChoiceField(label="Network")
    epochs = _whole("epochs", "Epochs", "How often it goes through the pictures, at most.")
    patience = _whole("patience", "Patience", "Ends after so many epochs without a gain. 0: never.")
    epoch_size = _whole(
        "epoch_size", "Pictures in an epoch", "At least: a small set is shown several times."
    )
    imgsz = _whole("imgsz", "Picture size", "Longest side in pixels; a multiple of 32.")
    seed = _whole("seed", "Seed", "The same seed gives the same training.")
    augment = forms.ChoiceField(
        choices=list(AUGMENTATIONS.items()),
        label="Augmentation",
        help_text="Pictures are turned, cut and coloured, so that few stand for many.",
    )
    freeze = _whole("freeze", "Frozen layers", "First layers that stay as they are. 0: none.")
    search = _whole("search", "Search trials", "Short trainings that try settings. 0: none.")
    average = _whole(
        "average",
        "Averaged trainings",
        "So many, each its own way, make one model: steadier with few pictures.",
    )
    batch = _whole("batch", "Batch", "Empty: as many pictures at once as the memory holds.")
    learning_rate = forms.FloatField(
        min_value=0, max_value=1, required=False, label="Learning rate", help_text="Empty: chosen."
    )
    device = forms.ChoiceField(choices=list(DEVICES.items()), label="Device")
    synthetic = forms.BooleanField(required=False, label="Use synthetic pictures too")

    def __init__(self, workspace: Workspace, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.workspace = workspace
        offer_choices(self, "architecture", list(architectures().items()))
        offer(self, "version", frozen_versions(workspace))
        offer(self, "base", bases(workspace))

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("start") == "version" and not cleaned.get("base"):
            self.add_error("base", "Choose the version to start from.")
        return cleaned

    def request(self, by: User) -> TrainingRun:
        """The training that was asked for. Raises Refused."""
        said = self.cleaned_data
        return TrainingRun.objects.request(
            said["version"],
            RegisteredModel.named(self.workspace, said["name"]),
            base=said["base"] if said["start"] == "version" else None,
            options={name: said[name] for name in DEFAULTS},
            by=by,
        )

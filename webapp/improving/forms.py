from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q, QuerySet

from webapp.accounts.models import User
from webapp.assets.models import Asset
from webapp.choosing import offer, offer_choices
from webapp.datasets.dataset import Dataset
from webapp.ids import SomeOf
from webapp.improving.loops import (
    AFTER_CHANGES,
    MOST_ASSETS,
    MOST_CHANGES,
    MOST_FALL,
    MOST_HOURS,
    Loop,
)
from webapp.registry.versions import ModelVersion, RegisteredModel
from webapp.training.forms import BaseChoice, bases
from webapp.training.options import DEFAULTS, WHOLE, architectures

_OFFERED = 100  # films and pictures, besides those that are chosen
_OPTIONS = ("start", "architecture", "epochs", "imgsz")  # of a training, that the form asks for
STARTS = [
    ("version", "The version in production, or the one chosen here"),
    ("pretrained", "Published weights, each time anew"),
    ("scratch", "Nothing"),
]


class DatasetChoice(forms.ModelChoiceField):
    def label_from_instance(self, dataset: Any) -> str:
        return f"{dataset} · {dataset.project} · {dataset.get_task_display().lower()}"


class AssetChoice(SomeOf):
    def label_from_instance(self, asset: Any) -> str:
        return str(asset.stem)


class LoopForm(forms.Form):
    """When a round begins, what it learns from, and what is asked of the version that comes."""

    dataset = DatasetChoice(
        Dataset.objects.none(), label="Learns from", empty_label="Choose a dataset"
    )
    is_on = forms.BooleanField(required=False, label="Rounds begin by themselves")
    after_changes = forms.IntegerField(
        required=False, min_value=1, max_value=MOST_CHANGES, label="After so many pictures",
        help_text="New or changed and labelled since the round before. Empty: not by their number.",
    )  # fmt: skip
    every_hours = forms.IntegerField(
        required=False, min_value=1, max_value=MOST_HOURS, label="Every so many hours",
        help_text="If at least one picture is new or changed. Empty: not by the clock.",
    )  # fmt: skip
    start = forms.ChoiceField(choices=STARTS, label="Starts from")
    base = BaseChoice(
        ModelVersion.objects.none(), required=False, label="Always this version",
        empty_label="The one in production, else the newest",
    )  # fmt: skip
    architecture = forms.ChoiceField(label="Network", required=False)
    epochs = forms.IntegerField(label="Epochs", min_value=WHOLE["epochs"][0], max_value=1000)
    imgsz = forms.IntegerField(
        label="Picture size", min_value=WHOLE["imgsz"][0], max_value=WHOLE["imgsz"][1],
        help_text="Longest side in pixels; a multiple of 32.",
    )  # fmt: skip
    least_f1 = forms.FloatField(
        required=False, min_value=0, max_value=1, label="Overall F1 at least",
        widget=forms.NumberInput({"step": "0.01"}),
        help_text="On the golden pictures. Empty: that of the version in production.",
    )  # fmt: skip
    most_fall = forms.FloatField(
        min_value=0, max_value=1, label="No label worse by more than",
        widget=forms.NumberInput({"step": "0.01"}),
        help_text="Of its F1 with the version in production.",
    )  # fmt: skip
    learns_from_sure = forms.BooleanField(
        required=False, label="Also learn from what it is sure of",
        help_text="Trains a second version, with frames of past analyses in which the version in "
        "use is sure of every box and the tracker agrees. It is taken only where nothing falls on "
        "the golden pictures. Takes twice the time; boxes only.",
    )  # fmt: skip
    assets = AssetChoice(
        Asset.objects.none(), required=False, widget=forms.CheckboxSelectMultiple,
        label="Try it on",
        help_text=f"Up to {MOST_ASSETS} past films and pictures, to see what would change there.",
    )  # fmt: skip

    def __init__(self, model: RegisteredModel, loop: Loop | None, data: Any = None) -> None:
        super().__init__(data, initial=_initial(model, loop))
        self.model, self.loop = model, loop
        workspace = model.workspace
        datasets = Dataset.objects.filter(project__workspace=workspace)
        offer(self, "dataset", datasets.select_related("project").order_by("project__name", "name"))
        offer(self, "base", bases(workspace))
        offer(self, "assets", _films(model, loop))
        offer_choices(self, "architecture", list(architectures().items()))

    def clean_assets(self) -> list[Asset]:
        chosen = list(self.cleaned_data["assets"])
        if len(chosen) > MOST_ASSETS:
            raise forms.ValidationError(f"Choose {MOST_ASSETS} at most; these are {len(chosen)}.")
        return chosen

    def clean_imgsz(self) -> int:
        size: int = self.cleaned_data["imgsz"]
        if size % 32:
            raise forms.ValidationError("The picture size must be a multiple of 32.")
        return size

    def save(self, *, by: User) -> Loop:
        """The loop as the form says it. Raises Refused."""
        said = dict(self.cleaned_data)
        chosen = {name: said.pop(name) for name in _OPTIONS}
        before = self.loop.options if self.loop else {}
        options = before | {name: value for name, value in chosen.items() if value}
        base = said.pop("base")
        wish = said | {"options": options, "base": base if options["start"] == "version" else None}
        if self.loop is None:
            return Loop.make(self.model, wish.pop("dataset"), by=by, **wish)
        self.loop.change(by=by, **wish)
        return self.loop


def _films(model: RegisteredModel, loop: Loop | None) -> QuerySet[Asset]:
    """The newest of what can be looked at, and those that are chosen."""
    ready = Asset.objects.filter(workspace=model.workspace).ready().with_frames()
    newest = list(ready.order_by("-created").values_list("pk", flat=True)[:_OFFERED])
    chosen = list(loop.assets.values_list("pk", flat=True)) if loop else []
    here = Asset.objects.filter(workspace=model.workspace)
    return here.filter(Q(pk__in=newest) | Q(pk__in=chosen)).order_by("name")


def _initial(model: RegisteredModel, loop: Loop | None) -> dict[str, Any]:
    if loop is None:
        known = {name: DEFAULTS[name] for name in _OPTIONS} | {"start": "version"}
        newest = Dataset.objects.filter(project__workspace=model.workspace).order_by("-pk").first()
        return known | {
            "dataset": newest,
            "is_on": True,
            "after_changes": AFTER_CHANGES,
            "most_fall": MOST_FALL,
        }
    options = DEFAULTS | {"start": "version"} | loop.options
    return {name: options[name] for name in _OPTIONS} | {
        "dataset": loop.dataset,
        "is_on": loop.is_on,
        "after_changes": loop.after_changes,
        "every_hours": loop.every_hours,
        "base": loop.base,
        "least_f1": loop.least_f1,
        "most_fall": loop.most_fall,
        "learns_from_sure": loop.learns_from_sure,
        "assets": list(loop.assets.all()),
    }

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from analysis.datasets.split import Recipe
from analysis.errors import AnalysisError
from webapp.accounts.models import Workspace
from webapp.assets.models import Asset
from webapp.choosing import offer, offer_choices
from webapp.datasets.dataset import Dataset
from webapp.ids import SomeOf
from webapp.leases import Status
from webapp.projects.forms import listed, plain
from webapp.projects.models import Label, Project

WAYS = [
    (
        "boxes",
        "With boxes",
        "Pictures with a box drawn around each thing: brands, products, people. Tells where it is, "
        "how large and how often.",
    ),
    (
        "concept",
        "With labels for whole pictures",
        "Each picture is or is not something: sky, night, studio, crowd. Quick to label; tells "
        "nothing of where.",
    ),
    (
        "logo",
        "From a logo file alone",
        "No photographs are needed to begin: pictures are made of the logo on boards, shirts and "
        "screens, with exact boxes. Real pictures can be added later.",
    ),
]
HOWS = [
    ("interval", "At regular times", "Simple, and fair to everything in the video."),
    ("difference", "When the picture changes", "Skips what looks like the last one taken."),
    ("shot", "One of each shot", "The widest choice with the fewest pictures."),
    (
        "unsure",
        "Where the detector is least sure",
        "What it would learn most from. Takes as long as an analysis.",
    ),
]
GROUNDS = [
    ("made", "Made up", "Colours, gradients and shapes. Always there."),
    ("nothing", "Pictures of this dataset with nothing on them", "Those marked “nothing here”."),
    (
        "frames",
        "Frames of your videos and pictures",
        "Best when no logo that is sought is in them.",
    ),
]


class StartForm(forms.Form):
    """A training project: what it is called, what it learns, and in which of three ways."""

    way = forms.ChoiceField(choices=[(way, title) for way, title, _ in WAYS], initial="boxes")
    name = forms.CharField(
        max_length=80, widget=forms.TextInput({"placeholder": "Harbour Cup boards"})
    )
    labels = forms.CharField(
        required=False,
        widget=forms.Textarea({"rows": 4, "placeholder": "Kestrel\nNorra Bank", "data-labels": ""}),
    )

    def __init__(self, *args: Any, n_logos: int = 0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.n_logos = n_logos

    def clean_name(self) -> str:
        return plain(self.cleaned_data["name"])

    def clean_labels(self) -> list[str]:
        labels = listed(self.cleaned_data["labels"])
        if len(labels) > Project.MAX_LABELS:
            raise ValidationError(
                f"A project holds {Project.MAX_LABELS} labels at most; these are {len(labels)}."
            )
        if long := [name for name in labels if len(name) > 60]:
            raise ValidationError(f"{long[0][:30]}… is too long for a label: 60 letters at most.")
        return labels

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if "labels" not in values:
            return values
        if values.get("way") == "logo":
            values["labels"] = []  # the field is out of sight: the files name the labels
            if not self.n_logos:
                self.add_error(None, "Choose a logo file: PNG, JPEG, WebP or SVG.")
        elif not values["labels"]:
            self.add_error("labels", "Name at least one label.")
        return values


class NewDatasetForm(forms.Form):
    name = forms.CharField(max_length=80, widget=forms.TextInput({"placeholder": "Boards 2026"}))
    task = forms.ChoiceField(
        choices=Dataset.Task.choices, label="Labelled with", initial=Dataset.Task.BOXES
    )


class DatasetNameForm(forms.Form):
    name = forms.CharField(max_length=80)


class FilterForm(forms.Form):
    """Which pictures to show. Nonsense in an address counts as nothing asked."""

    q = forms.CharField(max_length=120, required=False)
    label = forms.ChoiceField(required=False)
    state = forms.ChoiceField(
        required=False,
        choices=[
            ("", "Every state"),
            ("new", "Not labelled"),
            ("labelled", "Labelled"),
            ("nothing", "Nothing here"),
            ("skipped", "Skipped"),
        ],
    )
    split = forms.ChoiceField(
        required=False,
        choices=[
            ("", "Every split"),
            ("golden", "Golden"),
            ("train", "Given: train"),
            ("val", "Given: validation"),
            ("test", "Given: test"),
            ("free", "Split by recipe"),
        ],
    )
    origin = forms.ChoiceField(
        required=False,
        choices=[
            ("", "Every origin"),
            ("upload", "Uploaded"),
            ("frame", "From videos"),
            ("import", "Imported"),
            ("synthetic", "Synthetic"),
            ("review", "From reviews"),
        ],
    )

    def __init__(self, data: Any, labels: list[Label]) -> None:
        super().__init__(data)
        choices = [
            ("", "Every label"),
            *((str(label.pk), label.name) for label in labels),
        ]
        offer_choices(self, "label", choices)
        for name in ("label", "state", "split", "origin"):
            self.fields[name].widget.attrs["data-send-on-change"] = True
        self.full_clean()
        for name in self.fields:
            self.cleaned_data.setdefault(name, "")

    @property
    def is_narrowed(self) -> bool:
        return any(self.cleaned_data.values())


class FramesForm(forms.Form):
    how = forms.ChoiceField(choices=[(how, title) for how, title, _ in HOWS], initial="shot")
    every_s = forms.FloatField(
        label="Look every (seconds)",
        min_value=0.04,
        max_value=3600,
        initial=1,
        widget=forms.NumberInput({"step": "any"}),
    )
    most = forms.IntegerField(
        label="Pictures from each video, at most", min_value=1, max_value=2000, initial=100
    )
    videos = SomeOf(
        queryset=Asset.objects.none(),
        error_messages={"required": "Choose a video."},
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        videos = Asset.objects.filter(workspace=workspace, kind=Asset.Kind.VIDEO)
        offer(self, "videos", videos.filter(status=Status.DONE))

    def options(self) -> dict[str, Any]:
        values = self.cleaned_data
        return {
            "assets": [asset.pk for asset in values["videos"]],
            "how": values["how"],
            "every_s": values["every_s"],
            "most": values["most"],
        }


def _share(label: str, initial: float, help_text: str = "") -> forms.IntegerField:
    """A chance as a slider, in percent."""
    return forms.IntegerField(
        label=label,
        min_value=0,
        max_value=100,
        initial=round(initial * 100),
        help_text=help_text,
        widget=forms.NumberInput({"type": "range", "step": 5, "data-unit": "%"}),
    )


class SynthesisForm(forms.Form):
    """What pictures of logos are like, by the names of analysis.synthesis.pictures."""

    SHARES = (
        "boards",
        "reversed_out",
        "metal",
        "curved",
        "occluded",
        "look_alikes",
        "negatives",
    )

    count = forms.IntegerField(label="How many", min_value=1, max_value=20_000, initial=500)
    seed = forms.IntegerField(
        min_value=0,
        max_value=2**31 - 1,
        initial=0,
        help_text="The same seed makes the same pictures.",
    )
    shape = forms.ChoiceField(
        label="Size of a picture",
        choices=[("640x384", "640 × 384"), ("640x640", "640 × 640"), ("1280x736", "1280 × 736")],
    )
    smallest = forms.IntegerField(
        label="Smallest logo",
        min_value=2,
        max_value=60,
        initial=6,
        help_text="Of the picture's width.",
        widget=forms.NumberInput({"type": "range", "data-unit": "%"}),
    )
    largest = forms.IntegerField(
        label="Largest logo",
        min_value=5,
        max_value=100,
        initial=55,
        widget=forms.NumberInput({"type": "range", "data-unit": "%"}),
    )
    max_logos = forms.IntegerField(
        label="Logos in a picture, up to",
        min_value=1,
        max_value=12,
        initial=6,
        widget=forms.NumberInput({"type": "range", "data-unit": ""}),
    )
    boards = _share("On boards", 0.65, "The rest lie straight on the picture.")
    reversed_out = _share("Printed in one colour", 0.35)
    metal = _share("Cast in metal", 0.1, "As on cars and doors.")
    curved = _share("Bent, as on a shirt or can", 0.3)
    occluded = _share("With something in front", 0.3)
    look_alikes = _share("With look-alikes beside them", 0.5, "Words and shapes without a box.")
    negatives = _share("Without any logo", 0.1)
    degraded = forms.BooleanField(
        label="Light, blur, noise and compression", required=False, initial=True
    )
    backgrounds = forms.ChoiceField(
        choices=[(ground, title) for ground, title, _ in GROUNDS], initial="made"
    )
    assets = SomeOf(
        queryset=Asset.objects.none(), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ready = Asset.objects.filter(workspace=workspace, status=Status.DONE)
        offer(self, "assets", ready.with_frames())
        for field in self.fields.values():
            field.widget.attrs["form"] = "synthesis"  # logos are added by forms in between

    def sliders(self) -> list[forms.BoundField]:
        return [self[n] for n in ("smallest", "largest", "max_logos", *self.SHARES)]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("smallest", 0) > values.get("largest", 100):
            self.add_error("largest", "The largest logo is smaller than the smallest.")
        if values.get("backgrounds") == "frames" and not values.get("assets"):
            self.add_error("assets", "Choose a video or a picture.")
        return values

    def options(self) -> dict[str, Any]:
        values = self.cleaned_data
        width, height = map(int, values["shape"].split("x"))
        painting = {name: values[name] / 100 for name in self.SHARES}
        return {
            "count": values["count"],
            "seed": values["seed"],
            "backgrounds": values["backgrounds"],
            "assets": [asset.pk for asset in values["assets"]],
            "painting": painting
            | {
                "width": width,
                "height": height,
                "min_size": values["smallest"] / 100,
                "max_size": values["largest"] / 100,
                "max_logos": values["max_logos"],
                "degraded": values["degraded"],
            },
        }


class FreezeForm(forms.Form):
    """How a version is split; see analysis.datasets.split.Recipe."""

    train = forms.IntegerField(label="Train (%)", min_value=0, max_value=100, initial=70)
    val = forms.IntegerField(label="Validate (%)", min_value=0, max_value=100, initial=10)
    test = forms.IntegerField(label="Test (%)", min_value=0, max_value=100, initial=20)
    seed = forms.IntegerField(min_value=0, max_value=2**31 - 1, initial=0)
    near = forms.ChoiceField(
        label="Near-duplicates",
        choices=[
            ("6", "kept together"),
            ("12", "kept together, also loosely alike ones"),
            ("-1", "not looked for"),
        ],
        initial="6",
    )
    given = forms.BooleanField(
        label="Keep splits that were given with pictures", required=False, initial=True
    )
    synthetic = forms.BooleanField(
        label="Train on synthetic pictures too", required=False, initial=True
    )
    note = forms.CharField(
        required=False,
        max_length=200,
        help_text="What changed, for those who read it later.",
    )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not self.errors:
            try:
                self.recipe()
            except AnalysisError as error:
                raise ValidationError(error.message) from error
        return values

    def recipe(self) -> dict[str, Any]:
        values = self.cleaned_data
        shares = {name: values[name] / 100 for name in ("train", "val", "test")}
        recipe = Recipe(
            seed=values["seed"],
            near=int(values["near"]),
            given=values["given"],
            synthetic=values["synthetic"],
            **shares,
        )
        return recipe.as_json()


class ChangeForm(forms.Form):
    """What to do with the chosen pictures."""

    DOS = ("remove", "golden", "ordinary", "nothing", "label", "train", "val", "test", "free")

    do = forms.ChoiceField(choices=[(do, do) for do in DOS])
    label = forms.IntegerField(required=False)

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Count
from django.utils import timezone

from webapp.accounts.models import Workspace
from webapp.assets.models import Asset
from webapp.choosing import offer
from webapp.datasets.dataset import Dataset
from webapp.datasets.samples import Sample
from webapp.ids import SomeOf
from webapp.leases import Status
from webapp.registry.versions import RegisteredModel

MOST_PEOPLE = 50
PICTURES = [
    ("new", "Those nobody has labelled"),
    ("uncertain", "Those the detector is least sure of"),
    ("all", "All of the dataset"),
    ("none", "None, only videos"),
]


def addresses(text: str) -> list[str]:
    """E-mail addresses between commas, spaces or lines, each once. Raises ValidationError."""
    found = list(dict.fromkeys(word.lower() for word in re.split(r"[\s,;]+", text) if word))
    if len(found) > MOST_PEOPLE:
        raise ValidationError(f"Invite {MOST_PEOPLE} people at a time at most.")
    for word in found:
        try:
            validate_email(word)
        except ValidationError:
            raise ValidationError(f"{word[:60]} is no e-mail address.") from None
    return found


class PeopleForm(forms.Form):
    people = forms.CharField(
        label="E-mail addresses",
        help_text="One or more. Who is new here becomes a labeller and sees this job only.",
        widget=forms.Textarea({"rows": 2, "placeholder": "lena@example.org"}),
    )

    def clean_people(self) -> list[str]:
        return addresses(self.cleaned_data["people"])


class DatasetChoice(forms.ModelChoiceField):
    def label_from_instance(self, dataset: Any) -> str:
        return f"{dataset.project} · {dataset}"


class MakeForm(forms.Form):
    """A job: what to label, how, by whom, until when, and what comes after."""

    dataset = DatasetChoice(Dataset.objects.none(), empty_label="Choose one")
    title = forms.CharField(max_length=120, widget=forms.TextInput({"autocomplete": "off"}))
    pictures = forms.ChoiceField(choices=PICTURES, initial="new", label="Pictures")
    most = forms.IntegerField(
        label="At most", required=False, min_value=1, max_value=50_000,
        help_text="Pictures. Empty: all of them.",
    )  # fmt: skip
    videos = SomeOf(
        Asset.objects.none(),
        required=False,
        label="Videos to draw tracks in",
        help_text="Cut into clips; each is one task.",
        widget=forms.CheckboxSelectMultiple,
    )
    clip_s = forms.FloatField(
        label="Seconds a clip", initial=20, min_value=0.2, max_value=3600, required=False
    )
    step = forms.IntegerField(
        label="Every … frame", initial=1, min_value=1, max_value=1000, required=False,
        help_text="1 is every frame, 5 every fifth.",
    )  # fmt: skip
    start_s = forms.FloatField(
        label="From", min_value=0, required=False, help_text="Seconds. Empty: the beginning.",
    )  # fmt: skip
    end_s = forms.FloatField(
        label="To", min_value=0, required=False, help_text="Seconds. Empty: the end.",
    )  # fmt: skip
    overlap = forms.IntegerField(
        label="Overlap", initial=5, min_value=0, max_value=1000, required=False,
        help_text="Frames that a clip shares with the one before. Tracks are joined there.",
    )  # fmt: skip
    share_out = forms.BooleanField(
        required=False, label="Each clip is one person’s",
        help_text="Given to the people below in turn. Else whoever is free takes the next.",
    )  # fmt: skip
    instructions = forms.CharField(
        required=False,
        max_length=20_000,
        help_text="Markdown. Say what counts, what does not, and what to do in doubt.",
        widget=forms.Textarea({"rows": 6}),
    )
    examples = forms.IntegerField(
        label="Example pictures", initial=0, min_value=0, max_value=12, required=False,
        help_text="So many labelled pictures of the dataset are shown beside the instructions.",
    )  # fmt: skip
    people = forms.CharField(
        required=False,
        label="People",
        help_text="E-mail addresses. You can add more later.",
        widget=forms.Textarea({"rows": 2, "placeholder": "lena@example.org, lou@example.org"}),
    )
    people_per_item = forms.IntegerField(
        label="People for each task", initial=1, min_value=1, max_value=9,
        help_text="Several look at the same task; what more than half of them say counts.",
    )  # fmt: skip
    batch_size = forms.IntegerField(
        label="Tasks at a time", initial=20, min_value=1, max_value=500,
        help_text="What one person takes from the queue at once.",
    )  # fmt: skip
    check_share = forms.FloatField(
        label="Check pictures, percent", initial=0, min_value=0, max_value=50, required=False,
        help_text="Golden pictures of the dataset are slipped in unseen, to score people.",
    )  # fmt: skip
    is_reviewed = forms.BooleanField(
        required=False, label="A reviewer looks at what is done",
        help_text="Accepts it, mends it, or sends it back with what is wrong. The job is complete "
        "when all is accepted.",
    )  # fmt: skip
    deadline = forms.DateTimeField(
        required=False,
        widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    then_train = forms.ModelChoiceField(
        RegisteredModel.objects.none(),
        required=False,
        empty_label="Nothing",
        label="When all is done, train",
    )
    epochs = forms.IntegerField(initial=50, min_value=1, max_value=10_000, required=False)

    def __init__(self, workspace: Workspace, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        datasets = Dataset.objects.filter(project__workspace=workspace).select_related("project")
        offer(self, "dataset", datasets)
        self.fields["dataset"].initial = datasets.order_by("-pk").first()
        videos = Asset.objects.filter(
            workspace=workspace, kind=Asset.Kind.VIDEO, status=Status.DONE
        )
        offer(self, "videos", videos.order_by("name"))
        zone = timezone.get_current_timezone_name()
        self.fields["deadline"].help_text = f"In your time zone, {zone}."
        offer(self, "then_train", RegisteredModel.objects.filter(workspace=workspace))

    def clean_people(self) -> list[str]:
        return addresses(self.cleaned_data["people"])

    def clean_deadline(self) -> datetime | None:
        deadline = self.cleaned_data["deadline"]
        if deadline and deadline < timezone.now():
            raise ValidationError("This is past already.")
        return deadline

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        start, end = values.get("start_s"), values.get("end_s")
        if start is not None and end is not None and start >= end:
            self.add_error("end_s", "It ends before it begins.")
        return values

    def clean_title(self) -> str:
        return " ".join(self.cleaned_data["title"].split())

    def samples(self) -> list[int]:
        """The pictures that were chosen, by id."""
        values = self.cleaned_data
        found = values["dataset"].samples.current().filter(is_golden=False)
        if values["pictures"] == "none":
            return []
        if values["pictures"] != "all":
            found = found.filter(state=Sample.State.NEW)
        if values["pictures"] == "uncertain":
            found = found.exclude(uncertainty=None).order_by("-uncertainty")
        return list(found.values_list("pk", flat=True)[: values["most"]])

    def shown(self) -> list[int]:
        """Labelled pictures as examples, those with most on them first."""
        labelled = (
            self.cleaned_data["dataset"]
            .samples.current()
            .filter(state=Sample.State.LABELLED, is_golden=False)
        )
        counted = labelled.annotate(n=Count("annotations")).order_by("-n", "pk")
        return list(counted.values_list("pk", flat=True)[: self.cleaned_data["examples"] or 0])

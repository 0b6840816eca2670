import re
import unicodedata
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q

from webapp.accounts.models import Workspace
from webapp.choosing import offer
from webapp.leases import Status
from webapp.projects.models import Label, Project
from webapp.registry.versions import ModelVersion

TILE = 640  # pixels: the side of the squares in which small logos are looked for
MODES = [
    (
        "interval",
        "At regular times",
        "The usual way. Every 0.2 s tells when something appears to a fifth of a second.",
    ),
    (
        "adaptive",
        "At regular times, when the picture changes",
        "A frame that hardly differs from the last one counts as the same. Quicker for talks, "
        "slides and other still pictures.",
    ),
    (
        "every",
        "Every frame",
        "Exact to the frame. At 25 frames a second it takes five times as long as every 0.2 s.",
    ),
    (
        "key",
        "Key frames only",
        "A quick look: often one frame in two to ten seconds, so durations are rough.",
    ),
]
CHANGES = [("0.015", "a little"), ("0.03", "somewhat"), ("0.08", "a lot")]


def plain(text: str) -> str:
    """One line, single spaces, composed letters: what a person means by a name."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def listed(text: str) -> list[str]:
    """Names separated by commas or lines, each once, in the order typed."""
    found: dict[str, str] = {}
    for name in map(plain, re.split(r"[,;\n]", text)):
        if name:
            found.setdefault(name.casefold(), name)
    return list(found.values())


class NewProjectForm(forms.Form):
    name = forms.CharField(max_length=80, widget=forms.TextInput({"placeholder": "Harbour Cup"}))
    brands = forms.CharField(
        required=False,
        label="Brands (optional)",
        help_text="One in each line, or with commas between. Logos are added next.",
        widget=forms.Textarea({"rows": 3, "placeholder": "Kestrel\nNorra Bank"}),
    )

    def clean_name(self) -> str:
        return plain(self.cleaned_data["name"])

    def clean_brands(self) -> list[str]:
        brands = listed(self.cleaned_data["brands"])
        if len(brands) > Project.MAX_LABELS:
            raise ValidationError(f"A project holds {Project.MAX_LABELS} labels at most.")
        if long := [b for b in brands if len(b) > 60]:
            raise ValidationError(f"{long[0][:30]}… is too long for a label: 60 letters at most.")
        return brands


class ProjectNameForm(forms.Form):
    name = forms.CharField(max_length=80)
    description = forms.CharField(
        required=False, max_length=2000, widget=forms.Textarea({"rows": 3})
    )

    def clean_name(self) -> str:
        return plain(self.cleaned_data["name"])


class LabelForm(forms.Form):
    name = forms.CharField(max_length=60)
    colour = forms.RegexField(
        r"^#[0-9a-fA-F]{6}$",
        error_messages={"invalid": "A colour reads #rrggbb."},
        widget=forms.TextInput({"type": "color"}),
    )
    aliases = forms.CharField(
        required=False,
        label="Also called",
        help_text="Other names it is said, written or known to a model by, with commas between.",
    )
    not_in = forms.CharField(
        required=False,
        label="Not in",
        help_text="Words in which it means something else, with commas between: apple pie, big "
        "apple.",
    )
    is_ordinary = forms.BooleanField(
        required=False,
        label="Also an ordinary word",
        help_text="Where it is said it counts only as a name: with a capital inside a sentence, or "
        "before a verb such as “announced”.",
    )
    threshold = forms.FloatField(
        label="Shown from confidence",
        min_value=0.05,
        max_value=1,
        help_text="From 0.05 to 1. Only for showing: nothing found is thrown away.",
        widget=forms.NumberInput({"step": "0.01"}),
    )

    @classmethod
    def of(cls, label: Label) -> "LabelForm":
        now = {
            "name": label.name,
            "colour": label.colour,
            "aliases": ", ".join(label.aliases),
            "not_in": ", ".join(label.not_in),
            "is_ordinary": label.is_ordinary,
            "threshold": f"{label.threshold:g}",
        }
        return cls(initial=now, prefix=None, auto_id=f"label-{label.pk}-%s")

    def clean_name(self) -> str:
        return plain(self.cleaned_data["name"])

    def clean_colour(self) -> str:
        return self.cleaned_data["colour"].lower()

    def clean_aliases(self) -> list[str]:
        aliases = listed(self.cleaned_data["aliases"])
        if len(aliases) > 30 or any(len(alias) > 60 for alias in aliases):
            raise ValidationError("At most 30 other names of 60 letters each.")
        return aliases

    def clean_not_in(self) -> list[str]:
        phrases = listed(self.cleaned_data["not_in"])
        if len(phrases) > 30 or any(len(phrase) > 60 for phrase in phrases):
            raise ValidationError("At most 30 phrases of 60 letters each.")
        return phrases


class LookingForm(forms.Form):
    """How frames are chosen, and what looks at them."""

    mode = forms.ChoiceField(choices=[(mode, title) for mode, title, _ in MODES])
    interval_s = forms.FloatField(
        required=False,
        label="Seconds between frames",
        min_value=0.04,
        max_value=60,
        widget=forms.NumberInput({"step": "0.01"}),
    )
    change = forms.ChoiceField(choices=CHANGES, required=False, label="Must change")
    uses_references = forms.BooleanField(required=False, label="The logo pictures of the labels")
    model_version = forms.ModelChoiceField(
        ModelVersion.objects.none(), required=False, label="A model", empty_label="No model"
    )
    tile = forms.BooleanField(required=False, label="Also look for small logos")
    follow = forms.BooleanField(required=False, label="Follow what is found from frame to frame")

    def __init__(self, workspace: Workspace, data: Any = None, **options: Any) -> None:
        super().__init__(data, auto_id="looking-%s", **options)
        rows = (
            ModelVersion.objects.filter(model__workspace=workspace, status=Status.DONE)
            .filter(Q(archived=None) | Q(projects__isnull=False))  # in use it goes on being used
            .distinct()
            .select_related("model")
            .order_by("model__name", "-number")
        )
        offer(self, "model_version", rows)

    @classmethod
    def of(cls, project: Project) -> "LookingForm":
        sampling = {"mode": "interval", "interval_s": 0.2, "change": 0.03} | project.sampling
        now = {
            "mode": sampling["mode"],
            "interval_s": f"{sampling['interval_s']:g}",
            "change": f"{sampling['change']:g}",
            "tile": bool(sampling.get("tile")),
            "follow": sampling.get("follow", True),
            "uses_references": project.uses_references,
            "model_version": project.model_version_id,
        }
        return cls(project.workspace, initial=now)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not values.get("uses_references") and not values.get("model_version"):
            raise ValidationError(
                "Choose at least one thing to look with: logo pictures, a model, or both."
            )
        needs = values.get("mode") in ("interval", "adaptive")
        if needs and values.get("interval_s") is None and "interval_s" not in self.errors:
            self.add_error("interval_s", "How many seconds between frames, such as 0.2?")
        return values

    def sampling(self) -> dict[str, Any]:
        values = self.cleaned_data
        return {
            "mode": values["mode"],
            "interval_s": values["interval_s"] or 0.2,
            "change": float(values["change"] or 0.03),
            "tile": TILE if values["tile"] else None,
            "follow": values["follow"],
        }

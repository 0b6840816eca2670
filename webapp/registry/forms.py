from typing import Any

from django import forms
from django.db.models import QuerySet

from webapp.accounts.models import Workspace
from webapp.choosing import offer
from webapp.registry.uploads import SUFFIXES


class ModelUploadForm(forms.Form):
    """A file, and the model it is a version of: an existing one or a new name."""

    file = forms.FileField(
        label="File",
        help_text="ONNX, or a YOLO checkpoint (.pt) or .safetensors. At most 500 MB.",
        widget=forms.FileInput({"accept": ",".join(SUFFIXES)}),
    )
    name = forms.CharField(
        max_length=80,
        label="Model",
        help_text="A name that exists gets a new version.",
        widget=forms.TextInput({"list": "model-names", "autocomplete": "off"}),
    )
    source = forms.CharField(
        required=False,
        max_length=255,
        label="Where it came from (optional)",
        widget=forms.TextInput({"placeholder": "Trained on Harbour Cup boards, May 2026"}),
    )

    def __init__(self, workspace: Workspace, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.workspace = workspace

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())


class GateForm(forms.Form):
    """From which F1 on test pictures a version is fit for production."""

    gate_f1 = forms.FloatField(
        min_value=0,
        max_value=1,
        label="Fit from F1",
        widget=forms.NumberInput({"step": "0.01"}),
    )


class CopyForm(forms.Form):
    """Where a copy of a version goes."""

    workspace = forms.ModelChoiceField(Workspace.objects.none())
    name = forms.CharField(max_length=80)

    def __init__(self, places: QuerySet[Workspace], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "workspace", places)

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from analysis.exposure.methodologies import Methodology
from webapp.methodologies.models import WEIGHTS, from_rules, rules_of

LONGEST_S = 600


def _number(label: str, most: float, help_text: str = "", step: str = "any") -> forms.FloatField:
    return forms.FloatField(
        label=label,
        min_value=0,
        max_value=most,
        help_text=help_text,
        widget=forms.NumberInput({"step": step}),
    )


class MethodologyForm(forms.Form):
    """The parameters that the presets have; shares as per cent, as people say them."""

    name = forms.CharField(max_length=60)
    gap_s = _number("Bridge gaps up to, s", LONGEST_S, "Sightings no further apart are one.")
    bridge_counts = forms.BooleanField(required=False, label="The time inside bridged gaps counts")
    minimum_s = _number("Shortest exposure, s", LONGEST_S, "What is shorter is not reported.")
    min_size = _number("Smallest size, % of the frame", 100)
    min_visibility = _number("Visible part at least, %", 100)
    min_clarity = _number("Clarity at least, %", 100)
    dominant_only = forms.BooleanField(
        required=False, label="Of several logos of a brand in a frame, only the largest counts"
    )
    weight_size = _number("Size", 100)
    weight_position = _number("Position", 100)
    weight_clarity = _number("Clarity", 100)
    weight_solus = _number("Alone", 100)
    size_reference = forms.FloatField(
        label="Size is full at, % of the frame",
        min_value=0.01,
        max_value=100,
        widget=forms.NumberInput({"step": "any"}),
    )
    mention_s = _number(
        "One spoken mention, s",
        LONGEST_S,
        "What it is worth in money, as seconds on screen. It never adds to time on screen.",
    )
    note = forms.CharField(
        required=False,
        max_length=400,
        label="Note",
        help_text="What it follows. It stands beside the figures, in reports and in files.",
        widget=forms.Textarea({"rows": 3}),
    )

    SHARES = ("min_size", "min_visibility", "min_clarity", "size_reference")

    @classmethod
    def of(cls, method: Methodology, name: str) -> MethodologyForm:
        """Filled in with its rules."""
        rules = rules_of(method)
        weights = {f"weight_{key}": f"{value:g}" for key, value in rules.pop("weights").items()}
        times = {key: f"{rules[key]:g}" for key in ("gap_s", "minimum_s", "mention_s")}
        shares = {key: f"{rules[key] * 100:.10g}" for key in cls.SHARES}
        return cls(initial=rules | weights | times | shares | {"name": name})

    @property
    def weights(self) -> list[Any]:
        return [self[f"weight_{name}"] for name in WEIGHTS]

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if not self.errors:
            try:
                from_rules(self.rules(), key="own", name=found["name"], version=1)
            except ValueError as error:
                raise ValidationError(f"{str(error).capitalize()}.") from error
        return found

    def rules(self) -> dict[str, Any]:
        said = dict(self.cleaned_data)
        said |= {key: round(said[key] / 100, 12) for key in self.SHARES}
        said["weights"] = {name: said[f"weight_{name}"] for name in WEIGHTS}
        said["note"] = " ".join(said["note"].split())
        return {key: said[key] for key in rules_of(_ANY)}


_ANY = Methodology(key="", name="", version=1)

from __future__ import annotations

from typing import Any

from django import forms

from analysis.cutting.clips import LONGEST_TITLE
from webapp.cuts.choosing import ReelWish

_TIME: dict[str, Any] = {"min_value": 0, "max_value": 1e7, "required": False}


class ClipForm(forms.Form):
    """What is to change of a clip; what is left out stays."""

    start_s = forms.FloatField(**_TIME)
    end_s = forms.FloatField(**_TIME)
    title = forms.CharField(max_length=LONGEST_TITLE, required=False)
    place = forms.IntegerField(min_value=0, max_value=10_000, required=False)
    nudge = forms.RegexField(r"^(start|end):-?\d{1,4}$", required=False)  # by so many frames


class ReelForm(forms.Form):
    """How a brand's highlight reel is to be."""

    most_s = forms.FloatField(
        label="Length at most, seconds", min_value=1, max_value=3600, initial=60
    )
    longest_s = forms.FloatField(
        label="Of each exposure at most, seconds", min_value=0.2, max_value=600, initial=8
    )
    handles_s = forms.FloatField(
        label="Before and after each, seconds", min_value=0, max_value=30, initial=0.5
    )
    best_first = forms.ChoiceField(
        label="Order",
        choices=[("", "As they come in the films"), ("on", "The best first")],
        required=False,
    )

    def wish(self) -> ReelWish:
        asked = self.cleaned_data
        times = {name: asked[name] for name in ("most_s", "longest_s", "handles_s")}
        return ReelWish(**times, best_first=bool(asked["best_first"]))


def sentence(form: forms.Form) -> str:
    return " ".join(str(error) for errors in form.errors.values() for error in errors)

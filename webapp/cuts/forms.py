from __future__ import annotations

from typing import Any

from django import forms

from analysis.cutting.clips import LONGEST_TITLE
from webapp.choosing import offer_choices
from webapp.cuts.choosing import ReelWish
from webapp.cuts.personal import Chosen, Offer

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


class PersonalForm(forms.Form):
    """What of a film is to be in a cut: any of those of one kind, and of each kind."""

    topics = forms.TypedMultipleChoiceField(coerce=int, required=False, label="Topics")
    speakers = forms.TypedMultipleChoiceField(coerce=int, required=False, label="Speakers")
    brands = forms.MultipleChoiceField(required=False, label="Brands")

    def __init__(self, offer: Offer, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        topics = [(one.moment.pk, one.title) for one in offer.topics]
        offered: dict[str, list[tuple[Any, str]]] = {
            "topics": topics,
            "speakers": list(offer.speakers.items()),
            "brands": [(name, name) for name in offer.brands],
        }
        for name, choices in offered.items():
            if choices:
                self.fields[name].widget = forms.CheckboxSelectMultiple()
                offer_choices(self, name, choices)
            else:
                del self.fields[name]

    def chosen(self) -> Chosen:
        return Chosen(**self.cleaned_data)


def sentence(form: forms.Form) -> str:
    return " ".join(str(error) for errors in form.errors.values() for error in errors)

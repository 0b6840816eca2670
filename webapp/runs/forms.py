from typing import Any

from django import forms

from webapp.projects.forms import MODES


class SamplingForm(forms.Form):
    """How a run samples frames. What is left empty is as the project says."""

    mode = forms.ChoiceField(choices=[(mode, title) for mode, title, _ in MODES], required=False)
    interval_s = forms.FloatField(min_value=0.02, max_value=600, required=False)
    change = forms.FloatField(min_value=0, max_value=1, required=False)
    tile = forms.IntegerField(min_value=160, max_value=4096, required=False)
    track = forms.IntegerField(min_value=0, max_value=999, required=False)

    def options(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if value not in (None, "")}

    def sentence(self) -> str:
        """The first thing that is wrong, to show as a message."""
        name, errors = next(iter(self.errors.items()))
        return f"Sampling ({name}): {errors[0]}"

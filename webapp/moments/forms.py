from __future__ import annotations

from typing import Any

from django import forms

from webapp.moments.flags import Flag
from webapp.moments.moments import LONGEST

_TIME: dict[str, Any] = {"min_value": 0, "max_value": 1e7, "required": False}


class MomentForm(forms.Form):
    """What is to stand for a moment; what is left out stays."""

    title = forms.CharField(max_length=LONGEST, required=False)
    start_s = forms.FloatField(**_TIME)
    end_s = forms.FloatField(**_TIME)
    gone = forms.BooleanField(required=False)

    def changes(self) -> dict[str, Any]:
        wish = self.cleaned_data
        found = {name: wish[name] for name in ("start_s", "end_s") if wish[name] is not None}
        if wish["title"].strip():
            found["title"] = wish["title"]
        if wish["gone"]:
            found["is_gone"] = True
        return found


class FlagForm(forms.Form):
    """What is wrong, and with what."""

    kind = forms.ChoiceField(choices=Flag.Kind.choices)
    reason = forms.ChoiceField(choices=Flag.Reason.choices)
    start_s = forms.FloatField(min_value=0, max_value=1e7)
    end_s = forms.FloatField(min_value=0, max_value=1e7)
    text = forms.CharField(max_length=200, required=False)
    note = forms.CharField(max_length=500, required=False)
    moment = forms.IntegerField(min_value=1, max_value=10**18 - 1, required=False)
    label = forms.IntegerField(min_value=1, max_value=10**18 - 1, required=False)

    def clean(self) -> dict[str, Any]:
        wish = super().clean() or {}
        if wish.get("end_s", 1) < wish.get("start_s", 0):
            raise forms.ValidationError("A moment begins before it ends.")
        return wish


def sentence(form: forms.Form) -> str:
    return " ".join(str(error) for errors in form.errors.values() for error in errors)

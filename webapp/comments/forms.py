from __future__ import annotations

from typing import Any

from django import forms

from webapp.comments.reactions import Reaction

_TIME: dict[str, Any] = {"min_value": 0, "max_value": 1e7, "required": False}
_SIDE: dict[str, Any] = {"min_value": 0, "max_value": 1, "required": False}


class CommentForm(forms.Form):
    """What is said, and at which moment and place. The text itself is judged by the comment."""

    text = forms.CharField(required=False, strip=False)
    start_s = forms.FloatField(**_TIME)
    end_s = forms.FloatField(**_TIME)
    x1 = forms.FloatField(**_SIDE)
    y1 = forms.FloatField(**_SIDE)
    x2 = forms.FloatField(**_SIDE)
    y2 = forms.FloatField(**_SIDE)
    thread = forms.IntegerField(min_value=1, max_value=10**18 - 1, required=False)

    def clean(self) -> dict[str, Any]:
        wish = super().clean() or {}
        sides = [wish.pop(side, None) for side in ("x1", "y1", "x2", "y2")]
        given = [side for side in sides if side is not None]
        if given and len(given) < 4:
            raise forms.ValidationError("A box is four fractions of the frame, from 0 to 1.")
        wish["box"] = given or None
        wish["start_s"] = wish.get("start_s") or 0.0
        return wish


class ReactionForm(forms.Form):
    kind = forms.ChoiceField(choices=Reaction.Kind.choices)


def sentence(form: forms.Form) -> str:
    return " ".join(str(error) for errors in form.errors.values() for error in errors)

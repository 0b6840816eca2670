"""A rule as people write it: its name, how many decide, and its conditions as JSON.

The form with rows is drawn from the JSON by the browser, and writes it.
"""

from __future__ import annotations

import json
from typing import Any

from django import forms

from analysis.rules import RefusedRule, Rule, usual
from webapp.accounts.models import Refused
from webapp.review_queue.rules import MOST_PEOPLE, ReviewRule

LONGEST = 20_000
_PEOPLE = {1: "one person", 2: "two people, a second opinion", 3: "three people"}


class RuleForm(forms.Form):
    name = forms.CharField(max_length=80, widget=forms.TextInput({"autocomplete": "off"}))
    people = forms.TypedChoiceField(
        label="Each is decided by",
        choices=[(n, _PEOPLE[n]) for n in range(1, MOST_PEOPLE + 1)],
        coerce=int,
        help_text="Where people disagree, one more decides.",
    )
    conditions = forms.CharField(
        label="The same as JSON",
        max_length=LONGEST,
        widget=forms.Textarea({"rows": 18, "spellcheck": "false", "class": "mono"}),
    )

    @classmethod
    def of(cls, rule: ReviewRule) -> RuleForm:
        about = {"name": rule.name, "people": rule.people}
        return cls(initial=about | {"conditions": written(rule.conditions)})

    @classmethod
    def fresh(cls) -> RuleForm:
        """Filled in with what most begin with."""
        name, document = usual()[0]
        return cls(initial={"name": name, "people": 1, "conditions": written(document)})

    def clean_conditions(self) -> Any:
        try:
            return Rule.parse(read(self.cleaned_data["conditions"])).to_json()
        except (Refused, RefusedRule) as refused:
            raise forms.ValidationError(str(refused)) from refused


def written(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)


def read(text: str) -> Any:
    """The document of a text. Raises Refused with the place where it is no JSON."""
    if len(text) > LONGEST:
        raise Refused(f"A rule has {LONGEST:,} characters at most.")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        what = error.msg[:1].lower() + error.msg[1:]
        where = f"line {error.lineno}, column {error.colno}"
        raise Refused(f"This is not JSON ({where}): {what}.") from error
    except (ValueError, RecursionError) as error:
        raise Refused(
            "This is not JSON that can be read: too long a number, or too deep."
        ) from error

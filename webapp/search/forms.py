from __future__ import annotations

from typing import Any

from django import forms

from analysis.retrieval.filters import SOURCES
from webapp.accounts.models import Workspace
from webapp.choosing import offer_choices
from webapp.projects.models import Label

_LENGTHS = [("", "Any length"), ("1m", "1 minute or more"), ("10m", "10 minutes or more")]
_SCORES = [("", "However sure"), ("0.5", "50 % sure or more"), ("0.8", "80 % sure or more")]
_SENT = {"data-send-on-change": True}
_DAY = forms.DateInput({"type": "date"} | _SENT)


class SearchForm(forms.Form):
    """What is looked for, and what narrows it. Nonsense in an address counts as nothing asked."""

    q = forms.CharField(required=False, strip=True)
    source = forms.ChoiceField(
        choices=[("", "Everywhere"), *((one, one.capitalize()) for one in SOURCES)],
        required=False,
    )
    project = forms.ChoiceField(required=False)
    collection = forms.ChoiceField(required=False)
    brand = forms.ChoiceField(required=False)
    speaker = forms.ChoiceField(required=False)
    after = forms.DateField(required=False, label="Uploaded from", widget=_DAY)
    before = forms.DateField(required=False, label="Uploaded until", widget=_DAY)
    longer = forms.ChoiceField(
        choices=[*_LENGTHS, ("1h", "1 hour or more")], required=False, label="Length"
    )
    score = forms.ChoiceField(choices=_SCORES, required=False, label="Confidence")

    def __init__(self, data: Any, workspace: Workspace) -> None:
        super().__init__(data)
        projects = list(workspace.projects.values_list("name", flat=True))
        folders = workspace.collections.order_by("name").values_list("name", flat=True)[:500]
        offered = [("", "Every collection"), *((name, name) for name in folders)]
        offer_choices(self, "collection", offered)
        labels = Label.objects.filter(project__workspace=workspace, archived=None)
        brands = labels.order_by("name").values_list("name", flat=True).distinct()
        offer_choices(self, "project", [("", "Every project"), *((p, p) for p in projects)])
        offer_choices(self, "brand", [("", "Any brand"), *((b, b) for b in brands)])
        speakers = workspace.speakers.values_list("name", flat=True)[:500]
        offer_choices(self, "speaker", [("", "Anybody"), *((s, s) for s in speakers)])
        for name in ("source", "project", "collection", "brand", "speaker", "longer", "score"):
            self.fields[name].widget.attrs |= _SENT
        self.full_clean()
        for name in self.fields:
            self.cleaned_data.setdefault(name, "")

    @property
    def query(self) -> str:
        """All of it in the language of the search field."""
        wish = self.cleaned_data
        said = [wish["q"]] if wish["q"] else []
        said += [f"in:{wish['source']}"] if wish["source"] else []
        for name in ("project", "collection", "brand", "speaker"):
            said += [f'{name}:"{wish[name]}"'] if wish[name] else []
        for name in ("after", "before", "longer", "score"):
            said += [f"{name}:{wish[name]}"] if wish[name] else []
        return " ".join(said)

    @property
    def n_more(self) -> int:
        """How many of the filters that are folded away are set."""
        return sum(bool(self.cleaned_data[n]) for n in ("after", "before", "longer", "score"))

"""A contract as people write it: shares as per cent, as they say them."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django import forms

from analysis.contracting import Kind
from analysis.exposure.measure import DEFAULT
from webapp.accounts.models import Workspace
from webapp.assets.models import Collection
from webapp.contracts.models import MOST_PLANNED, Contract
from webapp.contracts.promises import TERMS
from webapp.methodologies.models import offered
from webapp.projects.models import Label


def _day(label: str) -> forms.DateField:
    return forms.DateField(
        label=label,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": "This is no day."},
    )


def _promise(kind: Kind) -> forms.FloatField:
    term = TERMS[kind]
    return forms.FloatField(
        required=False,
        label=f"{term.title}, %" if kind.is_share else term.title,
        help_text=term.help,
        min_value=0,
        max_value=term.most * (100 if kind.is_share else 1),
        widget=forms.NumberInput({"step": "1" if term.is_whole else "any", "inputmode": "decimal"}),
    )


class ContractForm(forms.Form):
    name = forms.CharField(max_length=120, widget=forms.TextInput({"autocomplete": "off"}))
    sponsor = forms.CharField(
        max_length=120,
        required=False,
        help_text="Whom it is with, as it stands on the report.",
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    label = forms.ModelChoiceField(
        Label.objects.none(),
        label="Brand",
        empty_label=None,
        help_text="Of a project that looks for it.",
    )
    collection = forms.ModelChoiceField(
        Collection.objects.none(),
        required=False,
        label="Counted in",
        empty_label="All films analysed for the project",
        help_text="Each film is an event: a match, a programme.",
    )
    starts = _day("First day")
    ends = _day("Last day")
    planned = forms.IntegerField(
        required=False,
        label="Events planned",
        min_value=1,
        max_value=MOST_PLANNED,
        help_text="In the whole period. Left empty, what is due goes by days.",
    )
    seconds = _promise(Kind.SECONDS)
    seconds_each = _promise(Kind.SECONDS_EACH)
    share = _promise(Kind.SHARE)
    middle = _promise(Kind.MIDDLE)
    place = _promise(Kind.PLACE)
    mentions = _promise(Kind.MENTIONS)
    method = forms.ChoiceField(
        label="Method", help_text="The version that is newest now; it stays."
    )
    threshold = forms.FloatField(
        required=False,
        label="Confidence at least",
        min_value=0.05,
        max_value=1,
        help_text="Left empty: each label's own.",
        widget=forms.NumberInput({"step": "0.01", "placeholder": "each label's"}),
    )

    def __init__(
        self, workspace: Workspace, posted: Any = None, *, of: Contract | None = None
    ) -> None:
        super().__init__(posted, initial=_filled(of) if of else {"method": DEFAULT})
        labels = Label.objects.filter(project__workspace=workspace).select_related("project")
        kept = labels.filter(archived=None)
        if of and of.label_id:  # one that was removed since can stay
            kept = kept | labels.filter(pk=of.label_id)
        brand: Any = self.fields["label"]
        brand.queryset = kept.order_by("project__name", "project", "position", "pk")
        brand.choices = _by_project(brand.queryset)
        shelf: Any = self.fields["collection"]
        shelf.queryset = Collection.objects.filter(workspace=workspace)
        chosen: Any = self.fields["method"]
        methods = offered(workspace.pk, of.method if of else "")
        chosen.choices = [(method.key, method.name) for method in methods]

    @property
    def promises(self) -> list[forms.BoundField]:
        return [self[kind.value] for kind in TERMS]

    @property
    def wish(self) -> dict[str, Any]:
        """What `Contract.change` takes."""
        said = dict(self.cleaned_data)
        promises = {kind.value: said.pop(kind.value) for kind in TERMS}
        for kind in (Kind.SHARE, Kind.MIDDLE):
            if promises[kind] is not None:
                promises[kind] /= 100
        return said | {"promises": {k: v for k, v in promises.items() if v}}


def _filled(contract: Contract) -> dict[str, Any]:
    fields = ("name", "sponsor", "label", "collection", "starts", "ends", "planned")
    promises = {
        kind: round(100 * amount, 6) if Kind(kind).is_share else amount
        for kind, amount in contract.promises.items()
    }
    kept = {field: getattr(contract, field) for field in (*fields, "method", "threshold")}
    return kept | promises


def _by_project(labels: Any) -> list[tuple[str, list[tuple[int, str]]]]:
    return [
        (name, [(label.pk, label.name) for label in some])
        for name, some in groupby(labels, key=lambda label: label.project.name)
    ]

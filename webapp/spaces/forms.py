from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from webapp.accounts.models import User, Workspace
from webapp.ids import SomeOf
from webapp.spaces.estimating import Offered
from webapp.spaces.options import DEFAULTS, LIMITS, LOSSES
from webapp.spaces.pair_sets import PairSet
from webapp.spaces.training import SpaceTraining


class SetChoice(SomeOf):
    def label_from_instance(self, one: Any) -> str:
        return f"{one} · {one.n_pairs} pairs"


def _whole(name: str, help_text: str) -> forms.IntegerField:
    least, most, title = LIMITS[name]
    return forms.IntegerField(
        min_value=least, max_value=most, initial=DEFAULTS[name], label=title, help_text=help_text
    )


class TeachForm(forms.Form):
    """What a space is taught from, and how."""

    sources = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    pair_sets = SetChoice(PairSet.objects.none(), required=False)
    epochs = _whole("epochs", "Times through all pairs. It ends earlier when nothing gets better.")
    codes = _whole("codes", "Words of its own that pictures, sound and texts share.")
    most = _whole("most", "Of more, some are taken evenly.")
    patience = _whole("patience", "Epochs without getting better. 0: it goes on to the end.")
    seed = _whole("seed", "The same pairs and seed give the same space.")
    matching = forms.FloatField(
        min_value=0, max_value=100, initial=DEFAULTS["matching"], label=LIMITS["matching"][2],
        help_text="How much the codes of what belongs together are drawn to each other.",
    )  # fmt: skip
    loss = forms.ChoiceField(
        choices=LOSSES, initial=DEFAULTS["loss"], label="Told apart by",
        help_text="How pairs are set apart from the rest; the margin asks for a distance.",
    )  # fmt: skip
    ablation = forms.BooleanField(
        required=False, initial=DEFAULTS["ablation"], label="See what its parts are worth",
        help_text="It is taught twice more, without code matching and without codes, and compared. "
        "Takes three times as long.",
    )  # fmt: skip

    FOLDED = ("codes", "most", "patience", "seed", "matching", "loss")

    def __init__(
        self, workspace: Workspace, offered: Sequence[Offered], data: Any = None, **options: Any
    ) -> None:
        super().__init__(data, **options)
        self.workspace, self.offered = workspace, offered
        there = [one.source.key for one in offered if one.count]
        sources: Any = self.fields["sources"]
        sources.choices = [(one.source.key, one.source.title) for one in offered]
        sources.initial = there
        sets: Any = self.fields["pair_sets"]
        sets.queryset = PairSet.objects.filter(workspace=workspace)

    def request(self, by: User) -> SpaceTraining:
        """Raises Refused."""
        said = self.cleaned_data
        options = {name: said[name] for name in DEFAULTS}
        found: SpaceTraining = SpaceTraining.objects.request(
            self.workspace,
            sources=said["sources"],
            pair_sets=list(said["pair_sets"]),
            options=options,
            by=by,
        )
        return found

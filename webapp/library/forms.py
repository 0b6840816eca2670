from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet

from webapp.accounts.models import Workspace
from webapp.assets.models import Asset, Collection
from webapp.choosing import offer, offer_choices
from webapp.ids import SomeOf


class LibraryForm(forms.Form):
    """What of the library to show. Nonsense in an address counts as nothing asked."""

    q = forms.CharField(max_length=120, required=False)
    kind = forms.ChoiceField(
        choices=[
            ("", "Every kind"),
            ("video", "Video"),
            ("image", "Pictures"),
            ("audio", "Sound"),
            ("sky", "Sky exposures"),
        ],
        required=False,
    )
    collection = forms.ChoiceField(required=False)
    status = forms.ChoiceField(
        choices=[
            ("", "Every status"),
            ("preparing", "Preparing"),
            ("failed", "Failed"),
            ("ready", "Ready"),
            ("analysing", "Being analysed"),
            ("analysed", "Analysed"),
            ("not-analysed", "Not analysed"),
        ],
        required=False,
    )
    sort = forms.ChoiceField(
        choices=[("", "Newest"), ("name", "Name"), ("duration", "Longest"), ("size", "Largest")],
        required=False,
    )
    view = forms.ChoiceField(choices=[("", "Grid"), ("table", "Table")], required=False)

    def __init__(self, data: Any, workspace: Workspace) -> None:
        super().__init__(data)
        self.collections = list(workspace.collections.all())
        choices = [
            ("", "Every collection"),
            *((str(c.pk), c.name) for c in self.collections),
            ("none", "In no collection"),
        ]
        offer_choices(self, "collection", choices)
        for name in ("kind", "status", "sort"):
            self.fields[name].widget.attrs["data-send-on-change"] = True
        self.full_clean()
        for name in self.fields:
            self.cleaned_data.setdefault(name, "")

    @property
    def is_narrowed(self) -> bool:
        return any(self.cleaned_data[name] for name in ("q", "kind", "collection", "status"))

    @property
    def shelf(self) -> Collection | None:
        """The collection being looked at."""
        wanted = self.cleaned_data["collection"]
        return next((c for c in self.collections if str(c.pk) == wanted), None)


class ChosenForm(forms.Form):
    """Assets that were ticked, of one workspace."""

    asset = SomeOf(Asset.objects.none())

    def __init__(self, data: Any, assets: QuerySet[Asset]) -> None:
        super().__init__(data)
        offer(self, "asset", assets)

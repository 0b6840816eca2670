from __future__ import annotations

from django import forms

from webapp.assets.models import Collection
from webapp.assets.uploads import clean_name


class NameForm(forms.Form):
    """A new name for an asset. Never a path."""

    name = forms.CharField(max_length=255)

    def clean_name(self) -> str:
        return clean_name(self.cleaned_data["name"])


class CollectionForm(forms.ModelForm):
    """A collection's name, once in a workspace whatever its letters' case."""

    class Meta:
        model = Collection
        fields = ["name"]

    def clean_name(self) -> str:
        name = " ".join(self.cleaned_data["name"].split())
        others = Collection.objects.filter(workspace=self.instance.workspace_id, name__iexact=name)
        if others.exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(f"There is a collection named {name} already.")
        return name

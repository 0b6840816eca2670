"""The pages that ask before a dataset or a project is deleted."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from webapp import removal
from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.accounts.requests import MemberRequest
from webapp.datasets.dataset import Dataset
from webapp.project_pages.consequences import Consequences, of_dataset, of_project
from webapp.projects.forms import plain
from webapp.projects.models import Project

INVALID = 422


class ConfirmForm(forms.Form):
    """The name, typed: nobody does that by mistake. Of what holds nothing it is not asked."""

    name = forms.CharField(
        required=False, label="", widget=forms.TextInput({"autocomplete": "off"})
    )

    def __init__(self, *args: Any, called: str, is_light: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.called = called
        if is_light:
            del self.fields["name"]
            return
        self.fields["name"].label = f"Type {called} to delete it"

    def clean_name(self) -> str:
        typed = plain(self.cleaned_data["name"])
        if typed.casefold() != plain(self.called).casefold():
            raise forms.ValidationError(f"That is not its name. Type {self.called}.")
        return typed


@may(Action.ANALYSE)
def dataset(request: MemberRequest, pk: int) -> HttpResponse:
    rows = Dataset.objects.select_related("project__workspace")
    found = find(rows, request, Action.ANALYSE, pk=pk)
    return _asked(
        request,
        found,
        of_dataset(found),
        partial(removal.delete_dataset, found, by=request.user),
        back=reverse("dataset-settings", args=[pk]),
        then=reverse("datasets", args=[found.project_id]),
    )


@may(Action.ANALYSE)
def project(request: MemberRequest, pk: int) -> HttpResponse:
    found = find(Project, request, Action.ANALYSE, pk=pk)
    return _asked(
        request,
        found,
        of_project(found),
        partial(removal.delete_project, found, by=request.user),
        back=reverse("project", args=[pk]),
        then=reverse("projects"),
    )


def _asked(
    request: MemberRequest,
    thing: Dataset | Project,
    consequences: Consequences,
    delete: Callable[[], None],
    *,
    back: str,
    then: str,
) -> HttpResponse:
    """Say what would go and stay; posting its name deletes it."""
    form = ConfirmForm(
        request.POST if request.method == "POST" else None,
        called=thing.name,
        is_light=consequences.is_light,
    )
    if request.method == "POST" and form.is_valid():
        try:
            delete()
        except Refused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, f"{thing} is deleted.")
            return redirect(then)
    context = {"thing": thing, "consequences": consequences, "form": form, "back": back}
    status = INVALID if form.errors else 200
    return render(request, "projects/delete.html", context, status=status)

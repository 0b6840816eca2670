"""Listening with a vocabulary: names and words to expect, pasted, uploaded or of a project."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.views.decorators.http import require_POST

from analysis.speech.vocabulary import Vocabulary
from webapp.accounts.access import find, may
from webapp.accounts.models import Action
from webapp.accounts.requests import MemberRequest
from webapp.assets.models import Asset
from webapp.going_back import back
from webapp.indexing.forms import SpeechForm
from webapp.indexing.indexing import BY_A_PERSON, Indexing
from webapp.indexing.refusals import IndexingRefused
from webapp.indexing.text_files import TextFileField
from webapp.projects.models import Label, Project

MOST_TERMS = 500
MOST_TEXT = 100_000  # characters
_PROJECTS = 12  # that are offered


class VocabularyForm(SpeechForm):
    """How an asset is to be listened to, and what is likely to be said in it."""

    channels = forms.ChoiceField(
        choices=[("mixed", "All together"), ("apart", "Each alone")], required=False
    )
    words = forms.CharField(max_length=MOST_TEXT, required=False)
    file = TextFileField()
    projects = forms.ModelMultipleChoiceField(Project.objects.none(), required=False)

    def __init__(self, data: Any, files: Any, *, asset: Asset) -> None:
        super().__init__(data, files)
        field = self.fields["projects"]
        assert isinstance(field, forms.ModelMultipleChoiceField)
        field.queryset = _projects(asset)

    def options(self) -> dict[str, Any]:
        """What was pasted counts more than a file, and that more than a project's names: where
        not all fit, the last are left out."""
        names = "engine", "language", "task", "track", "channels"
        own = {name: self.cleaned_data[name] for name in names}
        said = Vocabulary.of_lines(f"{self.cleaned_data['words']}\n{self.cleaned_data['file']}")
        terms = dict.fromkeys([*said.terms, *_names(self.cleaned_data["projects"])])
        chosen = {name: value for name, value in own.items() if value not in ("", None)}
        text = said.text[:MOST_TEXT]
        return chosen | {"vocabulary": list(terms)[:MOST_TERMS], "text": text}


def offered(asset: Asset) -> list[Project]:
    """The projects whose names can be expected, those that looked for them in the asset first."""
    rows = list(_projects(asset).order_by("name")[:200])
    looked = set(asset.runs.values_list("project_id", flat=True))
    return sorted(rows, key=lambda project: project.pk not in looked)[:_PROJECTS]


def _projects(asset: Asset) -> QuerySet[Project]:
    labels = Label.objects.filter(archived=None)
    rows = Project.objects.filter(workspace=asset.workspace_id, removed=None)
    return rows.filter(pk__in=labels.values("project"))


def _names(projects: Any) -> list[str]:
    labels = Label.objects.filter(project__in=projects, archived=None).order_by("position", "pk")
    return [name for label in labels for name in (label.name, *label.aliases)]


@require_POST
@may(Action.ANALYSE)
def listen(request: MemberRequest, pk: int) -> HttpResponse:
    """Listen to an asset as the form says."""
    asset = find(Asset, request, Action.ANALYSE, pk=pk)
    form = VocabularyForm(request.POST, request.FILES, asset=asset)
    if not form.is_valid():
        messages.error(request, form.sentence())
        return back(request, "asset", asset.pk)
    about = {"by": request.user, "options": form.options(), "priority": BY_A_PERSON}
    try:
        Indexing.objects.request(asset, Indexing.Step.SPEECH, **about)
    except IndexingRefused as refusal:
        messages.error(request, str(refusal))
    return back(request, "asset", asset.pk)

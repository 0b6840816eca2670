"""Two versions of a transcript beside what was really said: which words are wrong in each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from analysis.speech.types import join_words
from analysis.speech.word_errors import Keyword, WordErrors, word_errors
from webapp.accounts.access import find, may
from webapp.accounts.models import Action
from webapp.accounts.requests import MemberRequest
from webapp.assets.models import Asset
from webapp.indexing import transcript
from webapp.indexing.indexing import Indexing
from webapp.indexing.text_files import TextFileField

_LONGEST = 400_000  # characters of a reference
_MOST_PAIRS = 400_000_000  # words of one text times words of the other: 100 MB for a moment
_VERSIONS = 20


class CompareForm(forms.Form):
    """What was really said, and the two versions that are held against it."""

    said = forms.CharField(max_length=_LONGEST, required=False)
    file = TextFileField()
    one = forms.ModelChoiceField(Indexing.objects.none(), required=False)
    other = forms.ModelChoiceField(Indexing.objects.none(), required=False)

    def __init__(self, data: Any, files: Any, *, versions: Sequence[Indexing]) -> None:
        super().__init__(data, files)
        rows = Indexing.objects.filter(pk__in=[version.pk for version in versions])
        for name in ("one", "other"):
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = rows

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        said = cleaned.get("file") or cleaned.get("said", "")
        if not self.errors and not said.strip():
            raise forms.ValidationError("Paste or upload what was really said.")
        return cleaned | {"said": said}


@dataclass(frozen=True, slots=True)
class Compared:
    """A version beside what was said."""

    indexing: Indexing
    errors: WordErrors

    @property
    def runs(self) -> list[tuple[str, str, str]]:
        """Neighbouring words of one kind: the kind, what was said, and what was heard."""
        found = []
        for kind, steps in groupby(self.errors.steps, key=lambda step: step.kind):
            some = list(steps)
            said = " ".join(step.said for step in some if step.said)
            found.append((kind, said, " ".join(step.heard for step in some if step.heard)))
        return found

    @property
    def n_words(self) -> int:
        return len(self.indexing.options.get("vocabulary") or [])


@require_http_methods(["GET", "HEAD", "POST"])
@may(Action.VIEW)
def compare(request: MemberRequest, pk: int) -> HttpResponse:
    """The page: a form, and below it what came of it. Nothing of it is kept."""
    asset = find(Asset, request, pk=pk)
    rows = Indexing.objects.succeeded().filter(asset=asset, step=Indexing.Step.SPEECH)
    versions = list(rows.order_by("-version")[:_VERSIONS])
    is_asked = request.method == "POST"
    form = CompareForm(request.POST if is_asked else None, request.FILES or None, versions=versions)
    context: dict[str, Any] = {"asset": asset, "versions": versions, "form": form}
    context |= {"pair": _usual(versions)}
    if is_asked and form.is_valid():
        chosen = [form.cleaned_data[name] for name in ("one", "other")]
        pair = [one for one in dict.fromkeys(chosen) if one is not None] or context["pair"]
        context |= {"pair": pair, "said": form.cleaned_data["said"]}
        context |= _compared(pair, form.cleaned_data["said"])
    return render(request, "indexing/compare.html", context)


def _usual(versions: Sequence[Indexing]) -> list[Indexing]:
    """The newest without a vocabulary and the newest with one; else the two newest."""
    plain = [one for one in versions if not one.options.get("vocabulary")]
    biased = [one for one in versions if one.options.get("vocabulary")]
    pair = [*plain[:1], *biased[:1]]
    return pair if len(pair) == 2 else sorted(versions[:2], key=lambda one: one.version)


def _compared(pair: Sequence[Indexing], said: str) -> dict[str, Any]:
    terms = list(dict.fromkeys(t for one in pair for t in one.options.get("vocabulary") or []))
    found = []
    for indexing in pair:
        lines = transcript.utterances(indexing, edited=False)
        words = [word.text for line in lines for word in line.words]
        if len(words) * len(said.split()) > _MOST_PAIRS:
            return {"problem": "Both texts are too long to be compared at once: take an excerpt."}
        heard = join_words(words, indexing.language)
        found.append(Compared(indexing, word_errors(said, heard, terms)))
    return {"compared": found, "keywords": _keywords(found)}


def _keywords(found: Sequence[Compared]) -> list[tuple[str, int, list[Keyword | None]]]:
    """By term: how often it was said, and how each version did."""
    by_term = [{keyword.term: keyword for keyword in one.errors.keywords} for one in found]
    terms = dict.fromkeys(term for some in by_term for term in some)
    return [
        (
            term,
            max(some[term].said for some in by_term if term in some),
            [s.get(term) for s in by_term],
        )
        for term in terms
    ]

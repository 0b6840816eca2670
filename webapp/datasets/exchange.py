"""Labelled sets in and out: an archive is looked into first, and comes in when a person says so.

The page sends files resumably and then says which they are; without JavaScript they come with
the form.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from analysis.datasets.formats import TITLES
from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused, User
from webapp.accounts.requests import MemberRequest
from webapp.assets import uploads
from webapp.assets.links import media_link
from webapp.choosing import offer_choices
from webapp.datasets import importing
from webapp.datasets.dataset import Dataset
from webapp.datasets.importing import MAX_BYTES, MAX_FILES, UNMENTIONED
from webapp.datasets.transfers import Transfer
from webapp.datasets.versions import DatasetVersion
from webapp.datasets.views import page_context
from webapp.leases import Status

_INVALID = 422
_SHOWN = 12  # of the imports or exports before


class Files(forms.FileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """One archive, or a file of labels with pictures."""

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        files = [super(FilesField, self).clean(file, initial) for file in data or []]
        if len(files) > MAX_FILES:
            raise ValidationError(f"{MAX_FILES:,} files at a time. Put more into an archive.")
        return files


class ImportForm(forms.Form):
    files = FilesField(  # type: ignore[assignment]  # no attribute: Django takes fields out
        required=False,
        label="An archive, or a file of labels with its pictures",
        widget=Files({"multiple": True}),
        error_messages={"empty": "This file is empty."},
    )
    uploads = forms.CharField(required=False, widget=forms.HiddenInput)  # ids, where they came so
    format = forms.ChoiceField(required=False, choices=[("", "Recognise it"), *TITLES.items()])
    unmentioned = forms.ChoiceField(
        required=False,
        choices=UNMENTIONED,
        label="Pictures that nothing is said of",
        help_text="Never taken for pictures with nothing on them.",
    )
    make_labels = forms.BooleanField(
        required=False, initial=True, label="Make the labels that the project lacks"
    )

    def clean_uploads(self) -> list[UUID]:
        try:
            ids = [UUID(word) for word in self.cleaned_data["uploads"].split(",") if word]
        except ValueError:
            raise ValidationError("Choose the files again.") from None
        if len(ids) > MAX_FILES:
            raise ValidationError(f"{MAX_FILES:,} files at a time. Put more into an archive.")
        return ids

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not self.errors and not values["files"] and not values["uploads"]:
            self.add_error("files", "Choose a file.")
        return values

    def look_into(self, dataset: Dataset, by: User) -> Transfer:
        """What was sent, for a worker to look into. Raises Refused, uploads.NoRoom."""
        values = self.cleaned_data
        return importing.look_into(
            dataset,
            values["files"],
            values["uploads"],
            format=values["format"],
            make_labels=values["make_labels"],
            unmentioned=values["unmentioned"] or "take",
            by=by,
        )


class ExportForm(forms.Form):
    format = forms.ChoiceField(choices=[*TITLES.items()], initial="yolo")
    version = forms.TypedChoiceField(required=False, coerce=int, empty_value=None)
    pictures = forms.BooleanField(required=False, initial=True, label="With the pictures")

    def __init__(self, *args: Any, dataset: Dataset, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        frozen = dataset.versions.filter(status=Status.DONE)
        choices = [(v.number, f"v{v.number}, {v.created:%-d %b %Y}") for v in frozen]
        offer_choices(self, "version", [("", "As it is now"), *choices])


# --- in ---------------------------------------------------------------------------------------


@may(Action.ANALYSE)
def bring_in(request: MemberRequest, pk: int) -> HttpResponse:
    """Choose what to import; posting looks into it and changes nothing yet."""
    found = find(Dataset.objects.select_related("project"), request, Action.ANALYSE, pk=pk)
    form = ImportForm(_sent(request), request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            return redirect("dataset-transfer", form.look_into(found, request.user).pk)
        except (Refused, uploads.NoRoom) as refused:
            form.add_error("files", str(refused))
    context = page_context(found, "import") | {
        "form": form,
        "before": _before(found, Transfer.Kind.IMPORT),
        "unfinished": importing.sent_before(request.user, found.project.workspace)[:_SHOWN],
        "most_bytes": MAX_BYTES,
        "most_sent_bytes": uploads.MAX_IMPORT_BYTES,
        "most_files": MAX_FILES,
    }
    return render(request, "datasets/import.html", context, status=_INVALID if form.errors else 200)


@require_POST
@may(Action.ANALYSE)
def go_on(request: MemberRequest, pk: int) -> HttpResponse:
    """Import what was looked into."""
    row = find(_transfers(), request, Action.ANALYSE, pk=pk)
    try:
        wish = request.POST.get("unmentioned", "")
        row = importing.bring_in(row, unmentioned=wish, by=request.user)
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("dataset-transfer", row.pk)


# --- out --------------------------------------------------------------------------------------


@may(Action.VIEW)
def take_out(request: MemberRequest, pk: int) -> HttpResponse:
    """Choose a format and a version; posting has a worker write it."""
    found = find(Dataset.objects.select_related("project"), request, pk=pk)
    version = request.GET.get("version", "")
    form = ExportForm(_sent(request), dataset=found, initial={"version": version})
    if request.method == "POST":
        found = find(Dataset.objects.select_related("project"), request, Action.ANALYSE, pk=pk)
        if form.is_valid():
            row = Transfer.objects.request(
                found, "export", options=form.cleaned_data, by=request.user
            )
            return redirect("dataset-transfer", row.pk)
    context = page_context(found, "export") | {
        "form": form,
        "before": _before(found, Transfer.Kind.EXPORT),
        "kept_days": Transfer.FILE_KEPT.days,
    }
    return render(request, "datasets/export.html", context, status=_INVALID if form.errors else 200)


@require_safe
@may(Action.VIEW)
def download(request: MemberRequest, pk: int) -> HttpResponse:
    """The file of an export, as long as it is kept."""
    row = find(_transfers(), request, pk=pk)
    if not row.is_kept:
        raise Http404
    return redirect(media_link(row.file, download_as=row.file_name))


# --- both -------------------------------------------------------------------------------------


@require_safe
@may(Action.VIEW)
def report(request: MemberRequest, pk: int) -> HttpResponse:
    """How an import or export stands, and its report; htmx asks again while it works."""
    row = find(_transfers(), request, pk=pk)
    if row.kind not in (Transfer.Kind.IMPORT, Transfer.Kind.EXPORT):
        raise Http404
    tab = str(row.kind)
    tally = row.report.get("tally", {})
    context = page_context(row.dataset, tab) | {
        "row": row,
        "is_check": row.options.get("step") == "check",
        "is_kept": row.is_kept,
        "until": row.finished + Transfer.FILE_KEPT if row.is_kept and row.finished else None,
        "tally": tally,
        "unmentioned": UNMENTIONED,
        "n_coming": tally.get("new", 0) + tally.get("replaced", 0),
        "version": _version_of(row),
        "format": TITLES.get(row.options.get("format", ""), ""),
    }
    if request.htmx:
        return render(request, "datasets/_report.html", context)
    return render(request, "datasets/transfer.html", context)


def _sent(request: MemberRequest) -> QueryDict | None:
    return request.POST if request.method == "POST" else None


def _version_of(row: Transfer) -> DatasetVersion | None:
    number = row.options.get("version")
    return row.dataset.versions.filter(number=number).first() if number is not None else None


def _transfers() -> Any:
    return Transfer.objects.select_related("dataset__project", "created_by")


def _before(found: Dataset, kind: str) -> list[dict[str, Any]]:
    rows = found.transfers.filter(kind=kind).select_related("created_by")[:_SHOWN]
    return [
        {
            "row": row,
            "is_kept": row.is_kept,
            "format": TITLES.get(row.options.get("format", ""), ""),
        }
        for row in rows
    ]

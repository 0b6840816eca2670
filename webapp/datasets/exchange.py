"""Labelled sets in and out: an archive is looked into first, and comes in when a person says so."""

from __future__ import annotations

import re
import secrets
import shutil
import zipfile
from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.files import File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from analysis.datasets.formats import TITLES
from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.assets.links import media_link
from webapp.assets.uploads import clean_name
from webapp.datasets.models import Dataset, DatasetVersion, Transfer
from webapp.datasets.views import page_context
from webapp.leases import Status
from webapp.templatetags.show import size

MAX_BYTES = 4 * 10**9  # of one form; more goes in several archives
MAX_FILES = 100  # chosen one by one, as many as Django takes; more goes in an archive
_INVALID = 422
_SHOWN = 12  # of the imports or exports before
_ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"BZh", b"\xfd7zXZ")


class Files(forms.FileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """One archive, or a file of labels with pictures."""

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        files = [super(FilesField, self).clean(file, initial) for file in data or [None]]
        if len(files) > MAX_FILES:
            raise ValidationError(f"{MAX_FILES:,} files at a time. Put more into an archive.")
        if (total := sum(file.size for file in files)) > MAX_BYTES:
            raise ValidationError(f"{size(total)} at once is too much: {size(MAX_BYTES)} at most.")
        return files


class ImportForm(forms.Form):
    files = FilesField(
        label="An archive, or a file of labels with its pictures",
        widget=Files({"multiple": True}),
        error_messages={"required": "Choose a file.", "empty": "This file is empty."},
    )
    format = forms.ChoiceField(required=False, choices=[("", "Recognise it"), *TITLES.items()])
    make_labels = forms.BooleanField(
        required=False, initial=True, label="Make the labels that the project lacks"
    )


class ExportForm(forms.Form):
    format = forms.ChoiceField(choices=[*TITLES.items()], initial="yolo")
    version = forms.TypedChoiceField(required=False, coerce=int, empty_value=None)
    pictures = forms.BooleanField(required=False, initial=True, label="With the pictures")

    def __init__(self, *args: Any, dataset: Dataset, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        frozen = dataset.versions.filter(status=Status.DONE)
        choices = [(v.number, f"v{v.number}, {v.created:%-d %b %Y}") for v in frozen]
        self.fields["version"].choices = [("", "As it is now"), *choices]  # type: ignore[attr-defined]


# --- in ---------------------------------------------------------------------------------------


@may(Action.ANALYSE)
def bring_in(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose what to import; posting looks into it and changes nothing yet."""
    found = find(Dataset.objects.select_related("project"), request, Action.ANALYSE, pk=pk)
    form = ImportForm(_sent(request), request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            file, name = _keep(form.cleaned_data["files"])
        except Refused as refused:
            form.add_error("files", str(refused))
        else:
            options = {
                "step": "check",
                "preview": True,  # so it is no work over the dataset that its pages tell of
                "name": name,
                "format": form.cleaned_data["format"],
                "make_labels": form.cleaned_data["make_labels"],
            }
            row = Transfer.objects.request(
                found, "import", options=options, file=file, by=request.user
            )
            return redirect("dataset-transfer", row.pk)
    context = page_context(found, "import") | {
        "form": form,
        "before": _before(found, Transfer.Kind.IMPORT),
        "most_bytes": MAX_BYTES,
        "most_files": MAX_FILES,
    }
    return render(request, "datasets/import.html", context, status=_INVALID if form.errors else 200)


def _keep(files: list[UploadedFile]) -> tuple[str, str]:
    """Put what was uploaded into the media storage as one archive; returns its name and theirs.

    Nothing is opened here: a worker unpacks it, with care.
    """
    total = sum(file.size or 0 for file in files)
    free = shutil.disk_usage(settings.UPLOAD_DIR).free - settings.MIN_FREE_BYTES
    if total > free:
        raise Refused(f"The disk is nearly full: {size(total)} came, {size(max(free, 0))} is left.")
    first = clean_name(files[0].name or "")
    name = first if len(files) == 1 else f"{first} and {len(files) - 1} more"
    target = f"transfers/uploads/{secrets.token_hex(16)}"
    if len(files) == 1 and _is_archive(files[0]):
        return default_storage.save(target, files[0]), name
    packed = Path(settings.UPLOAD_DIR) / f"{secrets.token_hex(8)}.zip"
    try:
        with zipfile.ZipFile(packed, "w") as archive:
            for file in files:
                with archive.open(_free_name(archive, file), "w", force_zip64=True) as member:
                    shutil.copyfileobj(file, member, 2**20)
        with packed.open("rb") as whole:
            return default_storage.save(target, File(whole)), name
    finally:
        packed.unlink(missing_ok=True)


def _is_archive(file: UploadedFile) -> bool:
    head = file.read(262)
    file.seek(0)
    return head.startswith(_ARCHIVES) or head[257:262] == b"ustar"


def _free_name(archive: zipfile.ZipFile, file: UploadedFile) -> str:
    name = clean_name(file.name or "")
    taken = set(archive.namelist())
    if name in taken:
        raise Refused(f"{name} was chosen twice. Put both into an archive with their folders.")
    return name


@require_POST
@may(Action.ANALYSE)
def go_on(request: HttpRequest, pk: int) -> HttpResponse:
    """Import what was looked into."""
    row = find(_transfers(), request, Action.ANALYSE, pk=pk)
    is_checked = row.status == Status.DONE and row.report.get("step") == "check"
    if not is_checked or row.report.get("refusal") or not row.file:
        messages.error(request, "This cannot be imported any more. Upload it again.")
        return redirect("dataset-transfer", pk)
    twin = row.dataset.transfers.filter(options__checked_by=row.pk).first()
    if twin is None:  # pressed twice, it is one import
        options = {k: v for k, v in row.options.items() if k != "preview"}
        options |= {"step": "import", "checked_by": row.pk}
        twin = Transfer.objects.request(
            row.dataset, "import", options=options, file=row.file, by=request.user
        )
    return redirect("dataset-transfer", twin.pk)


# --- out --------------------------------------------------------------------------------------


@may(Action.VIEW)
def take_out(request: HttpRequest, pk: int) -> HttpResponse:
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
def download(request: HttpRequest, pk: int) -> HttpResponse:
    """The file of an export, as long as it is kept."""
    row = find(_transfers(), request, pk=pk)
    if row.kind != Transfer.Kind.EXPORT or not is_kept(row):
        raise Http404
    stem = f"{row.dataset.project.name} {row.dataset.name} {row.options['format']}"
    name = re.sub(r"[^\w-]+", "-", stem).strip("-")
    return redirect(media_link(row.file, download_as=f"{name}.zip"))


def is_kept(row: Transfer) -> bool:
    """Whether an export can still be downloaded."""
    is_young = row.finished is not None and row.finished > timezone.now() - Transfer.FILE_KEPT
    return row.status == Status.DONE and bool(row.file) and is_young


# --- both -------------------------------------------------------------------------------------


@require_safe
@may(Action.VIEW)
def report(request: HttpRequest, pk: int) -> HttpResponse:
    """How an import or export stands, and its report; htmx asks again while it works."""
    row = find(_transfers(), request, pk=pk)
    if row.kind not in (Transfer.Kind.IMPORT, Transfer.Kind.EXPORT):
        raise Http404
    tab = str(row.kind)
    kept = is_kept(row) and row.kind == Transfer.Kind.EXPORT
    tally = row.report.get("tally", {})
    context = page_context(row.dataset, tab) | {
        "row": row,
        "is_check": row.options.get("step") == "check",
        "is_kept": kept,
        "until": row.finished + Transfer.FILE_KEPT if kept and row.finished else None,
        "tally": tally,
        "n_coming": tally.get("new", 0) + tally.get("replaced", 0),
        "version": _version_of(row),
        "format": TITLES.get(row.options.get("format", ""), ""),
    }
    if request.htmx:
        return render(request, "datasets/_report.html", context)
    return render(request, "datasets/transfer.html", context)


def _sent(request: HttpRequest) -> QueryDict | None:
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
            "is_kept": is_kept(row),
            "format": TITLES.get(row.options.get("format", ""), ""),
        }
        for row in rows
    ]

"""Labelled sets in and out: an archive is looked into first, and comes in when a person says so.

The page sends files resumably and then says which they are; without JavaScript they come with
the form.
"""

from __future__ import annotations

import re
import secrets
import shutil
import zipfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.files import File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from analysis.datasets.formats import TITLES
from webapp.accounts.access import find, may
from webapp.accounts.models import Action, Refused
from webapp.assets import uploads
from webapp.assets.links import media_link
from webapp.assets.models import Upload
from webapp.assets.uploads import clean_name
from webapp.datasets.models import Dataset, DatasetVersion, Transfer
from webapp.datasets.views import page_context
from webapp.leases import Status
from webapp.templatetags.show import size

MAX_BYTES = 4 * 10**9  # of a form; what is sent resumably may be larger
MAX_FILES = 100  # chosen one by one, as many as Django takes; more goes in an archive
_INVALID = 422
_SHOWN = 12  # of the imports or exports before
_ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"BZh", b"\xfd7zXZ")


class Files(forms.FileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """One archive, or a file of labels with pictures."""

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        files = [super(FilesField, self).clean(file, initial) for file in data or []]
        if len(files) > MAX_FILES:
            raise ValidationError(f"{MAX_FILES:,} files at a time. Put more into an archive.")
        if (total := sum(file.size for file in files)) > MAX_BYTES:
            raise ValidationError(f"{size(total)} at once is too much: {size(MAX_BYTES)} at most.")
        return files


class ImportForm(forms.Form):
    files = FilesField(
        required=False,
        label="An archive, or a file of labels with its pictures",
        widget=Files({"multiple": True}),
        error_messages={"empty": "This file is empty."},
    )
    uploads = forms.CharField(required=False, widget=forms.HiddenInput)  # ids, where they came so
    format = forms.ChoiceField(required=False, choices=[("", "Recognise it"), *TITLES.items()])
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
            return redirect("dataset-transfer", _look_into(request, found, form.cleaned_data).pk)
        except (Refused, uploads.NoRoom) as refused:
            form.add_error("files", str(refused))
    context = page_context(found, "import") | {
        "form": form,
        "before": _before(found, Transfer.Kind.IMPORT),
        "unfinished": _sent_before(request)[:_SHOWN],
        "most_bytes": MAX_BYTES,
        "most_sent_bytes": uploads.MAX_IMPORT_BYTES,
        "most_files": MAX_FILES,
    }
    return render(request, "datasets/import.html", context, status=_INVALID if form.errors else 200)


def _look_into(request: HttpRequest, found: Dataset, values: dict[str, Any]) -> Transfer:
    """What was sent, for a worker to look into. Asked for twice, it is one. Raises Refused."""
    sent = [str(pk) for pk in values["uploads"]]
    if sent and (twin := found.transfers.filter(options__uploads=sent).first()):
        return twin
    came = _whole(request, values["uploads"])
    with ExitStack() as opened:
        files = values["files"] or [opened.enter_context(_file_of(upload)) for upload in came]
        file, name = _keep(files)
    options = {
        "step": "check",
        "preview": True,  # so it is no work over the dataset that its pages tell of
        "name": name,
        "format": values["format"],
        "make_labels": values["make_labels"],
    }
    options |= {"uploads": sent} if sent else {}
    row = Transfer.objects.request(found, "import", options=options, file=file, by=request.user)
    for upload in came:
        uploads.discard(upload)
    return row


def _sent_before(request: HttpRequest) -> QuerySet[Upload]:
    """This person's files that are on their way, or here and not yet asked for."""
    mine = Upload.objects.filter(user=request.user, workspace=request.membership.workspace)
    return mine.filter(purpose=Upload.Purpose.IMPORT, error="").order_by("created")


def _whole(request: HttpRequest, ids: list[UUID]) -> list[Upload]:
    """The uploads of these ids, in this order. Raises Refused where one is not here."""
    here = {upload.pk: upload for upload in _sent_before(request).filter(pk__in=ids)}
    for pk in ids:
        if pk not in here:
            raise Refused("A file is not here any more. Choose the files again.")
        if uploads.held_bytes(here[pk]) != here[pk].size_bytes:
            raise Refused(f"{here[pk].name} has not arrived as a whole. Choose it again to go on.")
    return [here[pk] for pk in ids]


def _file_of(upload: Upload) -> File:
    return File(uploads.path_of(upload).open("rb"), name=upload.name)


def _keep(files: Sequence[File]) -> tuple[str, str]:
    """Put what came into the media storage as one archive; returns its name and theirs.

    Nothing is opened here: a worker unpacks it, with care.
    """
    first = clean_name(files[0].name or "")
    name = first if len(files) == 1 else f"{first} and {len(files) - 1} more"
    target = f"transfers/uploads/{secrets.token_hex(16)}"
    if len(files) == 1 and _is_archive(files[0]):
        _put(files[0], target)
        return target, name
    _need_room(sum(file.size or 0 for file in files))
    packed = Path(settings.UPLOAD_DIR) / f"{secrets.token_hex(8)}.zip"
    try:
        with zipfile.ZipFile(packed, "w") as archive:
            for file in files:
                with archive.open(_free_name(archive, file), "w", force_zip64=True) as member:
                    shutil.copyfileobj(file, member, 2**20)
        uploads.store(packed, target)
        return target, name
    finally:
        packed.unlink(missing_ok=True)


def _put(file: File, target: str) -> None:
    """One archive, whichever way it came. What is on the disk already takes no room again."""
    if isinstance(file, UploadedFile):
        _need_room(file.size or 0)
        default_storage.save(target, file)
    else:
        uploads.store(Path(file.file.name), target)


def _need_room(n_bytes: int) -> None:
    free = shutil.disk_usage(settings.UPLOAD_DIR).free - settings.MIN_FREE_BYTES
    if n_bytes > free:
        raise Refused(
            f"The disk is nearly full: {size(n_bytes)} came, {size(max(free, 0))} is left."
        )


def _is_archive(file: File) -> bool:
    head = file.read(262)
    file.seek(0)
    return head.startswith(_ARCHIVES) or head[257:262] == b"ustar"


def _free_name(archive: zipfile.ZipFile, file: File) -> str:
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
        options = {k: v for k, v in row.options.items() if k not in ("preview", "uploads")}
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

"""An import from its files to the dataset: looked into first, and brought in when asked for."""

from __future__ import annotations

import secrets
import shutil
import zipfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet

from webapp.accounts.models import Refused, User, Workspace
from webapp.assets import uploads
from webapp.assets.models import Upload
from webapp.assets.uploads import clean_name
from webapp.datasets.dataset import Dataset
from webapp.datasets.transfers import Transfer
from webapp.leases import Status
from webapp.templatetags.show import size

MAX_BYTES = 4 * 10**9  # in one request; what is sent resumably may be larger
MAX_FILES = 100  # chosen one by one, as many as Django takes; more goes in an archive
# What becomes of pictures that no line speaks of.
UNMENTIONED = [("take", "Take them in without labels"), ("leave", "Leave them out")]
_ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"BZh", b"\xfd7zXZ")


def look_into(
    dataset: Dataset,
    files: Sequence[UploadedFile],
    sent: Sequence[UUID] = (),
    *,
    format: str = "",
    make_labels: bool = True,
    unmentioned: str = "take",
    by: User,
) -> Transfer:
    """What came, or was sent before by uploads, for a worker to look into; changes nothing yet.

    Asked for twice, uploads make one import. Raises Refused, uploads.NoRoom.
    """
    ids = [str(pk) for pk in sent]
    if ids and (twin := dataset.transfers.filter(options__uploads=ids).first()):
        return twin
    if (total := sum(file.size or 0 for file in files)) > MAX_BYTES:
        raise Refused(f"{size(total)} at once is too much: {size(MAX_BYTES)} at most.")
    came = _whole(by, dataset.project.workspace, sent)
    with ExitStack() as opened:
        whole: Sequence[File] = files
        file, name = _keep(whole or [opened.enter_context(_file_of(upload)) for upload in came])
    options = {
        "step": "check",
        "preview": True,  # so it is no work over the dataset that its pages tell of
        "name": name,
        "format": format,
        "make_labels": make_labels,
        "unmentioned": unmentioned,
    }
    options |= {"uploads": ids} if ids else {}
    row = Transfer.objects.request(dataset, "import", options=options, file=file, by=by)
    for upload in came:
        uploads.discard(upload)
    return row


def bring_in(row: Transfer, *, unmentioned: str = "", by: User) -> Transfer:
    """Import what was looked into; asked for twice, it is one import. Raises Refused.

    unmentioned: what becomes of pictures that nothing is said of, where that was decided since.
    """
    if unmentioned and unmentioned not in dict(UNMENTIONED):
        raise Refused(f"Pictures that nothing is said of: {' or '.join(dict(UNMENTIONED))}.")
    is_checked = row.status == Status.DONE and row.report.get("step") == "check"
    if not is_checked or row.report.get("refusal") or not row.file:
        raise Refused("This cannot be imported any more. Upload it again.")
    if twin := row.dataset.transfers.filter(options__checked_by=row.pk).first():
        return twin
    options = {k: v for k, v in row.options.items() if k not in ("preview", "uploads")}
    options |= {"step": "import", "checked_by": row.pk}
    if unmentioned:
        options["unmentioned"] = unmentioned
    return Transfer.objects.request(row.dataset, "import", options=options, file=row.file, by=by)


def sent_before(user: User, workspace: Workspace) -> QuerySet[Upload]:
    """A person's files that are on their way, or here and not yet asked for."""
    mine = Upload.objects.filter(user=user, workspace=workspace)
    return mine.filter(purpose=Upload.Purpose.IMPORT, error="").order_by("created")


def _whole(user: User, workspace: Workspace, ids: Sequence[UUID]) -> list[Upload]:
    """The uploads of these ids, in this order. Raises Refused where one is not here."""
    here = {upload.pk: upload for upload in sent_before(user, workspace).filter(pk__in=ids)}
    for pk in ids:
        if pk not in here:
            raise Refused("A file is not here any more. Choose the files again.")
        if uploads.held_bytes(here[pk]) != here[pk].size_bytes:
            raise Refused(f"{here[pk].name} has not arrived as a whole. Choose it again to go on.")
    return [here[pk] for pk in ids]


def _file_of(upload: Upload) -> File[bytes]:
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
        assert file.file is not None
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

"""Labelled sets that come as files, and datasets that leave as files."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from analysis.datasets import version as versions
from analysis.datasets.archive import unpack
from analysis.datasets.fidelity import fatal, summary
from analysis.datasets.formats import TITLES, counts, read, write
from analysis.datasets.picture_files import SUFFIXES
from analysis.datasets.rest import unmentioned
from analysis.datasets.split_names import SPLITS
from analysis.datasets.types import LabelledBox, LabelledPicture, LabelledSet, Problem
from analysis.errors import AnalysisError, Stopped, UnreadableMedia
from webapp.datasets.dataset import Dataset
from webapp.datasets.samples import Annotation, Sample, labels_by_word
from webapp.datasets.transfers import Transfer
from webapp.projects.models import Label, Project
from workers.datasets.frame_numbers import number_frames
from workers.datasets.matching import as_called_here
from workers.datasets.pictures import shown
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import full_disk_is_said, keep_file, local_path

_UNPACKED, _READ = 0.25, 0.35  # of an import, how much is done when it is unpacked and read
_NAME_LETTERS = 60  # of a label
_NAMED = 250  # labels, and pictures that nothing speaks of, in a report


@contextmanager
def _folder(transfer: Transfer) -> Iterator[Path]:
    """A new folder for files in the making; gone afterwards, or when the work is taken up again."""
    scratch = Path(settings.CACHE_DIR) / "scratch"
    for left in scratch.glob(f"transfer-{transfer.pk}-*"):  # by a worker that was killed
        shutil.rmtree(left, ignore_errors=True)
    folder = scratch / f"transfer-{transfer.pk}-{transfer.lease_token}"
    folder.mkdir(parents=True)
    try:
        with full_disk_is_said():
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# --- in -----------------------------------------------------------------------------------


def bring_in(transfer: Transfer, beat: Heartbeat) -> dict[str, Any]:
    """An archive of labelled pictures → samples, keyed by source, newest wins.

    Options: `format` ("": recognise it), `make_labels`, `unmentioned` ("take" or "leave": pictures
    that nothing speaks of), and `step`: "check" reads everything and changes nothing. The report
    says what would come, or came, and what did not.
    """
    is_check = transfer.options.get("step") == "check"
    if not transfer.file:
        raise AnalysisError("The uploaded file was deleted meanwhile. Upload it again.")
    with _folder(transfer) as folder:
        unpack(
            local_path(transfer.file),
            folder / "set",
            on_progress=lambda share: beat.note(progress=share * (1 if is_check else _UNPACKED)),
            should_stop=beat.should_stop,
        )
        labelled, problems, name = read(
            _top(folder / "set"),
            transfer.options.get("format", ""),
            take_unmentioned=transfer.options.get("unmentioned", "take") == "take",
        )
        coming = _Coming.of(transfer, labelled, problems, beat)
        report = coming.report() | {"format": name, "title": TITLES[name], "step": "check"}
        beat.note(progress=1.0 if is_check else _READ)
        if is_check:
            return {"report": report}
        if coming.refusal:
            transfer.renew(report=report)
            raise AnalysisError(coming.refusal)
        _make_labels(coming, transfer)
        _store(coming, transfer, beat)
        report |= coming.report() | {"step": "import"}
    return {"report": report}


def _top(folder: Path) -> Path:
    """The folder in which the set begins: an archive is often one folder that holds the rest."""
    inside = list(folder.iterdir())
    is_wrapper = len(inside) == 1 and inside[0].is_dir() and inside[0].name.lower() not in SPLITS
    return _top(inside[0]) if is_wrapper else folder


@dataclass
class _Coming:
    """A set that was read, held against the dataset it is to come into."""

    dataset: Dataset
    labelled: LabelledSet
    problems: list[Problem]
    known: dict[str, Label]
    samples: Mapping[str, Sample]
    drawn_here: Set[int]  # samples with a box that a person drew or accepted here
    since: datetime  # what is here from then on this very import brought, before it was cut off
    refusal: str = ""
    new_labels: list[str] = field(default_factory=list)
    lost_labels: list[str] = field(default_factory=list)
    tally: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(
        cls, transfer: Transfer, read: LabelledSet, problems: list[Problem], beat: Heartbeat
    ) -> _Coming:
        dataset = transfer.dataset
        number_frames(dataset)
        samples = {s.source: s for s in dataset.samples.with_video_names()}
        file = transfer.options.get("name", "")
        labelled, more = as_called_here(read, samples, file, beat.should_stop)
        problems = problems + more
        known = labels_by_word(dataset.project)
        by_people = Annotation.objects.filter(
            sample__dataset=dataset, source=Annotation.Source.PERSON
        )
        drawn = set(by_people.values_list("sample", flat=True))
        coming = cls(dataset, labelled, problems, known, samples, drawn, transfer.created)
        coming.refusal = coming._why_not()
        coming._sort_labels(make=bool(transfer.options.get("make_labels", True)))
        for picture in labelled.pictures:
            fate = coming.fate(picture)
            coming.tally[fate] = coming.tally.get(fate, 0) + 1
        return coming

    def _why_not(self) -> str:
        if refused := fatal(self.problems):
            return refused.message
        if not self.labelled.pictures:
            return "There is no picture in it that can be used."
        is_concept = self.labelled.task == "concept"
        if is_concept and self.dataset.task == Dataset.Task.BOXES:
            return (
                "Its labels are of whole pictures, and this dataset is of boxes. Import it into "
                "a dataset of whole pictures."
            )
        return ""

    def _sort_labels(self, *, make: bool) -> None:
        missing = [n for n in self.labelled.labels if n.casefold() not in self.known]
        room = Project.MAX_LABELS - self.dataset.current_labels().count()
        for name in missing:
            can = make and 0 < len(" ".join(name.split())) <= _NAME_LETTERS
            (self.new_labels if can and len(self.new_labels) < room else self.lost_labels).append(
                name
            )
        for name in self.lost_labels:
            self._tell_lost(name, room, make=make)

    def _tell_lost(self, name: str, room: int, *, make: bool) -> None:
        used = sum(b.label == name for p in self.labelled.pictures for b in p.boxes)
        used += sum(name in p.labels for p in self.labelled.pictures)
        if not make:
            why = "the project has no such label"
        elif len(name) > _NAME_LETTERS:
            why = f"a label has {_NAME_LETTERS} letters at most"
        else:
            why = f"a project holds {Project.MAX_LABELS} labels at most"
        times = "once" if used == 1 else f"{used:,} times"
        message = f"“{name[:_NAME_LETTERS]}” is left out, {times}: {why}."
        self.problems.append(Problem(name[:_NAME_LETTERS], "ERROR_UNKNOWN_LABEL", message))

    def fate(self, picture: LabelledPicture) -> str:
        """What becomes of a picture: new, replaced, kept (what is here is newer), known (it is here
        and says nothing new), or missing."""
        sample = self.samples.get(picture.source)
        if sample is None or sample.removed:
            return "new" if picture.file else "missing"
        if not picture.is_labelled:
            return "new" if sample.created >= self.since else "known"
        when = _when(picture)
        # What says no time of its own never takes the place of what a person drew here.
        is_newer_here = sample.pk in self.drawn_here if when is None else sample.changed > when
        if sample.state == "labelled" and is_newer_here:
            return "kept"
        return "new" if sample.created >= self.since else "replaced"

    def report(self) -> dict[str, Any]:
        used = {b.label for p in self.labelled.pictures for b in p.boxes}
        used |= {name for p in self.labelled.pictures for name in p.labels}
        return {
            "counts": counts(self.labelled),
            "kinds": summary(self.problems),
            "n_errors": sum(p.is_error for p in self.problems),
            "labels": [n for n in self.labelled.labels if n in used][:_NAMED],
            "new_labels": self.new_labels,
            "n_unmentioned": len(names := unmentioned(self.problems)),
            "unmentioned": names[:_NAMED],
            "tally": self.tally,
            "refusal": self.refusal,
        }


def _when(picture: LabelledPicture) -> datetime | None:
    """When the picture was labelled, as far as it says; never later than now."""
    try:
        time = datetime.fromisoformat(picture.changed)
    except ValueError:
        return None
    return min(time if time.tzinfo else time.replace(tzinfo=UTC), timezone.now())


def _make_labels(coming: _Coming, transfer: Transfer) -> None:
    """Add the labels that the project lacks."""
    project = transfer.dataset.project
    _, refusals = project.add_labels(coming.new_labels, by=transfer.created_by)
    for refusal in refusals:
        coming.problems.append(Problem(project.name, "ERROR_UNKNOWN_LABEL", refusal))
    coming.known = labels_by_word(project)


def _store(coming: _Coming, transfer: Transfer, beat: Heartbeat) -> None:
    pictures = coming.labelled.pictures
    tally: dict[str, int] = {}
    for number, picture in enumerate(pictures, 1):
        if beat.should_stop():
            raise Stopped
        fate = coming.fate(picture)
        if fate in ("new", "replaced"):
            try:
                _store_picture(coming, picture, transfer)
            except UnreadableMedia as error:
                problem = Problem(picture.source, "ERROR_INVALID_IMAGE", error.message)
                coming.problems.append(problem)
                fate = "unreadable"
        tally[fate] = tally.get(fate, 0) + 1
        beat.note(progress=_READ + (1 - _READ) * number / len(pictures))
    coming.tally = tally


def _store_picture(coming: _Coming, picture: LabelledPicture, transfer: Transfer) -> None:
    """The picture with what is on it, as a whole: a worker that dies leaves no half of it."""
    sample = coming.samples.get(picture.source)
    # What is called so and was not removed has these pixels: `as_called_here` saw to it.
    is_here = sample is not None and not sample.removed
    stored = None
    if picture.file:
        came = shown(Path(picture.file))
        stored = None if is_here else came.stored(transfer.dataset)
    with transaction.atomic():
        if stored is not None:
            marks = _marks(picture)
            sample = transfer.dataset.add_picture(source=picture.source, **stored, **marks)
        assert sample is not None
        if picture.is_labelled:
            _label(sample, picture, coming, transfer)


def _label(sample: Sample, picture: LabelledPicture, coming: _Coming, transfer: Transfer) -> None:
    words = coming.known
    if transfer.dataset.task == Dataset.Task.CONCEPT:
        said = dict.fromkeys([*picture.labels, *(b.label for b in picture.boxes)])
        names = [name for name in said if name.casefold() in words]
        if said and not names:
            return
        sample.set_labels(names, by=transfer.created_by, labels=words)
    else:
        if picture.labels and not picture.boxes:
            return  # it says what the picture shows and not where: that does not make it empty
        boxes = [_named(box) for box in picture.boxes if box.label.casefold() in words]
        if picture.boxes and not boxes:
            return  # all that was on it is left out: that does not make it empty
        sample.annotate(boxes, by=transfer.created_by, source="import", labels=words)
    if (when := _when(picture)) is not None:
        # It was said then, not now: of two imports the newer wins, whichever comes first.
        Sample.objects.filter(pk=sample.pk).update(changed=when)


def _named(box: LabelledBox) -> LabelledBox:
    track = box.track if box.track is None or 0 <= box.track < 2**31 else None
    return replace(box, track=track)


def _marks(picture: LabelledPicture) -> dict[str, Any]:
    """What a sample keeps of a picture beside its pixels and labels."""
    is_synthetic = picture.is_synthetic
    marks: dict[str, Any] = {
        "origin": Sample.Origin.SYNTHETIC if is_synthetic else Sample.Origin.IMPORT
    }
    if picture.split:
        marks["given_split"] = picture.split
    if picture.is_golden and not is_synthetic:
        marks["is_golden"] = True
    if picture.time_s is not None:
        marks["time_s"] = picture.time_s
    if picture.video and picture.frame is not None:
        marks |= {"video": picture.video[-255:], "frame": picture.frame}
    # Groups of another installation may bear the names of ours, and mean something else.
    if picture.group:
        marks["group"] = f"came:{picture.group}"[:64]
    elif picture.video:
        marks["group"] = f"video:{picture.video[-58:]}"  # what tells videos apart is at the end
    return marks


# --- out ----------------------------------------------------------------------------------


def take_out(transfer: Transfer, beat: Heartbeat) -> dict[str, Any]:
    """A dataset, or a version of it, as a zip in some format.

    Options: `format`, `version` (its number; none: as it is now), `pictures` (false: labels only).
    """
    options = transfer.options
    labelled, said_by_model = by_people(_leaving(transfer))
    name = options["format"]
    total, done = max(len(labelled.pictures), 1), 0

    def file_of(picture: LabelledPicture) -> Path | None:
        nonlocal done
        if beat.should_stop():
            raise Stopped
        done += 1
        beat.note(progress=0.5 * min(done / total, 1.0))
        try:
            return local_path(picture.file)
        except FileNotFoundError:
            return None

    with _folder(transfer) as folder:
        with_pictures = options.get("pictures", True)
        wanted = file_of if with_pictures else None
        problems = [*said_by_model, *write(labelled, folder / "set", name, wanted)]
        packed = _packed(folder, beat)
        file = keep_file(f"transfers/{transfer.pk}/{transfer.lease_token}.zip", packed)
        report = {
            "format": name,
            "title": TITLES[name],
            "counts": counts(labelled),
            "kinds": summary(problems),
            "n_errors": sum(p.is_error for p in problems),
            "size_bytes": packed.stat().st_size,
        }
    return {"report": report, "file": file}


def _leaving(transfer: Transfer) -> LabelledSet:
    """What is exported: the version that is asked for, else the dataset as it is."""
    number = transfer.options.get("version")
    number_frames(transfer.dataset)
    if number is None:
        labelled = transfer.dataset.as_labelled_set()
    else:
        frozen = transfer.dataset.versions.get(number=number)
        if not frozen.is_frozen:
            raise AnalysisError(f"{frozen} is not frozen yet.", permanent=False)
        labelled = _numbered(versions.read(local_path(frozen.file)), transfer.dataset)
    if not labelled.pictures:
        raise AnalysisError("There is no picture to export.")
    return labelled


def by_people(labelled: LabelledSet) -> tuple[LabelledSet, list[Problem]]:
    """Without what the model labelled itself, and a word about it: formats do not say who did."""
    pictures = tuple(p for p in labelled.pictures if not p.is_pseudo)
    n = len(labelled.pictures) - len(pictures)
    if not n:
        return labelled, []
    said = f"{n:,} pictures were labelled by the model and no person, and are left out."
    return replace(labelled, pictures=pictures), [Problem("", "PSEUDO_LABELS", said, False)]


def _numbered(labelled: LabelledSet, dataset: Dataset) -> LabelledSet:
    """A version that was frozen before its frames had numbers, with those of the dataset."""
    known = dataset.samples.exclude(frame=None).values_list("source", "frame")
    numbers = dict(known) if any(p.video and p.frame is None for p in labelled.pictures) else {}
    pictures = [
        replace(p, frame=numbers.get(p.source)) if p.video and p.frame is None else p
        for p in labelled.pictures
    ]
    return replace(labelled, pictures=pictures)


def _packed(folder: Path, beat: Heartbeat) -> Path:
    """The files of `set` in a zip beside it, each gone once it is in; pictures as they are."""
    target = folder / "set.zip"
    files = sorted(p for p in (folder / "set").rglob("*") if p.is_file())
    with zipfile.ZipFile(target, "w") as archive:
        for number, path in enumerate(files, 1):
            if beat.should_stop():
                raise Stopped
            is_picture = path.suffix.lower() in SUFFIXES
            how = zipfile.ZIP_STORED if is_picture else zipfile.ZIP_DEFLATED
            archive.write(path, path.relative_to(folder / "set"), how)
            path.unlink()
            beat.note(progress=0.5 + 0.5 * number / len(files))
    shutil.rmtree(folder / "set")
    return target

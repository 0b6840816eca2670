"""Pictures for a dataset: uploaded ones, frames of videos, and ones that are made."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from django.db import transaction
from numpy.typing import NDArray
from PIL import Image

from analysis.datasets.frame_choice import least_sure, middles, thinned, uncertainty
from analysis.datasets.near_duplicates import hash_picture
from analysis.datasets.types import LabelledBox
from analysis.errors import AnalysisError, Stopped, UnreadableMedia
from analysis.film.schedule import SamplingOptions, samples
from analysis.film.shots import find_shots
from analysis.media.frame_table import FrameTable
from analysis.media.frames import FrameReader, read_picture
from analysis.media.probe import examine
from analysis.media.thumbnails import jpeg
from analysis.sky.formats import format_of_file
from analysis.synthesis.logo_files import read_logo
from analysis.synthesis.pictures import SynthesisedPicture, SynthesisOptions
from analysis.synthesis.pictures import synthesise as make_pictures
from webapp.assets.models import Asset
from webapp.datasets.dataset import Dataset
from webapp.datasets.logos import LogoFile
from webapp.datasets.samples import Sample, labels_by_word
from webapp.datasets.transfers import Transfer
from webapp.projects.models import snapshot
from webapp.review_queue.taught import Before
from workers.datasets.thumbs import keep_thumb, small
from workers.engine.heartbeat import Heartbeat
from workers.engine.originals import keep, keep_once, local_path
from workers.media.arrival import arrived
from workers.review_queue import learn

_KEPT_AS_THEY_ARE = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp"}
_MOST_PIXELS = 100 * 10**6
_ORIENTATION = 0x0112
_BACKGROUNDS = 60  # held in memory while pictures are made
_SIDE = 1280  # pixels, the longer one, of what pictures are made of
_MOST_PROBLEMS = 100  # listed in a report

Tell = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture as it will be stored: its bytes, its ending, and its pixels for the hash."""

    data: bytes
    suffix: str
    image: NDArray[np.uint8]

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    def keep(self, dataset: Dataset, source: str, **more: Any) -> Sample:
        """Store it and put it into the dataset."""
        return dataset.add_picture(source=source, **self.stored(dataset), **more)

    def stored(self, dataset: Dataset) -> dict[str, Any]:
        """Put the files in place; returns what `Dataset.add_picture` wants to know of them."""
        sha256 = self.sha256
        height, width = self.image.shape[:2]
        return {
            "file": keep_once(dataset.file_name(sha256, self.suffix), self.data),
            "sha256": sha256,
            "width": width,
            "height": height,
            "phash": hash_picture(self.image),
            "thumb": keep_thumb(dataset, sha256, self.image, len(self.data)),
        }


# --- pictures and frames ---------------------------------------------------------------------


def take_pictures(transfer: Transfer, beat: Heartbeat) -> dict[str, Any]:
    """Assets of the library → samples. Options: `assets`, `names` (of each, by id, where it came
    in a folder), `how` ("pictures", "interval", "difference", "shot", "unsure", "reviewed"),
    `every_s`, `most` (for each video)."""
    options = transfer.options
    ids = options["assets"]
    workspace = transfer.dataset.project.workspace_id
    stands = {pk: Asset.objects.standing_for(pk) for pk in ids}
    names = {stands.get(int(pk), 0): name for pk, name in options.get("names", {}).items()}
    known = Asset.objects.filter(workspace=workspace).in_bulk(stands.values())
    assets = {pk: known[to] for pk, to in stands.items() if to in known}
    report: dict[str, Any] = {"added": 0, "videos": [], "problems": []}
    if missing := len(set(ids) - assets.keys()):
        report["problems"].append(f"{missing} were deleted from the library meanwhile.")
    found = [assets[pk] for pk in ids if pk in assets]
    for index, asset in enumerate(found):

        def tell(share: float, done: int = index) -> None:
            beat.note(progress=(done + share) / len(found), report=report)
            if beat.should_stop():
                raise Stopped

        tell(0.0)
        try:
            name = names.get(asset.pk, "")
            _take(transfer, arrived(asset, beat), name, report, tell)
        except AnalysisError as error:
            if not error.permanent:
                raise
            report["problems"].append(f"{asset.name}: {error.message}")
    n_problems = len(report["problems"])
    if n_problems > _MOST_PROBLEMS:
        more = f"And {n_problems - _MOST_PROBLEMS} more could not be used."
        report["problems"] = [*report["problems"][:_MOST_PROBLEMS], more]
    if not report["added"] and not report["videos"] and n_problems:
        raise AnalysisError(" ".join(report["problems"][:3]))
    return {"report": report}


def _take(transfer: Transfer, asset: Asset, name: str, report: dict[str, Any], tell: Tell) -> None:
    options = transfer.options
    path = local_path(asset.file)
    if asset.kind == Asset.Kind.SKY or format_of_file(path):
        raise UnreadableMedia("It is an exposure of the sky: datasets of brands have none.")
    if options["how"] == "reviewed":
        for _ in _reviewed(transfer, asset, path, tell):
            report["added"] += 1
    elif options["how"] == "pictures":
        if asset.kind == Asset.Kind.VIDEO or (shown := _picture(path)) is None:
            info, _ = examine(path)
            if info.kind == "audio":
                raise UnreadableMedia("It is sound, not a picture.")
            if info.kind == "video":
                report["videos"].append(asset.pk)
                return
            shown = _painted(path)
        called = _free_name(transfer.dataset, name or asset.name, asset, shown)
        shown.keep(transfer.dataset, called, asset=asset, origin=Sample.Origin.UPLOAD)
        report["added"] += 1
    else:
        for _ in frames_of(transfer, asset, path, tell):
            report["added"] += 1


def _reviewed(transfer: Transfer, asset: Asset, path: Path, tell: Tell) -> Iterator[Sample]:
    """What people decided about frames of this asset, in the review queue and where they read."""
    dataset, told = transfer.dataset, learn.wanted(transfer, asset)
    about = {"asset": asset, "origin": Sample.Origin.REVIEW}
    if asset.kind != Asset.Kind.VIDEO:
        picture = _picture(path) or _painted(path)
        for one in told:
            source = _free_name(dataset, asset.name, asset, picture)
            before = Before.of(dataset, source)
            sample = picture.keep(dataset, source, **about)
            learn.say(dataset, one, sample, before)
            yield sample
        return
    name = called(dataset, asset)
    for n, (one, time_s, image) in enumerate(learn.frames(path, told)):
        tell(n / len(told))
        picture = Shown(jpeg(image, quality=93), ".jpg", image)
        source = f"{name}@{time_s:.3f}"
        before = Before.of(dataset, source)
        sample = picture.keep(dataset, source, time_s=time_s, **about)
        learn.say(dataset, one, sample, before)
        yield sample


def _free_name(dataset: Dataset, name: str, asset: Asset, shown: Shown) -> str:
    """A picture's name, with its number where another picture of the dataset is called so."""
    here, numbered = dataset.samples.current(), f"{name} ({asset.pk})"
    if here.filter(source=numbered[-255:]).exists():
        return numbered
    others = here.filter(source=name[-255:]).exclude(sha256=shown.sha256).exclude(asset=asset)
    return numbered if others.exists() else name


def shown(path: Path) -> Shown:
    """A picture file of whatever kind as a dataset stores it. Raises UnreadableMedia."""
    return _picture(path) or _painted(path)


def _picture(path: Path) -> Shown | None:
    """A picture that browsers show upright as it is; None for anything else, also for damage."""
    try:
        with Image.open(path, formats=list(_KEPT_AS_THEY_ARE)) as picture:
            is_plain = picture.getexif().get(_ORIENTATION, 1) == 1
            n_frames = getattr(picture, "n_frames", 1)
            if not is_plain or n_frames > 1 or picture.width * picture.height > _MOST_PIXELS:
                return None
            suffix = _KEPT_AS_THEY_ARE[picture.format or ""]
            # Where it can be seen through there is white, as everywhere.
            rgba = picture.convert("RGBA") if picture.mode in ("RGBA", "LA", "PA", "P") else None
            if rgba is not None:
                white = Image.new("RGBA", rgba.size, "white")
                picture_rgb = Image.alpha_composite(white, rgba).convert("RGB")
            else:
                picture_rgb = picture.convert("RGB")
            image = np.asarray(picture_rgb)[..., ::-1]
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, Image.DecompressionBombError):
        return None
    return Shown(path.read_bytes(), suffix, np.ascontiguousarray(image))


def _painted(path: Path) -> Shown:
    """A picture in another format, turned or damaged: as displayed, in a JPEG of our own."""
    image = read_picture(path)
    return Shown(jpeg(image, quality=95), ".jpg", image)


def frames_of(transfer: Transfer, asset: Asset, path: Path, tell: Tell) -> Iterator[Sample]:
    """Store the frames of a video that the options ask for."""
    options = transfer.options
    table = _table(asset, path)
    most = int(options.get("most", 100))
    chosen, scores = _chosen(transfer, asset, path, table, most, tell)
    share = 0.5 if options["how"] != "interval" else 0.0
    name = called(transfer.dataset, asset)
    with FrameReader(path, chosen, hop=True) as reader:
        for number, frame in enumerate(reader):
            tell(share + (1 - share) * number / max(len(chosen), 1))
            image = frame.bgr()
            yield Shown(jpeg(image, quality=93), ".jpg", image).keep(
                transfer.dataset,
                f"{name}@{frame.time_s:.3f}",
                asset=asset,
                time_s=frame.time_s,
                origin=Sample.Origin.FRAME,
                uncertainty=scores.get(frame.time_s),
            )


def _table(asset: Asset, path: Path) -> FrameTable:
    rendition = asset.rendition("frame_table")
    if rendition is not None:
        return FrameTable.unpack(local_path(rendition.file).read_bytes())
    info, table = examine(path)
    if info.kind != "video":
        raise UnreadableMedia("It is no video, so there are no frames to take.")
    return table


def called(dataset: Dataset, asset: Asset) -> str:
    """What its frames are named by: its name, and its number where two have that name."""
    others = dataset.samples.filter(source__startswith=f"{asset.name}@").exclude(asset=asset)
    return f"{asset.name} ({asset.pk})" if others.exists() else asset.name


def _chosen(
    transfer: Transfer, asset: Asset, path: Path, table: FrameTable, most: int, tell: Tell
) -> tuple[list[float], dict[float, float]]:
    """The times to take, and how unsure the detector was where it was asked."""
    how, every_s = transfer.options["how"], float(transfer.options.get("every_s", 1.0))
    times = samples(table, SamplingOptions("interval", every_s))["time_s"]
    if how == "interval":
        return thinned(times, most), {}
    if how == "shot":
        with FrameReader(path, [], span_s=(0.0, table.end_s)) as reader:
            for _ in reader:
                tell(0.1)
            shots = find_shots(reader.changes, table.end_s)
        return thinned(middles(shots, table.times_s), most), {}
    if how == "difference":
        change = float(transfer.options.get("change", 0.08))
        with FrameReader(path, times, hold_below=change) as reader:
            found = []
            for frame in reader:
                tell(0.5 * frame.time_s / max(table.end_s, 0.1))
                found.append(frame.time_s)
        return thinned(found, most), {}
    scores = _unsure(transfer, path, times, table.end_s, tell)
    chosen = least_sure(list(scores), list(scores.values()), most, 2 * every_s)
    if not chosen:
        raise AnalysisError(
            "The detector is sure of every frame it looked at, or sees nothing in any. Take "
            "frames by shot instead."
        )
    return chosen, {t: scores[t] for t in chosen}


def _unsure(
    transfer: Transfer, path: Path, times: NDArray[np.float64], end_s: float, tell: Tell
) -> dict[float, float]:
    """How unsure the project's detector is of each of these frames."""
    from workers.runs import loaded

    inputs = snapshot(transfer.dataset.project)
    detector = loaded.detector(inputs, {}, should_stop=lambda: False)
    seen: list[float] = []

    def frames(reader: FrameReader) -> Iterator[Any]:
        for frame in reader:
            tell(0.5 * frame.time_s / max(end_s, 0.1))
            seen.append(frame.time_s)
            yield frame

    with FrameReader(path, times) as reader:
        found = list(detector.detect(frames(reader)))
    return {
        time_s: uncertainty([d.confidence for d in detections])
        for time_s, detections in zip(seen, found, strict=True)
    }


# --- synthesis -------------------------------------------------------------------------------


def synthesise(transfer: Transfer, beat: Heartbeat) -> dict[str, Any]:
    """Make pictures of logos. Options: `logos` ([{"label": name, "file", "name", "logo_file"}]),
    `backgrounds` ("made", "nothing", or "frames" of `assets`), `count`, `seed`, `painting`
    (SynthesisOptions), `preview` (then nothing is put into the dataset)."""
    options = transfer.options
    logos = _logos(options["logos"])
    backgrounds = _backgrounds(transfer)
    count, seed = int(options["count"]), int(options["seed"])
    painting = SynthesisOptions(seed=seed, **options.get("painting", {}))
    known = labels_by_word(transfer.dataset.project)
    report: dict[str, Any] = {"added": 0, "boxes": 0, "pictures": []}
    for number, made in enumerate(_made(logos, backgrounds, count, painting)):
        beat.note(progress=number / count, report=report)
        if beat.should_stop():
            raise Stopped
        boxes = [LabelledBox(label, box) for label, box in made.boxes]
        shown = Shown(jpeg(made.image, quality=90), ".jpg", made.image)
        report["boxes"] += len(boxes)
        if options.get("preview"):
            report["pictures"].append(_previewed(transfer, number, shown, boxes))
            continue
        with transaction.atomic():
            sample = shown.keep(
                transfer.dataset,
                f"synthetic {transfer.pk}/{number:06d}",
                origin=Sample.Origin.SYNTHETIC,
            )
            sample.annotate(boxes, by=transfer.created_by, source="synthetic", labels=known)
        report["added"] += 1
    return {"report": report}


def _made(
    logos: dict[str, list[NDArray[np.uint8]]],
    backgrounds: list[NDArray[np.uint8]],
    count: int,
    painting: SynthesisOptions,
) -> Iterator[SynthesisedPicture]:
    """The pictures. Where a label has several logos they take turns, a stretch of pictures each:
    logos are made ready once a stretch."""
    turns = max(map(len, logos.values()))
    stretch = count if turns == 1 else max(1, min(25, count // turns))
    for start in range(0, count, stretch):
        turn = start // stretch
        drawn = {label: files[turn % len(files)] for label, files in logos.items()}
        n = min(stretch, count - start)
        yield from make_pictures(drawn, backgrounds, n, painting, start=start)


def _logos(wanted: Sequence[dict[str, Any]]) -> dict[str, list[NDArray[np.uint8]]]:
    """The logos of each label, cut out. Raises AnalysisError naming the first that cannot be."""
    logos: dict[str, list[NDArray[np.uint8]]] = {}
    for row in wanted:
        try:
            logo = read_logo(local_path(row["file"]))
        except AnalysisError as error:
            message = error.message.removeprefix(f"{Path(row['file']).name}: ")
            if row.get("logo_file"):
                LogoFile.objects.filter(pk=row["logo_file"]).update(problem=message)
            raise AnalysisError(f"{row['name']}: {message}") from error
        if row.get("logo_file"):
            _show(row, logo)
        logos.setdefault(row["label"], []).append(small(logo, _SIDE))
    if not logos:
        raise AnalysisError("No logo was chosen.")
    return logos


def _show(row: dict[str, Any], logo: NDArray[np.uint8]) -> None:
    """A drawing is shown as it was painted: browsers get no SVG of strangers."""
    files = LogoFile.objects.filter(pk=row["logo_file"])
    files.exclude(problem="").update(problem="")
    if not files.filter(shown="").exists():
        return
    encoded, png = cv2.imencode(".png", small(logo, 256))
    assert encoded
    files.update(shown=keep(f"{row['file']}.png", png.tobytes()))


def _backgrounds(transfer: Transfer) -> list[NDArray[np.uint8]]:
    options = transfer.options
    if options["backgrounds"] == "nothing":
        labelled = transfer.dataset.samples.current().filter(
            state=Sample.State.LABELLED, annotations=None, labels=[]
        )
        # What is tested on is no background to train on.
        real = labelled.exclude(origin=Sample.Origin.SYNTHETIC)
        files = (
            real.exclude(is_golden=True).exclude(given_split="test").values_list("file", flat=True)
        )
        chosen = [files[i] for i in _places(files.count(), _BACKGROUNDS, options["seed"])]
        found = [small(read_picture(local_path(file)), _SIDE) for file in chosen]
        if not found:
            raise AnalysisError(
                "No picture of this dataset is marked “nothing here”, so there is no background."
            )
        return found
    if options["backgrounds"] == "frames":
        workspace = transfer.dataset.project.workspace_id
        assets = Asset.objects.filter(pk__in=options["assets"], workspace=workspace)
        found = [image for asset in assets for image in _scenes(asset, len(assets))]
        if not found:
            raise AnalysisError("The videos chosen as backgrounds are gone.")
        return found
    return []


def _places(count: int, most: int, seed: int) -> list[int]:
    order = np.random.default_rng(int(seed)).permutation(count)
    return sorted(int(i) for i in order[:most])


def _scenes(asset: Asset, n_assets: int) -> Iterator[NDArray[np.uint8]]:
    """Frames along a video, or the picture where the asset is one."""
    path = local_path(asset.file)
    if asset.kind == Asset.Kind.IMAGE:
        yield small(read_picture(path), _SIDE)
        return
    times = thinned(_table(asset, path).times_s, max(4, _BACKGROUNDS // n_assets))
    with FrameReader(path, times, hop=True) as reader:
        for frame in reader:
            yield small(frame.bgr(), _SIDE)


def _previewed(
    transfer: Transfer, number: int, shown: Shown, boxes: Sequence[LabelledBox]
) -> dict[str, Any]:
    height, width = shown.image.shape[:2]
    return {
        "file": keep(f"previews/{transfer.pk}/{number}.jpg", shown.data),
        "width": width,
        "height": height,
        "boxes": [{"label": b.label, "box": [*b.box]} for b in boxes],
    }

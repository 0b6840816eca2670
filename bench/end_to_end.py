"""From a film to rows in the database, beside a loop around `yolo predict`.

    python -m bench.end_to_end [--quick] [--json FILE]

The film is made here: one minute of 1080p30 H.264 at 6 Mbit/s, invented brands' logos on moving
boards. The model is the demo's YOLO26n. Ours is what a worker does: list the frames, plan the run,
analyse its segments in leases, store rows in SQLite, join the tracks. Model and libraries are
loaded and warm on both sides before the clock starts.

bare      decoding (PyAV, all threads, no conversion) plus inference of as many frames (OpenVINO,
          throughput hint, asynchronous) measured alone, one after the other
peer      OpenCV VideoCapture (frames not wanted are grabbed, not converted) and ultralytics'
          model.predict with its defaults, on the same frames with the same weights
followed  the same run where a detector looks at key samples and what it finds is followed to the
          others, which is what a project does unless told otherwise; in time, and in seconds on
          screen beside those of the run in which every sample was inferred. One board hides up
          to 57 % of another there, which the detector mostly loses and following does not: so both
          are held against what the film shows as well, where it leaves no doubt (a brand's board
          is covered by no more than 30 %, or each of its boards by more than 70 %)
two       two worker processes on one minute, at 5 frames a second, beside one; each of them and its
          decoders are kept to a core of their own
picture   from the request for a picture's analysis to its rows
memory    resident memory of a worker and its decoder together, at its highest, for five minutes of
          the film and for twenty; every frame decoded, one a second analysed (--quick: key frames
          alone). A segment of five minutes fills what is bounded, which one of a minute does not

Every figure is the median of its rounds, which alternate between the sides.
"""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.films import RATE, ROOT, match_film, repeated, visible_shares
from bench.report import Report, arguments
from demo.brands import BRANDS

MODEL = ROOT / "demo" / "model.safetensors"
SHAPE = (384, 640)  # what a 16:9 frame becomes for the network
SURE = 0.3  # the peer's boxes above this must be found again …
SAME = 0.8  # … at this intersection over union


@dataclass(frozen=True, slots=True)
class Mode:
    """How densely the film is looked at, and what ours may take of the peer's time."""

    name: str
    options: dict[str, Any]
    step: int  # every so many frames
    bar: float  # where every sample is inferred
    followed_bar: float  # where most are followed to


MODES = (
    Mode("5 frames a second", {"mode": "interval", "interval_s": 0.2}, RATE // 5, 0.6, 0.35),
    Mode("every frame", {"mode": "every"}, 1, 0.45, 0.2),
)
BARE_BAR = 1.15
FOUND_BAR = 0.98
SECONDS_BAR = 0.01  # of the seconds on screen, by which following may differ from looking at each
SEEN, UNSEEN = 0.7, 0.3  # visible shares from which a board is on screen, below which it is not
COUNTS = 0.5  # confidence from which a box counts
TWO_BAR = 1.8
PICTURE_BAR = 0.5
MEMORY_BAR = 1.10


def main(argv: Sequence[str] | None = None) -> int:
    if sys.argv[1:2] == ["--worker"]:
        return work_on(int(sys.argv[2]), int(sys.argv[3]))
    options = arguments(__doc__.partition("\n")[0], argv)
    film = match_film(15 if options.quick else 60)
    report = Report("end_to_end", peer="yolo predict")
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        model = _weights(folder)
        rounds = 1 if options.quick else 3
        worker = Worker(folder / "ours", model)
        _measure(report, film, worker, Peer(model, folder), folder, rounds)
        _report_two(report, worker, _minute(film, folder), rounds)
        _report_picture(report, worker, film, folder)
        _memory(report, film, model, folder, quick=options.quick)
    return report.finish(options.json)


def _weights(folder: Path) -> Path:
    """The demo's model; before there is one, random weights, which find nothing worth comparing."""
    if MODEL.exists():
        return MODEL
    from analysis.models.compact import save_compact
    from analysis.models.ultralytics_fence import ultralytics

    ultralytics()
    from ultralytics.nn.tasks import DetectionModel

    print("demo/model.safetensors is not there: random weights, times only", flush=True)
    network = DetectionModel("yolo26n.yaml", nc=5, verbose=False)
    return save_compact(network.eval(), folder / "model.safetensors")


# ---- Times -------------------------------------------------------------------------------------


def _measure(
    report: Report, film: Path, ours: Worker, peer: Peer, folder: Path, rounds: int
) -> None:
    engine = _bare_engine(ours.model, folder)
    for mode in MODES:
        wanted = range(0, _length(film), mode.step)
        sides = ("ours", "followed", "peer", "decode", "engine")
        seconds: dict[str, list[float]] = {side: [] for side in sides}
        for turn in range(rounds):
            seconds["decode"].append(_timed(lambda: _bare_decode(film)))
            seconds["engine"].append(_timed(lambda w=wanted: engine(len(w))))
            run = ours.prepare(film, mode.options)
            seconds["ours"].append(_timed(lambda run=run: ours.work(run)))
            other = ours.prepare(film, mode.options | {"follow": True})
            seconds["followed"].append(_timed(lambda run=other: ours.work(run)))
            boxes: list[NDArray[np.float64]] = []
            seconds["peer"].append(_timed(lambda w=wanted, b=boxes: b.extend(peer.look(film, w))))
            print(mode.name, turn, {k: round(v[-1], 2) for k, v in seconds.items()}, flush=True)
        _report_times(report, mode, {k: statistics.median(v) for k, v in seconds.items()})
        _report_agreement(report, mode, ours.boxes(run), boxes)
        _report_on_screen(report, mode, ours.boxes(other), ours.boxes(run))
        _report_true(report, mode, film, ours.boxes(other), ours.boxes(run))
        report.extra[mode.name] = seconds


def _report_times(report: Report, mode: Mode, median: dict[str, float]) -> None:
    bare = median["decode"] + median["engine"]
    ours, peer = median["ours"], median["peer"]
    for what, value in (("bare decoding", median["decode"]), ("bare inference", median["engine"])):
        report.row(f"{mode.name}: {what} (s)", round(value, 2))
    for what, took, beside, bar in (
        ("film to rows, beside bare", ours, bare, BARE_BAR),
        ("film to rows", ours, peer, mode.bar),
        ("film to rows, followed", median["followed"], peer, mode.followed_bar),
    ):
        report.row(
            f"{mode.name}: {what} (s)",
            round(took, 2),
            round(beside, 2),
            ratio=took / beside,
            bar=f"<= {bar} x",
            holds=took <= bar * beside,
        )


def _report_on_screen(
    report: Report,
    mode: Mode,
    followed: Sequence[NDArray[np.float64]],
    each: Sequence[NDArray[np.float64]],
) -> None:
    """Seconds on screen, all labels together, as boxes (n, 6) of each sample give them."""
    sample_s = mode.step / RATE
    a, b = (sample_s * int(_are_on_screen(side).sum()) for side in (followed, each))
    report.row(
        f"{mode.name}: seconds on screen, followed beside inferred",
        round(a, 1),
        round(b, 1),
        ratio=a / b if b else None,
        bar=f"± {SECONDS_BAR:.0%}",
        holds=b > 0 and abs(a - b) <= SECONDS_BAR * b,
    )


def _report_true(
    report: Report,
    mode: Mode,
    film: Path,
    followed: Sequence[NDArray[np.float64]],
    each: Sequence[NDArray[np.float64]],
) -> None:
    """The same beside what the film shows, of samples and labels about which it leaves no doubt."""
    shares = visible_shares(_length(film) // RATE, mode.step)
    visible = np.array([[share.get(brand.stem, 0.0) for brand in BRANDS] for share in shares])
    is_sure = (visible >= SEEN) | (visible < UNSEEN)
    sides = [_are_on_screen(side) for side in (followed, each)]
    wrong_s, on_screen_s = (
        [mode.step / RATE * int((flags & is_sure).sum()) for flags in some]
        for some in ([side != (visible >= SEEN) for side in sides], sides)
    )
    a, b = on_screen_s
    report.row(
        f"{mode.name}: the same, where the film leaves no doubt",
        round(a, 1),
        round(b, 1),
        ratio=a / b if b else None,
        bar=f"± {SECONDS_BAR:.0%}",
        holds=b > 0 and abs(a - b) <= SECONDS_BAR * b,
    )
    report.row(
        f"{mode.name}: wrong seconds of them, followed beside inferred",
        round(wrong_s[0], 1),
        round(wrong_s[1], 1),
        bar="<= 1 x",
        holds=wrong_s[0] <= wrong_s[1] + 1e-9,
    )


def _are_on_screen(boxes: Sequence[NDArray[np.float64]]) -> NDArray[np.bool_]:
    """Of each sample (rows) and brand (columns), whether it counts."""
    flags = np.zeros((len(boxes), len(BRANDS)), bool)
    for sample, some in zip(flags, boxes, strict=True):
        sample[some[some[:, 4] >= COUNTS, 5].astype(int)] = True
    return flags


def _report_two(report: Report, worker: Worker, minute: Path, rounds: int) -> None:
    cores = sorted(os.sched_getaffinity(0))[:2]
    took: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds):
        for count, seconds in took.items():
            seconds.append(worker.work_by(cores[:count], minute, MODES[0].options))
    one, two = (statistics.median(seconds) for seconds in took.values())
    report.row(
        "a minute by two worker processes, beside one (s)",
        round(two, 2),
        round(one, 2),
        ratio=one / two,
        bar=f">= {TWO_BAR} x",
        holds=len(cores) == 2 and one >= TWO_BAR * two,
    )
    report.extra["workers"] = took


def _report_picture(report: Report, worker: Worker, film: Path, folder: Path) -> None:
    from analysis.media.frames import extract_frame
    from analysis.media.thumbnails import jpeg

    seconds = []
    for number in range(5):
        picture = folder / f"{number}.jpg"
        picture.write_bytes(jpeg(extract_frame(film, number + 0.5).bgr(), quality=90))
        worker.asset(picture)
        seconds.append(_timed(lambda p=picture: worker.work(worker.prepare(p, MODES[0].options))))
    took = statistics.median(seconds)
    report.row(
        "a picture, from request to rows (s)",
        round(took, 3),
        bar=f"<= {PICTURE_BAR}",
        holds=took <= PICTURE_BAR,
    )


def _report_agreement(
    report: Report,
    mode: Mode,
    ours: Sequence[NDArray[np.float64]],
    theirs: Sequence[NDArray[np.float64]],
) -> None:
    """How many of the peer's sure boxes (n, 6: xyxy, confidence, label) ours has too."""
    wanted = found = 0
    for mine, yours in zip(ours, theirs, strict=True):
        for box in yours[yours[:, 4] > SURE]:
            alike = mine[mine[:, 5] == box[5]]
            wanted += 1
            found += bool(len(alike)) and bool(_overlap(box, alike).max() >= SAME)
    report.row(
        f"{mode.name}: its boxes above {SURE} found again at IoU {SAME}",
        found,
        wanted,
        ratio=found / wanted if wanted else None,
        bar=f">= {FOUND_BAR} x",
        holds=wanted > 0 and found >= FOUND_BAR * wanted,
    )


def _overlap(box: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    sides = np.minimum(box[2:4], others[:, 2:4]) - np.maximum(box[:2], others[:, :2])
    shared = np.prod(np.maximum(sides, 0), axis=1)
    area = np.prod(others[:, 2:4] - others[:, :2], axis=1) + np.prod(box[2:4] - box[:2])
    return shared / np.maximum(area - shared, 1e-12)


def _timed(do: Callable[[], object]) -> float:
    gc.collect()
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def _bare_decode(film: Path) -> None:
    import av

    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        for _ in container.decode(stream):
            pass


def _length(film: Path) -> int:
    import av

    with av.open(str(film)) as container:
        return container.streams.video[0].frames


def _bare_engine(model: Path, folder: Path) -> Callable[[int], None]:
    """OpenVINO alone: one random picture, so many times, as fast as it goes."""
    import openvino

    from analysis.models.onnx_graph import export_onnx

    core = openvino.Core()
    graph = core.read_model(export_onnx(model, folder / "bare"))
    graph.reshape([1, 3, *SHAPE])
    compiled = core.compile_model(graph, "CPU", {"PERFORMANCE_HINT": "THROUGHPUT"})
    queue = openvino.AsyncInferQueue(compiled)
    picture = np.random.default_rng(0).random((1, 3, *SHAPE), np.float32)

    def run(count: int) -> None:
        for _ in range(count):
            queue.start_async({0: picture}, share_inputs=True)
        queue.wait_all()

    run(8)
    return run


# ---- The peer ----------------------------------------------------------------------------------


class Peer:
    """OpenCV and ultralytics, as its documentation's own loop uses them."""

    def __init__(self, model: Path, folder: Path) -> None:
        from analysis.models.network import load_model
        from analysis.models.ultralytics_fence import ultralytics

        network = load_model(model)
        self._size = network.args["imgsz"]
        import torch

        checkpoint = folder / "peer.pt"
        torch.save({"model": network, "train_args": {"imgsz": self._size}}, checkpoint)
        self._model = ultralytics().YOLO(checkpoint)
        self._predict(np.zeros((1080, 1920, 3), np.uint8))

    def look(self, film: Path, wanted: range) -> Iterator[NDArray[np.float64]]:
        """Boxes (n, 6) of each wanted frame: xyxy as fractions, confidence, label."""
        import cv2

        capture = cv2.VideoCapture(str(film))
        for number in range(wanted.stop):
            if number not in wanted:
                capture.grab()
                continue
            is_read, image = capture.read()
            assert is_read, f"OpenCV gives no frame {number}"
            yield self._predict(image)
        capture.release()

    def _predict(self, image: NDArray[np.uint8]) -> NDArray[np.float64]:
        [result] = self._model.predict(image, imgsz=self._size, device="cpu", verbose=False)
        height, width = image.shape[:2]
        boxes = result.boxes.data.numpy().astype(float)
        return boxes / np.array([width, height, width, height, 1, 1])


# ---- Ours --------------------------------------------------------------------------------------


class Worker:
    """A worker with a database of its own, in this process."""

    def __init__(self, folder: Path, model: Path) -> None:
        self.model = model
        folder.mkdir()
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "webapp.settings",
            "SIGHTLINE_DATA": str(folder),
            "SIGHTLINE_CACHE": str(folder.parent / "cache"),  # one for all workers of this bench
        }
        for name in ("DATABASE_URL", "SIGHTLINE_BROKER", "SIGHTLINE_MEDIA"):
            os.environ.pop(name, None)
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        self._found_project(model)
        _warm_up(self._inputs)

    def _found_project(self, model: Path) -> None:
        from analysis.models.describe import describe
        from webapp.accounts.models import User, Workspace
        from webapp.projects.colours import COLOURS
        from webapp.projects.models import Label, Project, label_snapshot

        owner = User.objects.create_user("bench@example.org", "none", name="Bench")
        self._workspace = Workspace.found("Bench", by=owner)
        self._project = Project.objects.create(
            workspace=self._workspace, name="Bench", created_by=owner
        )
        described = describe(model)
        self._labels = list(described.labels)
        labels = [
            Label.objects.create(
                project=self._project, name=name, colour=COLOURS[i % len(COLOURS)], position=i
            )
            for i, name in enumerate(self._labels)
        ]
        stored = self._store(model, "models")
        self._inputs = {
            "project": "Bench",
            "labels": [label_snapshot(label) for label in labels],
            "model": {
                "id": 1,
                "name": "bench v1",
                "file": stored,
                "sha256": described.sha256,
                "labels": self._labels,
            },
        }

    def _store(self, path: Path, folder: str) -> str:
        from django.conf import settings

        target = Path(settings.MEDIA_ROOT) / folder / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            target.symlink_to(path)
        return f"{folder}/{path.name}"

    def prepare(self, film: Path, sampling: dict[str, Any]) -> Any:
        """A run that somebody asked for."""
        from webapp.runs.run import Run

        options = {"interval_s": 0.2, "change": 0.03, "tile": None} | sampling
        return Run.objects.create(
            asset=self.asset(film),
            project=self._project,
            options=options,
            inputs=self._inputs,
            software_version="bench",
            input_hash=str(time.time_ns()),
        )

    def asset(self, film: Path) -> Any:
        """The film or picture, as it is once it was uploaded."""
        from analysis.models.formats import sha256
        from webapp.assets.models import Asset
        from webapp.leases import Status

        asset, _ = Asset.objects.get_or_create(
            workspace=self._workspace,
            sha256=sha256(film),
            defaults={
                "name": film.name,
                "size_bytes": film.stat().st_size,
                "file": self._store(film, "assets"),
                "status": Status.DONE,
                "kind": Asset.Kind.VIDEO if film.suffix == ".mp4" else Asset.Kind.IMAGE,
                "duration_s": _length(film) / RATE if film.suffix == ".mp4" else 0.0,
                "width": 1920,
                "height": 1080,
            },
        )
        return asset

    def work(self, run: Any) -> None:
        """From the file to rows: list its frames, plan, analyse, finish."""
        from webapp.runs.run import Run
        from workers.runs import analyse

        if run.asset.kind == run.asset.Kind.VIDEO:
            self._list_frames(run.asset)
        assert analyse.plan_next()
        while analyse.analyse_next():
            pass
        assert analyse.finish_next()
        run.refresh_from_db()
        assert run.status == Run.Status.SUCCEEDED, run.error

    def work_by(self, cores: Sequence[int], film: Path, sampling: dict[str, Any]) -> float:
        """How many seconds as many processes take, each kept to one of these cores."""
        from workers.runs import analyse

        run = self.prepare(film, sampling)
        self._list_frames(run.asset)
        assert analyse.plan_next()
        command = [sys.executable, "-m", "bench.end_to_end", "--worker", str(run.pk)]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        workers = [subprocess.Popen([*command, str(c)], cwd=ROOT, **pipes) for c in cores]
        for worker in workers:
            worker.stdout.readline()  # until it is warm
        began = time.perf_counter()
        for worker in workers:
            worker.stdin.close()
        ended = [worker.wait() for worker in workers]
        assert not any(ended), ended
        took = time.perf_counter() - began
        assert analyse.finish_next()
        return took

    def _list_frames(self, asset: Any) -> None:
        from analysis.media.frame_table import read_frame_table
        from webapp.assets.models import Rendition
        from workers.engine.originals import keep, local_path

        table = read_frame_table(local_path(asset.file))
        file = keep(f"renditions/{asset.pk}/frame-table.bin", table.pack())
        Rendition.keep(asset, "frame_table", file, frames=len(table.times_s), end_s=table.end_s)

    def boxes(self, run: Any) -> list[NDArray[np.float64]]:
        """What the database holds: (n, 6) for each analysed frame, as the peer's."""
        from analysis.film.columns import Columns
        from webapp.runs.segments import SegmentResult

        parts = SegmentResult.objects.filter(segment__run=run).order_by("segment__index")
        columns = Columns.join(Columns.unpack(part.columns) for part in parts)
        positions = {label["id"]: i for i, label in enumerate(self._inputs["labels"])}
        found = columns.detections
        fields = [found[name].astype(float) for name in ("x1", "y1", "x2", "y2", "confidence")]
        labels = np.array([positions[i] for i in found["label"].tolist()], float)
        rows = np.stack([*fields, labels], axis=1) if len(found) else np.empty((0, 6))
        return [rows[found["frame"] == i] for i in range(len(columns.frames))]


def _warm_up(inputs: dict[str, Any]) -> None:
    """Load and compile the model, as a worker has after its first run."""
    from analysis.media.frames import Frame
    from workers.runs import loaded

    options = {"mode": "interval", "interval_s": 0.2, "change": 0.03, "tile": None}
    detector = loaded.detector(inputs, options, should_stop=lambda: False)
    blank = Frame.from_bgr(np.zeros((1080, 1920, 3), np.uint8))
    assert len(list(detector.detect([blank] * 4))) == 4


def work_on(run: int, core: int) -> int:
    """One of several processes on a run, kept to a core: when it is warm, it says so and waits."""
    import django

    os.sched_setaffinity(0, {core})
    django.setup()
    from webapp.runs.run import Run
    from workers.runs import analyse

    _warm_up(Run.everything.get(pk=run).inputs)
    print("warm", flush=True)
    sys.stdin.read()
    while analyse.analyse_next():
        pass
    return 0


# ---- Memory ------------------------------------------------------------------------------------


def _memory(report: Report, film: Path, model: Path, folder: Path, *, quick: bool) -> None:
    sampling = {"mode": "key"} if quick else {"mode": "interval", "interval_s": 1.0}
    minute = _minute(film, folder)
    peaks = [
        _peak_megabytes(
            repeated(minute, minutes, folder / f"{minutes}.mp4"),
            model,
            folder / f"memory-{minutes}",
            sampling,
        )
        for minutes in (5, 20)
    ]
    report.row(
        "peak memory, 20 minutes beside 5 minutes (MB)",
        round(peaks[1]),
        round(peaks[0]),
        ratio=peaks[1] / peaks[0],
        bar=f"<= {MEMORY_BAR} x",
        holds=peaks[1] <= MEMORY_BAR * peaks[0],
    )


def _minute(film: Path, folder: Path) -> Path:
    turns = round(60 * RATE / _length(film))
    return repeated(film, turns, folder / "one.mp4")


def _peak_megabytes(film: Path, model: Path, folder: Path, sampling: dict[str, Any]) -> float:
    """The highest resident memory of a worker process and its children, analysing a film."""
    call = f"from bench.end_to_end import work_alone; work_alone(*{(str(film), str(model))!r}, "
    code = f"{call}{str(folder)!r}, {sampling!r})"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, _resident_bytes(process.pid))
        time.sleep(0.02)
    if process.returncode:
        raise SystemExit(f"the worker ended with {process.returncode}")
    return peak / 1e6


def work_alone(film: str, model: str, folder: str, sampling: dict[str, Any]) -> None:
    """One run in this process: what the memory measurement watches."""
    worker = Worker(Path(folder), Path(model))
    worker.work(worker.prepare(Path(film), sampling))


def _resident_bytes(pid: int) -> float:
    """Of a process and all that it started. What several of them share is counted once (Pss)."""
    try:
        said = Path(f"/proc/{pid}/smaps_rollup").read_text()
        started = [
            child
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:  # it ended while we looked
        return 0
    kilobytes = said.partition("\nPss:")[2].split()[:1] or ["0"]
    return 1024 * float(kilobytes[0]) + sum(_resident_bytes(int(child)) for child in started)


if __name__ == "__main__":
    sys.exit(main())

"""One pass over a stretch of film: the right frames, found things, cuts, tracks and thumbnails."""

import cv2
import numpy as np
import pytest

from analysis.errors import Stopped, UnreadableMedia
from analysis.film.columns import FRAME
from analysis.film.schedule import SamplingOptions, samples, stretches
from analysis.film.stretch import analyse_picture, analyse_stretch, picture_result
from analysis.media.frame_table import read_frame_table
from analysis.media.frames import KEPT
from analysis.types import Box, Detection
from tests.analysis.clips import constant, number_in, numbered, write_clip

SIZE = (320, 192)
BOARD = Box(0.1, 0.3, 0.4, 0.6)


class BoardFinder:
    """Finds the striped board in a frame, and says which frame it looked at.

    Reads `ahead` frames before it answers for the first, as a compiled network does.
    """

    labels = ("Aurora",)
    source = "yolo"

    def __init__(self, ahead: int = 3):
        self.ahead = ahead
        self.seen: list[int] = []

    def detect(self, frames):
        waiting = []
        for frame in frames:
            self.seen.append(number_in(frame.luma))
            waiting.append(self._look(frame.bgr()))
            if len(waiting) > self.ahead:
                yield waiting.pop(0)
        yield from waiting

    def _look(self, image):
        height, width = image.shape[:2]
        part = image[int(0.3 * height) : int(0.6 * height), int(0.1 * width) : int(0.4 * width)]
        return [Detection(BOARD, "Aurora", 0.9, "yolo")] if part.std() > 60 else []


def paint(number: int) -> np.ndarray:
    """A board with stripes from frame 10 on; another scene from frame 50 on."""
    image = numbered(number, SIZE, shade=90 if number < 50 else 200)
    if number >= 50:
        image[80:] = (120, 250, 120)
    if number >= 10:
        left, right = round(BOARD.x1 * SIZE[0]), round(BOARD.x2 * SIZE[0])
        top, bottom = round(BOARD.y1 * SIZE[1]), round(BOARD.y2 * SIZE[1])
        image[top:bottom, left:right] = 240
        image[top:bottom, left:right:8] = 10
        image[top:bottom, left + 1 : right : 8] = 10
        image[top:bottom, left + 2 : right : 8] = 10
    return image


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """100 frames, 4 s; key frames at every 25th."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return write_clip(path, constant(100), size=SIZE, gop=25, paint=paint)


def chosen(clip, **options) -> tuple[np.ndarray, SamplingOptions]:
    sampling = SamplingOptions(**options)
    return samples(read_frame_table(clip), sampling), sampling


def test_each_sample_gets_what_its_own_frame_shows(clip):
    rows, sampling = chosen(clip, mode="interval", interval_s=0.2)
    finder = BoardFinder()

    result = analyse_stretch(clip, rows, finder, sampling=sampling, follow=False)

    assert finder.seen == list(range(0, 100, 5))
    times = [r.sample.time_s for r in result.results]
    assert times == pytest.approx(rows["time_s"].tolist())
    assert [len(r.detections) for r in result.results] == [0, 0] + [1] * 18
    assert (result.n_held, result.n_missing, result.problem) == (0, 0, None)
    assert result.seconds > 0


def test_what_is_followed_is_what_each_frame_shows(clip):
    rows, sampling = chosen(clip, mode="every")
    finder = BoardFinder()
    each = analyse_stretch(clip, rows, BoardFinder(), sampling=sampling, follow=False)
    followed = analyse_stretch(clip, rows, finder, sampling=sampling)

    assert len(finder.seen) < 12  # of 100
    assert [bool(r.detections) for r in followed.results] == [
        bool(r.detections) for r in each.results
    ]


def test_dwells_are_those_of_the_samples(clip):
    rows, sampling = chosen(clip, mode="every")

    result = analyse_stretch(clip, rows, [BoardFinder()], sampling=sampling)

    dwell = sum(r.sample.dwell_s for r in result.results if r.detections)
    assert dwell == pytest.approx(90 / 25)


def test_a_cut_found_on_the_way_ends_the_track(clip):
    rows, sampling = chosen(clip, mode="every")

    result = analyse_stretch(clip, rows, BoardFinder(), sampling=sampling)

    assert result.cuts == pytest.approx([2.0])
    tracks = [r.detections[0].track for r in result.results if r.detections]
    assert tracks == [0] * 40 + [1] * 50


def test_clarity_is_that_of_the_frame_and_not_of_one_read_since(clip):
    """The decoder reuses its memory while detections lag behind, however far."""
    rows, sampling = chosen(clip, mode="every")

    near = analyse_stretch(clip, rows, BoardFinder(ahead=0), sampling=sampling)
    far = analyse_stretch(clip, rows, BoardFinder(ahead=3 * KEPT), sampling=sampling)

    assert near.results == far.results
    values = [d.clarity for r in near.results for d in r.detections]
    assert all(value is not None and value > 0.5 for value in values)


def test_two_stretches_give_what_one_gives(clip):
    rows, sampling = chosen(clip, mode="every")
    whole = analyse_stretch(clip, rows, BoardFinder(), sampling=sampling, follow=False)
    table = read_frame_table(clip)
    parts = []
    for start_s, end_s in stretches(table, 1.0):
        inside = (rows["time_s"] >= start_s) & (rows["time_s"] < end_s)
        parts.append(
            analyse_stretch(
                clip,
                rows[inside],
                BoardFinder(),
                sampling=sampling,
                span_s=(start_s, end_s),
                follow=False,
            )
        )

    assert len(parts) > 2
    results = [r for part in parts for r in part.results]
    assert [r.sample for r in results] == [r.sample for r in whole.results]
    assert [[d.box for d in r.detections] for r in results] == [
        [d.box for d in r.detections] for r in whole.results
    ]
    joined = np.concatenate([part.changes for part in parts])
    assert np.array_equal(joined, whole.changes)


def test_a_still_picture_is_looked_at_once_and_held(tmp_path):
    """Forty frames of one picture, then forty of another."""
    first, second = paint(10), paint(60)
    path = write_clip(
        tmp_path / "still.mp4",
        constant(80),
        size=SIZE,
        gop=80,
        paint=lambda number: first if number < 40 else second,
        options={"crf": "10"},
    )
    rows, sampling = chosen(path, mode="adaptive", interval_s=0.2, change=0.05)
    finder, told = BoardFinder(ahead=0), []

    result = analyse_stretch(path, rows, finder, sampling=sampling, on_progress=told.append)

    assert len(finder.seen) == 2
    assert result.n_held == len(rows) - 2
    assert sum(r.held for r in result.results) == result.n_held
    before, after = (r.sample for r in result.results)
    assert before.start_s == 0
    assert before.end_s == after.start_s
    assert after.end_s == pytest.approx(80 / 25)
    assert told[-1] == len(rows)


def test_key_frames_alone_are_looked_at_when_asked(clip):
    rows, sampling = chosen(clip, mode="key")
    finder = BoardFinder()

    analyse_stretch(clip, rows, finder, sampling=sampling)

    assert finder.seen == [0, 25, 50, 75]


def test_progress_is_told_seldom_and_at_the_end(clip):
    rows, sampling = chosen(clip, mode="every")
    told = []

    analyse_stretch(clip, rows, BoardFinder(), sampling=sampling, on_progress=told.append)

    assert told[-1] == 100
    assert told == sorted(told)
    assert len(told) < 40


def test_it_stops_when_asked(clip):
    rows, sampling = chosen(clip, mode="every")
    finder = BoardFinder()

    with pytest.raises(Stopped):
        analyse_stretch(
            clip, rows, finder, sampling=sampling, should_stop=lambda: len(finder.seen) > 1
        )
    assert len(finder.seen) < 30


def test_thumbnails_show_what_was_on_screen(clip):
    rows, sampling = chosen(clip, mode="interval", interval_s=0.1)

    thumbnails = analyse_stretch(clip, rows, BoardFinder(), sampling=sampling).thumbnails

    times = [t.time_s for t in thumbnails]
    assert times == pytest.approx([0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5], abs=0.1)
    tiles = [cv2.imdecode(np.frombuffer(t.jpeg, np.uint8), cv2.IMREAD_COLOR) for t in thumbnails]
    assert {tile.shape for tile in tiles} == {(96, 160, 3)}
    colours = [tile[60:, 10:60].mean(axis=(0, 1)) for tile in tiles]
    assert [c[1] > c[2] + 40 for c in colours] == [False] * 4 + [True] * 4
    assert analyse_stretch(clip, rows, BoardFinder(), thumbnails_per_s=0).thumbnails == []


def test_a_long_stretch_keeps_fewer_thumbnails(clip, monkeypatch):
    monkeypatch.setattr("analysis.film.stretch.MAX_THUMBNAILS", 10)
    rows, sampling = chosen(clip, mode="every")

    result = analyse_stretch(clip, rows, BoardFinder(), sampling=sampling, thumbnails_per_s=25)

    times = [t.time_s for t in result.thumbnails]
    assert 4 <= len(times) <= 10
    assert times[0] == 0
    assert times[-1] > 3


def test_several_detectors_are_fused(clip):
    class Second(BoardFinder):
        labels = ("Aurora", "Cirrus")
        source = "reference"

        def _look(self, image):
            found = super()._look(image)
            again = [Detection(BOARD, "Aurora", 0.5, "reference") for _ in found]
            return [*again, Detection(BOARD, "Cirrus", 0.7, "reference")]

    rows, sampling = chosen(clip, mode="interval", interval_s=0.4)

    result = analyse_stretch(clip, rows, [BoardFinder(), Second(ahead=12)], sampling=sampling)

    last = result.results[-1].detections
    assert [(d.label, d.source) for d in last] == [("Aurora", "yolo"), ("Cirrus", "reference")]


def test_a_film_that_changes_its_size_is_looked_at_in_each(tmp_path):
    data = b""
    for piece, size in enumerate([SIZE, (640, 384), (192, 320)]):
        path = write_clip(
            tmp_path / f"{piece}.ts",
            constant(25, start=float(piece)),
            size=size,
            paint=lambda number, size=size: cv2.resize(paint(20), size),
        )
        data += path.read_bytes()
    (tmp_path / "a.ts").write_bytes(data)
    table = read_frame_table(tmp_path / "a.ts")
    rows, options = samples(table), SamplingOptions("adaptive", 0.2, 0.03)
    shapes = []

    class Whole(BoardFinder):
        def _look(self, image):
            shapes.append(image.shape[1::-1])
            return super()._look(image)

    result = analyse_stretch(tmp_path / "a.ts", rows, Whole(), sampling=options)
    assert list(dict.fromkeys(shapes)) == [SIZE, (640, 384), (192, 320)]
    assert all(len(r.detections) == 1 for r in result.results)
    assert result.n_held + len(result.results) == len(rows)
    assert (
        "changes its size after 1.0 s, from 320×192 to 640×384, and 1 more times" in result.problem
    )
    assert {cv2.imdecode(np.frombuffer(t.jpeg, np.uint8), 1).shape for t in result.thumbnails} == {
        (96, 160, 3),
        (160, 96, 3),
    }


def test_a_stretch_without_samples_has_no_results(clip):
    result = analyse_stretch(clip, np.empty(0, FRAME), BoardFinder())

    assert result.results == []
    assert result.thumbnails == []


def test_a_picture_has_one_result(tmp_path):
    cv2.imwrite(str(tmp_path / "board.png"), paint(10))

    result = analyse_picture(tmp_path / "board.png", BoardFinder())

    [found] = result.detections
    assert found.box == BOARD
    assert found.clarity > 0.5
    assert found.track is None
    assert result.sample.dwell_s == 0
    assert picture_result(tmp_path / "board.png", BoardFinder()).results == [result]


def test_a_file_that_is_no_film_is_refused(tmp_path):
    (tmp_path / "notes.mp4").write_text("hello")
    rows = np.array([(0.0, 0.0, 1.0)], FRAME)

    with pytest.raises(UnreadableMedia):
        analyse_stretch(tmp_path / "notes.mp4", rows, BoardFinder())
    with pytest.raises(UnreadableMedia):
        analyse_picture(tmp_path / "notes.mp4", BoardFinder())

"""Writing in films: each line once, from its first frame to its last."""

from __future__ import annotations

import pytest

from analysis.errors import Stopped
from analysis.media.frame_table import read_frame_table
from analysis.reading import ReadFilm, ReadingOptions
from tests.captions import match_film, needs_a_reader, still_film

FRAME_S = 1 / 25


def read(path, reader=None, **options) -> ReadFilm:
    from analysis.reading.film import read_film

    table = read_frame_table(path)
    reader = reader or needs_a_reader()
    return read_film(path, reader, table.times_s, table.end_s, ReadingOptions(**options))


@pytest.fixture(scope="module")
def match(tmp_path_factory) -> ReadFilm:
    needs_a_reader()
    return read(match_film(tmp_path_factory.mktemp("film") / "match.mp4"))


def only(match: ReadFilm, text: str):
    [found] = [item for item in match.items if item.text.replace(" ", "") == text.replace(" ", "")]
    return found


def test_a_caption_is_one_item_from_its_first_frame_to_its_last(match):
    caption = only(match, "NORRA BANK")
    assert caption.start_s == pytest.approx(1.0, abs=FRAME_S)
    assert caption.end_s == pytest.approx(3.0, abs=FRAME_S)
    assert caption.looks >= 3
    assert caption.confidence > 0.9


def test_a_score_that_changes_is_two_items_that_meet(match):
    before, after = only(match, "HBR 1-0"), only(match, "HBR 2-0")
    assert (before.start_s, after.end_s) == (0.0, pytest.approx(4.0))
    assert before.end_s == pytest.approx(2.0, abs=FRAME_S)
    assert after.start_s == pytest.approx(2.0, abs=FRAME_S)


def test_what_stands_still_while_the_picture_moves_is_an_overlay(match):
    assert only(match, "NORRA BANK").kind == "overlay"
    assert only(match, "HBR 2-0").kind == "overlay"
    sign = only(match, "HARBOUR")
    assert sign.kind == "scene"
    assert len(sign.path) > 3
    assert sign.path[-1][1].x1 < sign.path[0][1].x1 - 0.3  # it went to the left with the pan


def test_where_nothing_moves_nobody_can_tell_and_it_is_read_once(tmp_path):
    needs_a_reader()
    film = read(still_film(tmp_path / "still.mp4"))
    [item] = film.items
    assert (item.text, item.kind) == ("KESTREL", "untold")
    assert (item.start_s, item.end_s) == (0.0, pytest.approx(3.0))
    assert film.n_read == 1
    assert film.n_sampled >= 6
    assert film.skipped > 0.8


def test_it_stops_when_it_is_told_to(tmp_path):
    from analysis.reading.film import read_film

    reader = needs_a_reader()
    path = still_film(tmp_path / "still.mp4", 1.0)
    table = read_frame_table(path)
    with pytest.raises(Stopped):
        read_film(path, reader, table.times_s, table.end_s, should_stop=lambda: True)


@pytest.mark.parametrize("interval_s", [0, -1, 61, float("nan")])
def test_an_interval_that_makes_no_sense_is_refused(interval_s):
    with pytest.raises(ValueError, match="interval_s"):
        ReadingOptions(interval_s=interval_s)

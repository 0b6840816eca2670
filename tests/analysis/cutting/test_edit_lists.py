"""Edit lists: frames are counted exactly, and what other programs read is what was meant."""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np
import opentimelineio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.cutting import Clip, Rate, Source, timecode
from analysis.cutting.edit_lists import MOST_EVENTS, clips_csv, edl, otio

FILM, NTSC, PAL = Rate.of(24000 / 1001), Rate.of(30000 / 1001), Rate.of(25)
RATES = [FILM, NTSC, PAL, Rate.of(60000 / 1001), Rate.of(24), Rate.of(50)]


def clips(rate: Rate, *parts: tuple[float, float, str], name: str = "clip.mp4") -> list[Clip]:
    return [Clip(Source(name, 5000 / float(rate.exact), rate), *part) for part in parts]


def frame_of(code: str, rate: Rate) -> int:
    """Read back by SMPTE's own rule: numbers 0 and 1 (to 3) are missing from most minutes."""
    hours, minutes, seconds, frames = map(int, re.split("[:;]", code))
    total = hours * 60 + minutes
    number = (total * 60 + seconds) * rate.nominal + frames
    return number - (rate.nominal // 15 * (total - total // 10) if rate.drops else 0)


@given(st.sampled_from(RATES), st.integers(0, 23 * 3600 * 23))
def test_each_frame_has_one_number_and_is_found_by_it(rate, frame):
    assert frame_of(timecode(frame, rate), rate) == frame


@pytest.mark.parametrize("rate", [NTSC, Rate.of(60000 / 1001)])
def test_an_hour_of_drop_frame_is_an_hour(rate):
    frame = round(3600 * rate.exact)
    assert timecode(frame, rate) == "01:00:00;00" or frame_of("01:00:00;00", rate) == frame
    assert abs(frame_of("01:00:00;00", rate) / rate.exact - 3600) < Fraction(1, 25)


def test_no_dropped_number_is_ever_given():
    codes = [timecode(frame, NTSC) for frame in range(20_000)]
    assert "00:01:00;00" not in codes
    assert "00:01:00;01" not in codes
    assert "00:10:00;00" in codes


@given(st.sampled_from(RATES), st.integers(0, 200_000), st.integers(1, 5000))
def test_a_stretch_that_lies_on_frames_is_those_frames(rate, first, length):
    start_s, end_s = float(first / rate.exact), float((first + length) / rate.exact)
    assert rate.frames(start_s, end_s) == (first, first + length)


def test_between_frames_every_frame_counts_that_shows_a_part():
    assert PAL.frames(1.01, 1.05) == (25, 27)
    assert PAL.frames(2.0, 2.0) == (50, 51)


def test_events_lie_end_to_end_from_one_o_clock():
    parts = clips(NTSC, (2, 4, "Acme"), (60, 61, "Bölt"), name="Übertragung.mp4")
    text = edl("Cup · final", parts)
    assert "FCM: DROP FRAME" in text
    events = re.findall(r"^(\d{3})  AX       V     C        (.*)\r$", text, re.M)
    assert [number for number, _ in events] == ["001", "002"]
    (_, _, start, end), (source, _, again, _) = (times.split() for _, times in events)
    assert (start, end) == ("01:00:00;00", again)
    assert source == "00:00:59;28"  # 60 s are 1,798.2 frames
    assert text.isascii()
    assert all(len(line) < 120 for line in text.splitlines())


def test_a_variable_rate_is_said_and_counted_so_that_programs_read_the_same_times():
    parts = clips(Rate.of(20.169, is_variable=True), (2, 4, "Acme"), (600, 601.5, "Bolt"))
    text = edl("a", parts)
    assert "HAS A VARIABLE FRAME RATE: COUNTED AT 24.000 AS THE LIST" in text
    assert "00:00:02:00 00:00:04:00 01:00:00:00 01:00:02:00" in text
    assert "00:10:00:00 00:10:01:12 01:00:02:00 01:00:03:12" in text  # seconds are seconds
    timeline = opentimelineio.adapters.read_from_string(otio("a", parts), "otio_json")
    assert timeline.global_start_time.to_timecode() == "01:00:00:00"
    begins = timeline.tracks[0][1].source_range.start_time
    assert begins.to_seconds() == pytest.approx(600, abs=1 / 20)


def test_more_than_can_be_numbered_is_refused_in_words():
    with pytest.raises(ValueError, match="999 events at most; these are 1000"):
        edl("a", clips(PAL, (0, 1, "Acme")) * (MOST_EVENTS + 1))


@pytest.mark.parametrize("rate", RATES)
def test_opentimelineio_reads_the_same_frames(rate):
    parts = clips(rate, (0.5, 2.5, "Acme"), (10, 11, "Bolt & Söhne"))
    text = otio("Cup", parts)
    timeline = opentimelineio.adapters.read_from_string(text, "otio_json")
    found = list(timeline.tracks[0])
    assert [clip.name for clip in found] == ["Acme", "Bolt & Söhne"]
    for clip, part in zip(found, parts, strict=True):
        first, end = rate.frames(part.start_s, part.end_s)
        assert clip.source_range.start_time.value == first
        assert clip.source_range.duration.value == end - first
        assert clip.source_range.start_time.rate == pytest.approx(float(rate.exact), abs=1e-9)
    assert found[0].media_reference.target_url == "clip.mp4"
    assert found[0].available_range().duration.value == 5000
    assert timeline.duration().value == sum(c.duration().value for c in found)


@pytest.mark.parametrize("rate", RATES)
def test_a_reader_of_edl_finds_the_same_frames(rate):
    parts = clips(rate, (2, 4, "Acme"), (60, 61, "Bolt"))
    text = edl("Cup", parts)
    counted = float(rate.exact) if rate.drops else rate.nominal
    timeline = opentimelineio.adapters.read_from_string(text, "cmx_3600", rate=counted)
    for clip, part in zip(timeline.tracks[0], parts, strict=True):
        first, end = rate.frames(part.start_s, part.end_s)
        found = clip.source_range
        assert (found.start_time.value, found.duration.value) == (first, end - first)


def test_films_of_two_rates_are_each_counted_in_their_own():
    parts = [*clips(PAL, (2, 4, "Acme")), *clips(FILM, (10, 11, "Bolt"), name="b.mov")]
    timeline = opentimelineio.adapters.read_from_string(otio("Cup", parts), "otio_json")
    one, other = (clip.source_range for clip in timeline.tracks[0])
    assert (one.start_time.value, one.start_time.rate) == (50, 25)
    assert (other.start_time.value, other.duration.value) == (239, 25)  # 239.76 to 263.74
    assert other.start_time.rate == pytest.approx(24000 / 1001)
    text = edl("Cup", parts)
    assert "B.MOV HAS 23.976 FRAMES A SECOND: COUNTED AT 25.000 AS THE LIST" in text.upper()
    assert "00:00:10:00 00:00:11:00 01:00:02:00 01:00:03:00" in text


def test_a_film_that_rounds_its_times_to_milliseconds_keeps_its_frame_numbers():
    times = np.round(np.arange(500) / 23.976, 3)
    film = Source("a.mkv", 500 / 23.976, FILM, times_s=times)
    for n in (1, 2, 41, 499):
        first, end = Clip(film, float(times[n]), float(times[n]) + 0.03, "one frame").frames()
        assert (first, end) == (n, n + 1)


def test_a_table_says_where_each_clip_is_and_starts_no_formula():
    rows = clips_csv("=Cup", clips(PAL, (2, 4, "+Acme"), (10, 11, "Bolt"))).splitlines()
    assert rows[1] == "'=Cup,1,'+Acme,clip.mp4,2.000,4.000,2.000,50,50,25.000,01:00:00:00,0.000"
    assert rows[2].endswith("01:00:02:00,2.000")


def test_sound_alone_is_a_list_of_sound():
    talk = Clip(Source("talk.mp3", 60, None), 1.0, 3.5, "Greeting")
    assert "001  AX       A     C        00:00:01:00 00:00:03:13" in edl("Talk", [talk])
    timeline = opentimelineio.adapters.read_from_string(otio("Talk", [talk]), "otio_json")
    assert timeline.tracks[0].kind == "Audio"

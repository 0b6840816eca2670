"""Edit lists: frames are counted exactly, and what other programs read is what was meant."""

from __future__ import annotations

import re
from fractions import Fraction

import opentimelineio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.exposure.edit_lists import MOST_EVENTS, Rate, Stretch, edl, otio, timecode

FILM, NTSC, PAL = Rate.of(24000 / 1001), Rate.of(30000 / 1001), Rate.of(25)
RATES = [FILM, NTSC, PAL, Rate.of(60000 / 1001), Rate.of(24), Rate.of(50)]


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
    stretch = Stretch(float(first / rate.exact), float((first + length) / rate.exact), "Acme")
    assert rate.frames(stretch) == (first, first + length)


def test_between_frames_every_frame_counts_that_shows_a_part():
    assert PAL.frames(Stretch(1.01, 1.05, "Acme")) == (25, 27)
    assert PAL.frames(Stretch(2.0, 2.0, "Acme")) == (50, 51)


def test_events_lie_end_to_end_from_one_o_clock():
    text = edl(
        "Cup · final", "Übertragung.mp4", [Stretch(2, 4, "Acme"), Stretch(60, 61, "Bölt")], NTSC
    )
    assert "FCM: DROP FRAME" in text
    events = re.findall(r"^(\d{3})  AX       V     C        (.*)\r$", text, re.M)
    assert [number for number, _ in events] == ["001", "002"]
    (_, _, start, end), (source, _, again, _) = (times.split() for _, times in events)
    assert (start, end) == ("01:00:00;00", again)
    assert source == "00:00:59;28"  # 60 s are 1,798.2 frames
    assert text.isascii()
    assert all(len(line) < 120 for line in text.splitlines())


def test_a_variable_rate_is_said():
    rate = Rate.of(23.4, is_variable=True)
    assert "VARIABLE FRAME RATE" in edl("a", "b", [Stretch(0, 1, "Acme")], rate)


def test_more_than_can_be_numbered_is_refused_in_words():
    with pytest.raises(ValueError, match="999 events at most; these are 1000"):
        edl("a", "b", [Stretch(0, 1, "Acme")] * (MOST_EVENTS + 1), PAL)


@pytest.mark.parametrize("rate", RATES)
def test_opentimelineio_reads_the_same_frames(rate):
    parts = [Stretch(0.5, 2.5, "Acme"), Stretch(10, 11, "Bolt & Söhne")]
    text = otio("Cup", "clip.mp4", parts, rate, 5000)
    timeline = opentimelineio.adapters.read_from_string(text, "otio_json")
    clips = list(timeline.tracks[0])
    assert [clip.name for clip in clips] == ["Acme", "Bolt & Söhne"]
    for clip, part in zip(clips, parts, strict=True):
        first, end = rate.frames(part)
        assert clip.source_range.start_time.value == first
        assert clip.source_range.duration.value == end - first
        assert clip.source_range.start_time.rate == pytest.approx(float(rate.exact), abs=1e-9)
    assert clips[0].media_reference.target_url == "clip.mp4"
    assert timeline.duration().value == sum(c.duration().value for c in clips)


@pytest.mark.parametrize("rate", RATES)
def test_a_reader_of_edl_finds_the_same_frames(rate):
    parts = [Stretch(2, 4, "Acme"), Stretch(60, 61, "Bolt")]
    text = edl("Cup", "clip.mp4", parts, rate)
    counted = float(rate.exact) if rate.drops else rate.nominal
    timeline = opentimelineio.adapters.read_from_string(text, "cmx_3600", rate=counted)
    for clip, part in zip(timeline.tracks[0], parts, strict=True):
        first, end = rate.frames(part)
        found = clip.source_range
        assert (found.start_time.value, found.duration.value) == (first, end - first)

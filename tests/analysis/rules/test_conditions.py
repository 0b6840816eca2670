"""Each condition of ours: which frames, which boxes, which words."""

from __future__ import annotations

import json
from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.rules import Rule, select, usual
from analysis.rules.lot import lots
from tests.analysis.rules.filmed import (
    KESTREL,
    LABELS,
    VITALO,
    asked,
    box,
    columns,
    condition,
    evidence,
    sent,
)  # fmt: skip

FOLLOWED = "followed"


def disagree(between: str, **parameters: str) -> dict:
    return condition("Disagreement", Between=between, **parameters)


def words(found, frame: int) -> str:
    return found.why(frame)[0]["Words"]


@pytest.mark.parametrize(
    ("limits", "frames"),
    [
        ({"ConfidenceEquals": 60}, [1]),
        ({"ConfidenceLessThan": 60}, [0]),
        ({"ConfidenceLessThanEquals": 60}, [0, 1]),
        ({"ConfidenceGreaterThan": 60}, [2]),
        ({"ConfidenceGreaterThanEquals": 60}, [1, 2]),
        ({"ConfidenceGreaterThan": 59.9, "ConfidenceLessThan": 60.1}, [1]),
    ],
)
def test_what_reads_as_60_is_60(limits, frames):
    film = evidence(4, [box(0, 0.598), box(1, 0.6), box(2, 0.61)])
    assert sent(film, condition("LabelConfidenceCheck", LabelName="*", **limits)) == frames


def test_one_box_must_fulfil_all_comparisons():
    between = {"ConfidenceGreaterThan": 40, "ConfidenceLessThan": 60}
    film = evidence(2, [box(0, 0.3), box(0, 0.7), box(1, 0.3), box(1, 0.5)])
    found = asked(film, condition("LabelConfidenceCheck", LabelName="Kestrel", **between))
    assert found.frames.tolist() == [1]
    assert found.rows(1).tolist() == [3]
    assert words(found, 1) == "Kestrel at 0.50, above 0.40 and below 0.60"
    assert words(found, 0) == "no Kestrel above 0.40 and below 0.60"


def test_words_do_not_round_away_why():
    film = evidence(1, [box(0, 0.5999), *(box(0, 0.2 + n / 100) for n in range(4))])
    found = asked(film, condition("LabelConfidenceCheck", LabelName="*", ConfidenceLessThan=60))
    assert (
        words(found, 0)
        == "Kestrel at 0.20, Kestrel at 0.21, Kestrel at 0.22 and 2 more, below 0.60"
    )
    found = asked(
        film,
        condition(
            "LabelConfidenceCheck", LabelName="*", ConfidenceGreaterThan=55, ConfidenceLessThan=60
        ),
    )
    assert words(found, 0) == "Kestrel at 0.5999, above 0.55 and below 0.60"


def test_names_are_exact_and_unknown_ones_select_nothing():
    film = evidence(1, [box(0, 0.9), box(0, 0.9, label=99)])
    for name in ("kestrel", "Gone"):
        limits = {"LabelName": name, "ConfidenceGreaterThan": 10}
        assert sent(film, condition("LabelConfidenceCheck", **limits)) == []
    some = condition("LabelConfidenceCheck", LabelName="*", ConfidenceGreaterThan=10)
    assert asked(film, some).rows(0).tolist() == [0]  # label 99 is none of the project


def test_nothing_detected_are_frames_without_a_box_that_counts():
    film = evidence(
        4,
        [box(0, 0.5), box(1, 0.49), box(2, 0.6, VITALO)],
        thresholds={VITALO: 0.7},
    )
    found = asked(film, condition("NothingDetected"))
    assert found.frames.tolist() == [1, 2, 3]
    assert [words(found, frame) for frame in range(4)] == [
        "Kestrel at 0.50 is found",
        "nothing found but Kestrel at 0.49, below 0.50",
        "nothing found but Vitalo at 0.60, below 0.70",
        "nothing found",
    ]
    assert found.rows(1).tolist() == []
    assert sent(film, condition("NothingDetected", LabelName="Vitalo")) == [0, 1, 2, 3]
    assert sent(evidence(1), condition("NothingDetected")) == [0]  # a picture with no box at all


def test_a_box_out_of_the_picture_is_none():
    film = evidence(1, [box(0, 0.9)])
    film.columns.detections["x1"], film.columns.detections["x2"] = 1.1, 1.2
    assert sent(film, condition("NothingDetected")) == [0]


TRACKS = evidence(
    12,
    [box(n, c, track=0) for n, c in enumerate([0.9, 0.5, 0.4, 0.8])]
    + [box(n, 0.7, VITALO, track=0) for n in range(5, 10)]
    + [box(10, 0.3), box(11, 0.2)],
)


def test_of_each_track_the_least_sure_frame():
    found = asked(TRACKS, condition("WorstFrame"))
    # a label's track 0 is another's; where all are alike the middle; without a track each is one
    assert found.frames.tolist() == [2, 7, 10, 11]
    assert found.rows(2).tolist() == [2]
    assert words(found, 2) == "Kestrel at 0.40, the least sure of its track"
    assert words(found, 0) == "no track is least sure here"
    below = condition("WorstFrame", LabelName="Kestrel", ConfidenceLessThan=35)
    assert sent(TRACKS, below) == [10, 11]
    assert words(asked(TRACKS, below), 2) == "no track of Kestrel is least sure here, below 0.35"


def test_of_each_track_the_first_frame():
    found = asked(TRACKS, condition("FirstAppearance"))
    assert found.frames.tolist() == [0, 5, 10, 11]
    assert words(found, 5) == "Vitalo at 0.70, the first of its track"
    assert words(found, 6) == "no track begins here"
    sure = condition("FirstAppearance", ConfidenceGreaterThanEquals=70)
    assert sent(TRACKS, sure) == [0, 5]


def test_of_what_the_detector_did_not_see_the_middle_of_each_stretch():
    film = evidence(
        9,
        [box(n, 0.8, known=FOLLOWED if n in (2, 3, 4, 8) else "detected") for n in range(9)]
        + [box(n, 0.8, VITALO, known=FOLLOWED) for n in (4, 5)]
        + [box(6, 0.4, VITALO, known=FOLLOWED)],
    )
    found = asked(film, disagree("TrackerAndDetector"))
    assert found.frames.tolist() == [3, 4, 8]
    assert found.why(4)[0]["Values"] == [{"Label": "Vitalo", "Confidence": 80.0}]
    assert words(found, 3) == "Kestrel at 0.80, not seen here by the detector"
    assert words(found, 0) == "they agree, or another frame of the same stretch is asked about"
    assert len(found.rows(4)) == 1
    assert sent(film, disagree("TrackerAndDetector", LabelName="Vitalo")) == [4]


def test_of_what_two_analyses_say_otherwise_the_middle_of_each_stretch():
    film = evidence(
        10,
        [box(n, 0.8) for n in (1, 2, 3)] + [box(8, 0.6)],
        other=columns(10, [box(n, 0.7, VITALO) for n in (5, 6)] + [box(8, 0.9), box(9, 0.4)]),
    )
    found = asked(film, disagree("Analyses"))
    assert found.frames.tolist() == [2, 5]
    assert found.why(2)[0]["Values"] == [{"Label": "Kestrel", "Confidence": 80.0, "Other": None}]
    assert words(found, 2) == "Kestrel at 0.80 only in this analysis"
    assert words(found, 5) == "Vitalo at 0.70 only in the other analysis"
    assert found.rows(2).tolist() == [1]
    assert found.rows(5).tolist() == []


def test_an_analysis_that_looked_less_often_is_only_held_to_what_it_says():
    """It looked every 4 s, saw the brand at 4 and 8, and not at 0 and 12: when it came is open."""
    sparse = columns(4, [box(1, 0.9), box(2, 0.9)], every_s=4.0)
    film = evidence(20, [box(n, 0.9) for n in (2, 3, 4, 7, 8, 9)], other=sparse)
    # only 5 and 6 lie between two frames that show it; after 14 s the other looked at nothing
    assert sent(film, disagree("Analyses")) == [5]
    assert sent(evidence(3, [box(0, 0.9)], other=columns(0)), disagree("Analyses")) == []


def test_what_is_said_or_written_and_not_found():
    film = evidence(
        20,
        [box(11, 0.9), box(4, 0.3)],
        said={KESTREL: [(2.6, 6.4), (15.1, 15.2)], 99: [(0.0, 1.0)]},
        written={KESTREL: [(9.6, 12.4)], VITALO: []},
    )
    found = asked(film, disagree("LogoAndSpoken"), disagree("LogoAndWritten"))
    # 3–6 and 15 are said; 10–12 are written, 11 shows it
    assert found.frames.tolist() == [4, 10, 12, 15]
    assert found.why(15)[0]["Values"] == [{"Label": "Kestrel", "Start": 15.1, "End": 15.2}]
    assert words(found, 4) == "Kestrel is said at 0:02.6 and not found in the picture"
    assert found.why(10)[1]["Words"] == "Kestrel is written at 0:09.6 and not found in the picture"
    assert sent(film, disagree("LogoAndSpoken", LabelName="Vitalo")) == []


def test_words_on_a_picture():
    picture = evidence(1, written={VITALO: [(0.0, 0.0)]})
    assert sent(picture, disagree("LogoAndWritten")) == [0]


@pytest.mark.parametrize(
    ("between", "sentence"),
    [
        ("LogoAndSpoken", "nobody has listened to it"),
        ("LogoAndWritten", "nobody has read it"),
        ("Analyses", "there is no other analysis to compare with"),
    ],
)
def test_where_nobody_looked_a_condition_is_false_and_says_so(between, sentence):
    found = asked(evidence(2, [box(0, 0.9)]), disagree(between))
    assert found.frames.tolist() == []
    assert words(found, 0) == sentence


def test_the_lot_is_splitmix64():
    """Its first numbers from the start 1234567, as others print them."""
    digest = f"{1234567:016x}" + "0" * 48
    drawn = lots(digest, np.array([0, 1e-6, 2e-6]))
    numbers = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert drawn == pytest.approx([n / 2**64 * 100 for n in numbers], abs=1e-12)
    with pytest.raises(ValueError, match="invalid literal"):
        lots("", np.array([0.0]))


@given(st.binary(min_size=32, max_size=32), st.floats(0.01, 100))
@settings(max_examples=40, deadline=None)
def test_a_sample_has_its_share_and_is_part_of_every_larger_one(digest, percentage):
    time_s = np.arange(20_000) / 25
    drawn = lots(digest.hex(), time_s)
    share = percentage / 100
    deviation = np.sqrt(share * (1 - share) / len(drawn))
    assert abs((drawn < percentage).mean() - share) <= 5 * deviation + 1e-9
    assert drawn.min() >= 0
    assert drawn.max() < 100
    other = lots(bytes([digest[0] ^ 1, *digest[1:]]).hex(), time_s)
    assert abs(np.corrcoef(drawn, other)[0, 1]) < 0.04


CONDITIONS = st.sampled_from(
    [
        condition("LabelConfidenceCheck", LabelName="*", ConfidenceLessThan=60),
        condition("LabelConfidenceCheck", LabelName="Vitalo", ConfidenceGreaterThanEquals=50),
        condition("Sampling", RandomSamplingPercentage=30),
        condition("NothingDetected", LabelName="Kestrel"),
        condition("WorstFrame", ConfidenceLessThan=90),
        condition("FirstAppearance", LabelName="Kestrel"),
        disagree("TrackerAndDetector"),
        disagree("Analyses"),
        disagree("LogoAndSpoken"),
        disagree("LogoAndWritten"),
    ]
)
BOXES = st.lists(
    st.builds(
        box,
        st.integers(0, 11),
        st.sampled_from([0.2, 0.5, 0.6, 0.9]),
        st.sampled_from([*LABELS, 99]),
        st.integers(-1, 2),
        st.sampled_from(["detected", FOLLOWED, "interpolated"]),
    ),
    max_size=30,
)
SPANS = st.lists(st.tuples(st.floats(0, 12), st.floats(0, 3)), max_size=3)


@given(BOXES, BOXES, SPANS, st.lists(CONDITIONS, min_size=2, max_size=4))
@settings(max_examples=80, deadline=None)
def test_and_or_are_those_of_sets_and_the_same_is_always_sent(boxes, others, spans, parts):
    film = evidence(
        12,
        boxes,
        other=columns(12, others),
        said={KESTREL: [(start, start + length) for start, length in spans]},
    )
    sets = [set(sent(film, part)) for part in parts]
    for document, expected in (
        ({"And": parts}, set.intersection(*sets)),
        ({"Or": parts}, set.union(*sets)),
        ({"Or": [{"And": parts[1:] + parts[:1]}, parts[0]]}, sets[0]),
    ):
        found, again = asked(film, document), asked(film, document)
        frames = found.frames.tolist()
        assert frames == sorted(expected) == again.frames.tolist()
        for frame in range(12):
            (why,) = found.why(frame)
            assert why["EvaluationResult"] is (frame in expected)
            assert json.loads(json.dumps(found.why(frame))) == again.why(frame)
            assert all(film.columns.detections["frame"][found.rows(frame)] == frame)


def test_each_row_of_a_condition_is_told_once():
    film = evidence(3, [box(n, 0.9) for n in range(3)])
    rules = [asked(film, condition("WorstFrame")), asked(film, condition("FirstAppearance"))]
    assert [found.rows(1).tolist() for found in rules] == [[1], [1]]
    with pytest.raises(IndexError, match="no frame 3"):
        rules[0].rows(3)
    with pytest.raises(IndexError, match="no frame -1"):
        rules[0].why(-1)


def test_what_is_offered_selects_what_its_name_says():
    film = evidence(
        3000,
        [box(n, 0.9, track=1) for n in range(10, 20)],
        said={VITALO: [(30.0, 31.0)]},
        written={},
    )
    by_name = {name: select(Rule.parse(document), film) for name, document in usual()}
    assert by_name["Everything new"].frames.tolist() == [10]
    assert len(by_name["What is said or written but not seen"].frames) == 1
    empty = by_name["Frames with nothing found, 1 in 100"].frames
    assert 14 <= len(empty) <= 46  # 30, three standard deviations to each side
    assert not set(empty.tolist()) & set(range(10, 20))
    assert next(iter(by_name)) == "Unsure ones, and 5\u202f% of the sure"
    about_one = [Rule.parse(document).conditions() for _, document in usual("Kestrel")]
    labels = reduce(set.union, ({c.label for c in each} for each in about_one))
    assert labels == {"Kestrel", "*"}

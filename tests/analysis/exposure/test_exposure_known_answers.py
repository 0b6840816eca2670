"""Exposure of small tables worked out by hand."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.exposure.measure import (
    METHODOLOGIES,
    MediaRate,
    Methodology,
    Weights,
    Words,
    compare_methods,
    measure,
    rank_stability,
)
from analysis.film.columns import Columns
from tests.analysis.exposure.exposure_cases import columns, seconds

ACME, BOLT = 7, 3
RAW, ONE_SECOND = METHODOLOGIES["raw"], METHODOLOGIES["one-second"]
QUARTER = (0.0, 0.0, 0.5, 0.5)
RIGHT_HALF = (0.5, 0.0, 1.0, 1.0)
MIDDLE = (0.4, 0.4, 0.6, 0.6)


def shown(label: int, frames: list[int], box: tuple[float, ...] = MIDDLE, *more: float) -> list:
    return [(frame, label, *box, *more) for frame in frames]


def test_it_works():
    #          0  1  2  3  4  5  6  7  8  9
    # acme     ▀  ▀  ▀     ▀           ▀        a quarter of the frame, and 4 s after a gap of 1 s
    # bolt           █  █                       half of the frame
    boxes = shown(ACME, [0, 1, 2, 4, 8], QUARTER) + shown(BOLT, [2, 3], RIGHT_HALF)
    table = columns(seconds(10), sorted(boxes))
    exposure = measure(table, duration_s=10, labels=[ACME, BOLT])
    acme, bolt = exposure.brands

    assert (acme.on_screen_s, bolt.on_screen_s) == (5, 2)
    assert (acme.solus_s, bolt.solus_s) == (4, 1)
    assert (exposure.any_s, exposure.clear_s, exposure.analysed_s) == (6, 4, 10)
    assert [(e.start_s, e.end_s, e.on_screen_s) for e in acme.episodes] == [(0, 5, 4), (8, 9, 1)]
    assert (acme.count, acme.longest_s, acme.mean_episode_s) == (2, 4, 2.5)
    assert (acme.first_s, acme.last_s) == (0, 9)
    assert (acme.reported_s, acme.bridged_s) == (5, 1)
    assert acme.share_of_screen_time == 0.5
    assert acme.share_of_voice_time == pytest.approx(5 / 7)
    assert acme.share_of_voice_area == pytest.approx(5 * 0.25 / (5 * 0.25 + 2 * 0.5))
    assert (acme.mean_size_visible, acme.mean_size_overall) == (0.25, 0.125)
    assert bolt.mean_size_overall == pytest.approx(0.1)
    assert acme.size_bands == (0, 0, 0, 5)


@pytest.mark.parametrize(
    ("gap_s", "bridge_counts", "reported_s", "count"),
    [(0.0, False, 3, 2), (1.0, False, 3, 1), (1.0, True, 4, 1), (0.9, True, 3, 2)],
)
def test_gaps_are_bridged_up_to_their_limit(gap_s, bridge_counts, reported_s, count):
    table = columns(seconds(5), shown(ACME, [0, 1, 3]))
    method = replace(RAW, gap_s=gap_s, bridge_counts=bridge_counts)
    (acme,) = measure(table, duration_s=5, labels=[ACME], method=method).brands
    assert (acme.reported_s, acme.count, acme.on_screen_s) == (reported_s, count, 3)
    assert acme.bridged_s == (1 if count == 1 else 0)


def test_a_gap_of_the_limit_is_bridged_whatever_the_rounding():
    table = columns(seconds(9, 0.1), shown(ACME, [0, 4]))  # 0.3 s between, in tenths
    method = replace(RAW, gap_s=0.3)
    assert measure(table, duration_s=0.9, labels=[ACME], method=method).brands[0].count == 1


def test_what_is_too_short_is_on_screen_but_not_reported():
    table = columns(seconds(40, 0.1), shown(ACME, [0, 1, 2, *range(25, 35)]))
    (acme,) = measure(table, duration_s=4, labels=[ACME], method=ONE_SECOND).brands
    assert acme.on_screen_s == pytest.approx(1.3)
    assert acme.reported_s == pytest.approx(1.0)
    assert acme.count == 1
    assert acme.first_s == pytest.approx(2.5)


def test_a_second_made_of_frames_is_a_second():
    table = columns(seconds(40, 0.04), shown(ACME, list(range(4, 29))))  # adds up to a hair less
    assert measure(table, duration_s=2, labels=[ACME], method=ONE_SECOND).brands[0].count == 1


def test_the_minimum_asks_for_screen_time_not_for_length():
    table = columns(seconds(30, 0.1), shown(ACME, [0, 1, 2, 3, 10, 11, 12, 13]))  # 0.8 s in 1.4 s
    not_counted = measure(table, duration_s=3, labels=[ACME], method=ONE_SECOND).brands[0]
    counted = measure(
        table, duration_s=3, labels=[ACME], method=replace(ONE_SECOND, bridge_counts=True)
    ).brands[0]
    assert (not_counted.count, not_counted.reported_s) == (0, 0)
    assert counted.reported_s == pytest.approx(1.4)


def test_each_frame_counts_for_as_long_as_it_was_shown():
    cells = [(0.0, 0.04), (0.04, 0.08), (0.08, 2.08), (2.08, 2.12)]  # a still inside a film
    table = columns(cells, shown(ACME, [1, 2]))
    exposure = measure(table, duration_s=2.12, labels=[ACME], method=RAW)
    assert exposure.brands[0].on_screen_s == pytest.approx(2.04)
    assert exposure.stride_s == pytest.approx(0.04)


def test_two_logos_of_a_brand_count_once():
    boxes = [(0, ACME, 0.0, 0.0, 0.5, 0.5), (0, ACME, 0.25, 0.25, 0.75, 0.75)]
    (acme,) = measure(columns(seconds(1), boxes), duration_s=1, labels=[ACME]).brands
    assert (acme.on_screen_s, acme.logo_s, acme.solus_s) == (1, 2, 1)
    assert acme.max_size == 0.25 + 0.25 - 0.0625


def test_only_the_dominant_logo_of_a_brand_counts_where_the_method_says_so():
    boxes = [
        (0, ACME, 0.0, 0.0, 0.5, 0.5, 0.6, 0.9),
        (0, ACME, 0.9, 0.9, 1.0, 1.0, 0.95, 0.9),
        (0, BOLT, 0.0, 0.0, 0.1, 0.1, 0.9, 0.9),
    ]
    acme, bolt = measure(
        columns(seconds(1), boxes),
        duration_s=1,
        labels=[ACME, BOLT],
        method=METHODOLOGIES["joyce-julius-like"],
    ).brands
    assert (acme.max_size, acme.logo_s, acme.on_screen_s) == (0.25, 1, 1)
    assert bolt.on_screen_s == 1  # another sponsor's logo is not dominated away


def test_position_is_that_of_the_largest_box():
    boxes = [
        (0, ACME, 0.4, 0.4, 0.6, 0.6),
        (1, ACME, 0.0, 0.0, 0.01, 0.01),
        (1, ACME, 0.7, 0.4, 0.9, 0.6),
    ]
    (acme,) = measure(columns(seconds(2), boxes), duration_s=2, labels=[ACME]).brands
    at_the_right = 1 - 0.3 / np.hypot(0.5, 0.5)
    assert acme.position == pytest.approx((1 + at_the_right) / 2)
    assert acme.zones == ((0, 0, 0), (0, 1, 1), (0, 0, 0))


def test_what_leaves_the_frame_is_cut_off_and_said():
    boxes = [(0, ACME, -0.25, 0.25, 0.25, 0.75), (1, ACME, *MIDDLE), (2, ACME, 1.1, 0, 1.4, 1)]
    table = columns(seconds(3), boxes)
    (acme,) = measure(table, duration_s=3, labels=[ACME], method=RAW).brands
    assert acme.on_screen_s == 2  # nothing of the third is inside
    assert acme.visibility == pytest.approx((0.5 + 1) / 2)
    assert acme.edge_touch_s == 1
    assert acme.max_size == pytest.approx(0.125)
    (half,) = measure(
        table, duration_s=3, labels=[ACME], method=replace(RAW, min_visibility=0.5)
    ).brands
    (more,) = measure(
        table, duration_s=3, labels=[ACME], method=replace(RAW, min_visibility=0.6)
    ).brands
    assert (half.on_screen_s, more.on_screen_s) == (2, 1)


def test_a_box_smaller_than_the_method_asks_does_not_count():
    boxes = [(0, ACME, *MIDDLE), (1, ACME, 0, 0, 0.1, 0.1)]
    method = replace(RAW, min_size=0.02)
    (acme,) = measure(columns(seconds(2), boxes), duration_s=2, labels=[ACME], method=method).brands
    assert acme.on_screen_s == 1


def test_clarity_is_a_mean_of_what_was_measured():
    boxes = shown(ACME, [0], MIDDLE, 0.9, 0.8) + shown(ACME, [1]) + shown(ACME, [2], MIDDLE, 0.9, 0)
    exposure = measure(columns(seconds(3), boxes), duration_s=3, labels=[ACME])
    assert exposure.brands[0].clarity == pytest.approx(0.4)
    assert any("not measured for 1 of 3 boxes" in sentence for sentence in exposure.limits)


def test_a_blurred_box_does_not_count_but_an_unmeasured_one_does():
    boxes = shown(ACME, [0], MIDDLE, 0.9, 0.1) + shown(ACME, [1])
    method = replace(RAW, min_clarity=0.3)
    exposure = measure(columns(seconds(2), boxes), duration_s=2, labels=[ACME], method=method)
    assert exposure.brands[0].on_screen_s == 1
    assert exposure.brands[0].clarity is None


def test_prominence_is_the_weighted_mean_of_its_factors():
    boxes = [(0, ACME, *MIDDLE, 0.9, 0.5), (0, BOLT, *RIGHT_HALF, 0.9, 0.5)]
    method = replace(RAW, weights=Weights(size=2, position=1, clarity=1, solus=1))
    method = replace(method, size_reference=0.08)
    acme, _ = measure(
        columns([(0, 2)], boxes), duration_s=2, labels=[ACME, BOLT], method=method
    ).brands
    # size 0.04 of 0.08, in the middle, clarity 0.5, one of two brands
    expected = (2 * 0.5 + 1 + 0.5 + 0.5) / 5
    assert acme.prominence == pytest.approx(expected, abs=1e-6)
    assert acme.qe_s == pytest.approx(2 * expected, abs=1e-6)


def test_a_factor_nobody_measured_leaves_with_its_weight():
    table = columns(seconds(1), shown(ACME, [0], (0.0, 0.0, 1.0, 1.0)))
    (acme,) = measure(table, duration_s=1, labels=[ACME]).brands
    assert acme.prominence == pytest.approx(1.0)  # full size, central, alone
    only_clarity = replace(ONE_SECOND, weights=Weights(0, 0, 1, 0))
    (acme,) = measure(table, duration_s=1, labels=[ACME], method=only_clarity).brands
    assert acme.prominence is None
    assert acme.qe_s == 0


def test_each_label_has_its_own_threshold():
    boxes = shown(ACME, [0], MIDDLE, 0.4) + shown(BOLT, [0], MIDDLE, 0.4)
    table = columns(seconds(1), boxes)
    exposure = measure(table, duration_s=1, labels=[ACME, BOLT], thresholds={ACME: 0.4})
    assert [brand.on_screen_s for brand in exposure.brands] == [1, 0]
    assert exposure.thresholds == {ACME: 0.4, BOLT: 0.5}


@pytest.mark.parametrize("threshold", [i / 100 for i in range(1, 101)])
def test_a_box_at_its_threshold_counts(threshold):
    table = columns(seconds(1), shown(ACME, [0], MIDDLE, threshold))
    (acme,) = measure(table, duration_s=1, labels=[ACME], thresholds=threshold).brands
    assert acme.on_screen_s == 1


def test_a_window_cuts_cells_exactly():
    table = columns(seconds(4), shown(ACME, [1, 2]))
    exposure = measure(table, duration_s=4, labels=[ACME], method=RAW, window=(1.5, 3.5))
    (acme,) = exposure.brands
    assert (acme.on_screen_s, exposure.analysed_s, exposure.span_s) == (1.5, 2, 2)
    assert (acme.first_s, acme.last_s) == (1.5, 3)
    assert acme.share_of_screen_time == 0.75


def test_what_lies_outside_the_window_is_not_there():
    table = columns(seconds(4), shown(BOLT, [0, 3], QUARTER) + shown(ACME, [1]))
    table.detections.sort(order="frame")
    exposure = measure(table, duration_s=4, labels=[BOLT, ACME], method=RAW, window=(1, 3))
    bolt, acme = exposure.brands
    assert (bolt.frames, bolt.max_size, bolt.count, bolt.first_s) == (0, 0, 0, None)
    assert (acme.frames, acme.count) == (1, 1)


def test_time_nobody_looked_at_is_not_analysed():
    cells = [(0.5, 1.5), (1.5, 2.5), (5.0, 6.0)]  # starts late, and 2.5 s could not be decoded
    table = columns(cells, shown(ACME, [0, 1, 2]))
    method = replace(RAW, gap_s=3, bridge_counts=True)
    exposure = measure(table, duration_s=8, labels=[ACME], method=method)
    (acme,) = exposure.brands
    assert exposure.analysed_s == 3
    assert (acme.count, acme.bridged_s, acme.reported_s) == (1, 0, 3)
    assert (acme.share_of_screen_time, acme.share_of_analysed_time) == (3 / 8, 1)
    assert any("3 s of 8 s were analysed" in sentence for sentence in exposure.limits)


def test_cells_that_outlast_the_asset_are_cut():
    (acme,) = measure(
        columns(seconds(3), shown(ACME, [0, 1, 2])), duration_s=2.5, labels=[ACME]
    ).brands
    assert (acme.reported_s, acme.share_of_screen_time) == (2.5, 1)


def test_a_picture_has_sizes_but_no_seconds():
    boxes = [(0, ACME, *QUARTER, 0.9, 0.5), (0, BOLT, *RIGHT_HALF)]
    exposure = measure(columns([(0, 0)], boxes), duration_s=0, labels=[ACME, BOLT, 12])
    acme, _, unseen = exposure.brands
    assert (acme.frames, acme.on_screen_s, acme.reported_s, acme.qe_s) == (1, 0, 0, 0)
    assert (acme.mean_size_visible, acme.mean_size_overall, acme.clarity) == (0.25, 0.25, 0.5)
    assert acme.share_of_voice_area == pytest.approx(1 / 3)
    assert acme.share_of_screen_time is acme.share_of_voice_time is None
    assert acme.prominence is not None
    assert unseen.frames == 0
    assert unseen.mean_size_visible is None
    assert "picture" in " ".join(exposure.limits)


@pytest.mark.parametrize("duration_s", [0.0, 12.0])
def test_nothing_found_is_a_row_of_nothing(duration_s):
    exposure = measure(Columns.empty(), duration_s=duration_s, labels=[ACME, BOLT])
    assert [brand.label for brand in exposure.brands] == [ACME, BOLT]
    for brand in exposure.brands:
        assert (brand.on_screen_s, brand.reported_s, brand.episodes) == (0, 0, ())
        assert brand.first_s is brand.position is brand.prominence is brand.media_value is None
    assert (exposure.analysed_s, exposure.any_s, exposure.stride_s) == (0, 0, 0)


def test_no_labels_is_no_rows():
    exposure = measure(columns(seconds(2), shown(ACME, [0])), duration_s=2, labels=[])
    assert exposure.brands == ()
    assert (exposure.any_s, exposure.analysed_s) == (0, 2)


def test_all_hidden_is_rows_of_nothing():
    table = columns(seconds(2), shown(ACME, [0]) + shown(BOLT, [1]))
    exposure = measure(table, duration_s=2, labels=[ACME, BOLT], hidden=[ACME, BOLT])
    assert [(b.is_hidden, b.on_screen_s, b.share_of_voice_time) for b in exposure.brands] == [
        (True, 0, None)
    ] * 2
    assert exposure.any_s == 0


def test_boxes_that_make_no_sense_are_nowhere():
    boxes = [
        (0, ACME, 0.5, 0.5, 0.5, 0.9),
        (1, ACME, 0.9, 0.1, 0.1, 0.9),
        (2, ACME, np.nan, 0, 1, 1),
        (3, ACME, 0, 0, 1, 1, np.nan),
    ]
    (acme,) = measure(columns(seconds(4), boxes), duration_s=4, labels=[ACME], thresholds=0).brands
    assert acme.on_screen_s == 0


@pytest.mark.parametrize(
    "options",
    [
        {"duration_s": -1.0},
        {"duration_s": float("nan")},
        {"window": (3.0, 2.0)},
        {"window": (float("nan"), 2.0)},
        {"labels": [ACME, ACME]},
    ],
)
def test_it_refuses_what_is_no_stretch_of_time_or_a_repeated_label(options):
    arguments = {"duration_s": 5.0, "labels": [ACME]} | options
    with pytest.raises(ValueError, match=r"must|once"):
        measure(columns(seconds(5), shown(ACME, [0])), **arguments)


@pytest.mark.parametrize(
    "refused",
    [
        lambda: Weights(size=-1),
        lambda: Weights(0, 0, 0, 0),
        lambda: replace(RAW, gap_s=-0.1),
        lambda: replace(RAW, minimum_s=float("inf")),
        lambda: replace(RAW, min_visibility=50),
        lambda: replace(RAW, size_reference=0),
        lambda: MediaRate(per_30_s=-5),
        lambda: MediaRate(per_30_s=100, impressions=1000),
    ],
)
def test_it_refuses_parameters_without_a_meaning(refused):
    with pytest.raises(ValueError, match=r"must|weights|go together|size_reference"):
        refused()


def test_money_is_off_unless_there_is_a_rate():
    table = columns([(0, 43)], shown(ACME, [0]))
    exposure = measure(table, duration_s=43, labels=[ACME])
    assert exposure.brands[0].media_value is None
    assert "equivalence" not in " ".join(exposure.limits)


def test_money_follows_the_published_example():
    """Joyce Julius: 43 s on screen and two mentions of 10 s, at $1,500 a second, are $94,500."""
    boxes = shown(ACME, [0], MIDDLE, 0.9, 1.0)
    exposure = measure(
        columns([(0, 43)], boxes),
        duration_s=43,
        labels=[ACME],
        method=METHODOLOGIES["joyce-julius-like"],
        rate=MediaRate(per_30_s=45_000, currency="USD"),
        words=Words(said={ACME: [(1, 2), (8, 9)]}),
    )
    (acme,) = exposure.brands
    assert acme.media_value == pytest.approx(94_500)
    assert acme.media_value_adjusted == pytest.approx((acme.qe_s + 20) * 1_500)
    assert acme.media_value_adjusted < acme.media_value
    assert "÷ 30 × 45,000.00 USD" in " ".join(exposure.limits)


def test_an_audience_and_its_price_take_the_place_of_the_spot():
    rate = MediaRate(per_30_s=0, impressions=2_000_000, cpm=20)
    (acme,) = measure(
        columns([(0, 15)], shown(ACME, [0])), duration_s=15, labels=[ACME], rate=rate
    ).brands
    assert acme.media_value == pytest.approx(20_000)  # 40,000 for 30 s, of which half
    assert "2,000,000 impressions" in rate.formula


def test_it_says_how_far_borders_can_be_off():
    table = columns(seconds(20, 0.2), shown(ACME, [0, 1, 2, 10, 11, 15]))
    exposure = measure(table, duration_s=4, labels=[ACME], method=ONE_SECOND)
    assert exposure.brands[0].border_error_s == pytest.approx(3 * 0.2)
    text = " ".join(exposure.limits)
    assert "1-second, version 1" in text
    assert "One sample every 0.2 s" in text
    assert "Gaps up to 1 s are bridged and not counted." in text
    assert "shorter than 1 s" in text


def test_borders_are_exact_where_every_frame_is_analysed():
    table = columns(seconds(20, 0.04), shown(ACME, [3, 4, 9, 19]))
    table.frames["time_s"] = table.frames["start_s"]
    exposure = measure(table, duration_s=0.8, labels=[ACME], method=RAW)
    assert exposure.brands[0].border_error_s == 0
    assert "Every frame was analysed, one every 0.04 s" in " ".join(exposure.limits)


def test_irregular_samples_make_irregular_errors():
    table = columns([(0, 2), (2, 4), (4, 12), (12, 14)], shown(ACME, [1]))  # shown at 1, 3, 8, 13
    exposure = measure(table, duration_s=14, labels=[ACME], method=RAW)
    assert exposure.brands[0].border_error_s == (3 - 2) + (8 - 4)
    assert "One sample every 2 s, at times 8 s" in " ".join(exposure.limits)


def test_held_frames_do_not_make_samples_look_sparse():
    table = columns(seconds(6, 0.2), shown(ACME, [1, 2]))
    table.frames["end_s"][2] = 9.0  # adaptive sampling held this result for a while
    later = Columns(table.frames[:3], table.detections)
    exposure = measure(later, duration_s=9, labels=[ACME], method=RAW)
    assert (exposure.stride_s, exposure.widest_s) == pytest.approx((0.2, 0.2))
    assert not exposure.is_held  # the last sample reaches to the end, held or not
    table.frames["start_s"][3:], table.frames["end_s"][3:] = [9, 9.2, 9.4], [9.2, 9.4, 9.6]
    table.frames["time_s"][3:] = [9.1, 9.3, 9.5]
    exposure = measure(table, duration_s=9.6, labels=[ACME], method=RAW)
    assert (exposure.stride_s, exposure.widest_s) == pytest.approx((0.2, 0.2))
    assert exposure.is_held
    assert exposure.brands[0].border_error_s == pytest.approx(0.2)
    assert "takes over what was found" in " ".join(exposure.limits)


def test_methods_can_turn_the_order_of_brands_round():
    flicker = shown(ACME, list(range(0, 60, 4)), MIDDLE, 0.9, 1.0)  # 15 × 0.2 s, 0.6 s apart
    steady = shown(BOLT, list(range(65, 77)), MIDDLE, 0.9, 1.0)  # 2.4 s in one go
    table = columns(seconds(80, 0.2), sorted(flicker + steady))
    exposures = compare_methods(table, duration_s=16, labels=[ACME, BOLT])
    assert list(exposures) == list(METHODOLOGIES)
    stability = rank_stability(exposures)
    assert stability.ranking == (ACME, BOLT)
    assert stability.flips == {"mrc-50-2": ((ACME, BOLT),)}
    assert stability.sentence == (
        "The rank of the brands flips under 1 of 6 methodologies: MRC 50 % / 2 s."
    )
    alone = rank_stability(compare_methods(table, duration_s=16, labels=[ACME]))
    assert alone.is_stable
    assert alone.sentence == "The rank of the brands is unchanged under all 6 methodologies."


def test_every_preset_says_what_it_is_not():
    assert set(METHODOLOGIES) == {
        "raw",
        "one-second",
        "joyce-julius-like",
        "sri-like",
        "brandmatrix-like",
        "mrc-50-2",
    }
    for key, method in METHODOLOGIES.items():
        assert isinstance(method, Methodology)
        assert method.key == key
        assert "not" in method.note or key == "raw"
        assert (key.endswith("-like")) == ("it is not their" in method.note)


def test_the_web_process_can_import_it_lightly():
    heavy = "scipy cv2 torch av PIL ultralytics openvino django pandas"
    code = (
        "import sys, analysis.exposure.measure, analysis.exposure.exports; "
        f"print(*[name for name in '{heavy}'.split() if name in sys.modules])"
    )
    root = Path(__file__).parents[3]
    loaded = subprocess.check_output([sys.executable, "-c", code], cwd=root, text=True)
    assert loaded.strip() == ""

"""What must hold of exposure whatever was detected."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.exposure.measure import (
    METHODOLOGIES,
    Exposure,
    MediaRate,
    compare_methods,
    measure,
    per_minute,
)
from analysis.exposure.sightings import Prepared, boxes_of, sightings_of
from analysis.film.columns import Columns
from tests.analysis.exposure.exposure_cases import (
    GRID,
    LABELS,
    drawn_columns,
    drawn_methods,
    end_of,
)

RAW = METHODOLOGIES["raw"]
SHARES = [
    *("mean_size_visible", "mean_size_overall", "max_size", "position", "clarity", "visibility"),
    *("share_of_screen_time", "share_of_analysed_time", "share_of_voice_time"),
    *("share_of_voice_area", "prominence"),
]
thresholds = st.sampled_from([0.05, 0.3, 0.5, 0.7, 1.0])


def measured(table: Columns, **options: object) -> Exposure:
    options = {"duration_s": end_of(table), "labels": LABELS, "thresholds": 0.3} | options
    return measure(table, **options)  # type: ignore[arg-type]


@settings(max_examples=50)
@given(drawn_columns(), drawn_methods(), thresholds)
def test_it_never_reports_more_time_than_there_is(table, method, threshold):
    exposure = measured(table, method=method, thresholds=threshold)
    assert exposure.any_s <= exposure.analysed_s + 1e-9 <= exposure.duration_s + 2e-9
    for brand in exposure.brands:
        assert -1e-9 <= brand.solus_s <= brand.on_screen_s + 1e-9
        assert brand.on_screen_s <= brand.logo_s + 1e-9
        assert brand.on_screen_s <= exposure.any_s + 1e-9
        assert brand.reported_s <= exposure.duration_s + 1e-9
        assert brand.edge_touch_s <= brand.on_screen_s + 1e-9
        assert brand.qe_s <= brand.reported_s + 1e-9
        assert brand.longest_s <= brand.reported_s + 1e-9


@settings(max_examples=50)
@given(drawn_columns(), drawn_methods())
def test_it_adds_up(table, method):
    exposure = measured(table, method=method)
    for brand in exposure.brands:
        on_screen_kept = sum(episode.on_screen_s for episode in brand.episodes)
        length = sum(episode.length_s for episode in brand.episodes)
        assert brand.count == len(brand.episodes)
        assert on_screen_kept + brand.bridged_s <= length + 1e-9
        assert brand.reported_s == pytest.approx(
            on_screen_kept + (brand.bridged_s if method.bridge_counts else 0), abs=1e-9
        )
        assert on_screen_kept <= brand.on_screen_s + 1e-9
        assert sum(map(sum, brand.zones)) == pytest.approx(brand.on_screen_s)
        assert sum(brand.size_bands) == pytest.approx(brand.on_screen_s)
        starts = [episode.start_s for episode in brand.episodes]
        assert starts == sorted(starts)


@settings(max_examples=50)
@given(drawn_columns(min_boxes=6), drawn_methods())
def test_shares_of_voice_add_up_to_one(table, method):
    brands = measured(table, method=method).brands
    for name in ("share_of_voice_time", "share_of_voice_area"):
        shares = [getattr(brand, name) for brand in brands]
        if any(brand.count for brand in brands):
            assert sum(shares) == pytest.approx(1.0)
        else:
            assert shares == [None] * len(brands)


@settings(max_examples=50)
@given(drawn_columns(), drawn_methods())
def test_what_is_a_share_stays_between_0_and_1(table, method):
    for brand in measured(table, method=method).brands:
        for name in SHARES:
            value = getattr(brand, name)
            assert value is None or 0 <= value <= 1 + 1e-9, name


@settings(max_examples=50)
@given(drawn_columns(), drawn_methods(), st.permutations(LABELS))
def test_the_order_of_brands_changes_nothing_but_the_order(table, method, order):
    rate = MediaRate(per_30_s=900)
    one = {b.label: b for b in measured(table, method=method, rate=rate).brands}
    for brand in measured(table, method=method, rate=rate, labels=order).brands:
        for field in fields(brand):
            ours, theirs = getattr(brand, field.name), getattr(one[brand.label], field.name)
            if isinstance(ours, float):
                assert ours == pytest.approx(theirs), field.name
            else:
                assert ours == theirs, field.name


@settings(max_examples=50)
@given(drawn_columns(), st.integers(0, 14), drawn_methods())
def test_cutting_at_a_frame_boundary_and_adding_gives_the_same_seconds(table, cut, method):
    duration_s = end_of(table)
    ends = table.frames["end_s"]
    border = float(ends[min(cut, len(ends) - 1)]) if len(ends) else 0.2
    whole = measured(table, method=method).brands
    left = measured(table, method=method, window=(0, border)).brands
    right = measured(table, method=method, window=(border, duration_s)).brands
    for brand, a, b in zip(whole, left, right, strict=True):
        assert a.on_screen_s + b.on_screen_s == pytest.approx(brand.on_screen_s)
        assert a.solus_s + b.solus_s == pytest.approx(brand.solus_s)
        assert a.logo_s + b.logo_s == pytest.approx(brand.logo_s)


@settings(max_examples=50)
@given(drawn_columns(min_boxes=3), st.data())
def test_a_box_inside_another_of_its_brand_adds_logo_time_only(table, data):
    inside = np.flatnonzero(boxes_around_something(table))
    if not len(inside):
        return
    row = data.draw(st.sampled_from(inside.tolist()))
    extra = table.detections[row : row + 1].copy()
    middle = (extra["x1"] + extra["x2"]) / 2
    extra["x1"], extra["x2"] = (extra["x1"] + middle) / 2, (extra["x2"] + middle) / 2
    grown = np.concatenate([table.detections, extra])
    grown = grown[np.argsort(grown["frame"], kind="stable")]
    for before, after in zip(
        measured(table, method=RAW, thresholds=0.0).brands,
        measured(Columns(table.frames, grown), method=RAW, thresholds=0.0).brands,
        strict=True,
    ):
        assert after.on_screen_s == before.on_screen_s
        assert after.mean_size_visible == pytest.approx(before.mean_size_visible)
        assert after.max_size == pytest.approx(before.max_size)
        if before.label == extra["label"][0]:
            assert after.logo_s > before.logo_s


def boxes_around_something(table: Columns) -> np.ndarray:
    """Boxes of a brand we ask for whose middle half lies inside the frame."""
    d = table.detections
    return (
        np.isin(d["label"], LABELS)
        & (d["x1"] >= 0)
        & (d["x2"] <= 1)
        & (d["x2"] > d["x1"])
        & (np.minimum(d["y2"], 1) > np.maximum(d["y1"], 0))
    )


@settings(max_examples=50)
@given(drawn_columns(), thresholds, thresholds)
def test_a_higher_threshold_never_finds_more_time(table, one, other):
    low, high = sorted((one, other))
    for method in METHODOLOGIES.values():
        at_low = measured(table, method=method, thresholds=low).brands
        at_high = measured(table, method=method, thresholds=high).brands
        for a, b in zip(at_low, at_high, strict=True):
            # Clarity is that of the largest box, but it filters boxes one by one: time only falls.
            assert b.on_screen_s <= a.on_screen_s + 1e-9


@settings(max_examples=50)
@given(drawn_columns(), st.sampled_from([0.25, 1.0, 7.0, 60.0]), thresholds)
def test_minutes_add_up_to_the_whole(table, bin_s, threshold):
    duration_s = end_of(table)
    minutes = per_minute(
        table, duration_s=duration_s, labels=LABELS, thresholds=threshold, bin_s=bin_s
    )
    exposure = measured(table, method=RAW, thresholds=threshold)
    on_screen = [brand.on_screen_s for brand in exposure.brands]
    assert minutes.edges[0] == 0
    assert minutes.edges[-1] == duration_s
    assert minutes.seconds.sum(axis=1) == pytest.approx(on_screen, abs=1e-9)
    assert minutes.overall * duration_s == pytest.approx(on_screen, abs=1e-9)
    assert (minutes.any_share * np.diff(minutes.edges)).sum() == pytest.approx(exposure.any_s)
    assert (minutes.share >= -1e-9).all()
    assert (minutes.share <= minutes.any_share + 1e-9).all()
    assert (minutes.any_share <= minutes.analysed + 1e-9).all()
    assert (minutes.analysed <= 1 + 1e-9).all()


@settings(max_examples=150)
@given(drawn_columns(min_boxes=1))
def test_the_union_is_what_counting_squares_gives(table):
    boxes = boxes_of(table, LABELS, 0.0)
    seen = sightings_of(boxes)
    for brand, frame, size, count in zip(
        seen.brand, seen.frame, seen.size, seen.n_boxes, strict=True
    ):
        d = table.detections
        mine = d[(d["label"] == LABELS[brand]) & (d["frame"] == frame)]
        squares = np.zeros((GRID, GRID), bool)
        for box in mine:
            left, top, right, bottom = (
                int(np.clip(box[side] * GRID, 0, GRID)) for side in ("x1", "y1", "x2", "y2")
            )
            squares[top:bottom, left:right] = True
        assert size == pytest.approx(squares.mean(), abs=1e-12)
        assert count <= len(mine)


@settings(max_examples=50)
@given(st.integers(3, 7), st.integers(0, 2**32 - 1))
def test_the_union_of_many_free_boxes_is_that_of_inclusion_and_exclusion(n, seed):
    rng = np.random.default_rng(seed)
    low = rng.random((n, 2)) * 0.8
    sides = np.hstack([low, low + rng.random((n, 2)) * (1 - low)]).astype(np.float32)
    d = np.zeros(n, Columns.empty().detections.dtype)
    d["label"], d["confidence"] = 7, 0.9
    for name, side in zip(("x1", "y1", "x2", "y2"), sides.T, strict=True):
        d[name] = side
    frames = np.zeros(1, Columns.empty().frames.dtype)
    total = 0.0
    for subset in range(1, 2**n):
        chosen = sides[[bool(subset >> i & 1) for i in range(n)]].astype(float)
        width, height = chosen[:, 2:].min(axis=0) - chosen[:, :2].max(axis=0)
        area = max(width, 0) * max(height, 0)
        total += area if len(chosen) % 2 else -area
    assert sightings_of(boxes_of(Columns(frames, d), [7], 0.5)).size == pytest.approx(total)


@settings(max_examples=50)
@given(drawn_columns(), drawn_methods())
def test_hiding_a_brand_is_as_if_it_had_not_been_asked_for(table, method):
    hidden = measured(table, method=method, hidden={LABELS[0]})
    without = measured(table, method=method, labels=LABELS[1:])
    assert hidden.brands[1:] == without.brands
    assert hidden.brands[0].is_hidden
    assert hidden.brands[0].on_screen_s == hidden.brands[0].reported_s == 0
    assert hidden.any_s == without.any_s


@settings(max_examples=50)
@given(drawn_columns(), drawn_methods())
def test_more_confidence_is_never_more_prominence(table, method):
    surer = Columns(table.frames, table.detections.copy())
    surer.detections["confidence"] = np.maximum(surer.detections["confidence"], 0.99)
    bare = replace(method, min_clarity=0.0)
    for a, b in zip(
        measured(table, method=bare, thresholds=0.0).brands,
        measured(surer, method=bare, thresholds=0.0).brands,
        strict=True,
    ):
        assert (a.prominence, a.qe_s, a.reported_s) == (b.prominence, b.qe_s, b.reported_s)


@settings(max_examples=50)
@given(drawn_columns(), drawn_methods(), thresholds, st.sampled_from([None, (0.3, 2.1)]))
def test_prepared_columns_give_the_same_answers(table, method, threshold, window):
    ready = Prepared.of(table, LABELS)
    options = {"method": method, "thresholds": threshold, "window": window, "hidden": {LABELS[1]}}
    if window and window[1] > end_of(table):
        options["window"] = None
    for labels in (LABELS, LABELS[:2]):  # also when asked for something else than prepared
        assert measured(ready, labels=labels, **options) == measured(
            table, labels=labels, **options
        )


@settings(max_examples=50)
@given(drawn_columns(), drawn_methods(), thresholds, st.sampled_from([None, (0.3, 2.1)]))
def test_methods_side_by_side_say_what_each_says_alone(table, method, threshold, window):
    asked = {
        "duration_s": end_of(table),
        "labels": LABELS,
        "thresholds": threshold,
        "hidden": LABELS[:1],
        "window": window,
    }
    methods = METHODOLOGIES | {"drawn": method}
    for key, standing in compare_methods(table, methods=methods, **asked).items():
        alone = measure(table, method=methods[key], **asked)
        for brief, full in zip(standing.brands, alone.brands, strict=True):
            assert (brief.label, brief.is_hidden) == (full.label, full.is_hidden)
            assert brief.reported_s == pytest.approx(full.reported_s)
            assert brief.count == full.count

"""Voice activity, in pieces as if whole."""

import numpy as np

from analysis.media.audio import RATE
from analysis.speech.alignment import starts
from analysis.speech.voice import VoiceActivity, spans, voice_in
from analysis.speech.windows import LONGEST_S, windows
from tests.analysis.speech.sounds import needs_speech, silence, spoken

pytestmark = needs_speech


def test_in_pieces_of_any_length_it_judges_as_in_one():
    samples = np.concatenate([silence(1), spoken(), silence(1)])
    activity = VoiceActivity()
    pieces = np.split(samples, [1, 600, 601, 40_000, 100_003])
    parts = [activity.push(piece) for piece in pieces]
    assert np.allclose(np.concatenate([*parts, activity.finish()]), voice_in(samples), atol=1e-5)
    assert len(voice_in(np.empty(0, np.float32))) == 0


def test_the_sound_that_is_judged_stays_as_it_was():
    sound = np.full(512 * 20, 0.25, np.float32)  # faster-whisper's own wrapper blanks its end
    voice_in(sound)
    assert (sound == 0.25).all()


def test_a_voice_is_found_where_it_is_and_packed_without_its_silence():
    samples = np.concatenate([silence(5), spoken(), silence(30), spoken(), silence(5)])
    length_s = len(spoken()) / RATE
    voice = voice_in(samples)
    found = spans(voice, len(samples))
    assert abs(found[0].start / RATE - 5) < 0.3
    assert abs(found[-1].end / RATE - (35 + 2 * length_s)) < 0.4
    [window] = windows(samples, found, voice)
    assert window.length_s < 2 * length_s + 1
    start_s, end_s = window.places_s(length_s + 1.0, length_s + 1.5)
    assert start_s > 35 + length_s, "times are put back"
    assert 0.49 < end_s - start_s < 0.51


def test_one_breath_of_a_minute_is_cut_into_windows():
    samples = np.concatenate([spoken()[: 4 * RATE]] * 20)
    voice = np.full(len(voice_in(samples)), 0.9, np.float32)
    cut = windows(samples, spans(voice, len(samples)), voice)
    assert all(2 < window.length_s <= LONGEST_S for window in cut)
    assert sum(len(window.samples) for window in cut) == len(samples)


def test_the_path_through_attention_is_that_of_plain_dynamic_time_warping():
    random = np.random.default_rng(3)
    for tokens, frames in ((1, 1), (1, 9), (5, 40), (12, 12), (30, 200)):
        attention = random.random((3, tokens, frames)).astype(np.float32)
        for token in range(tokens):
            attention[:, token, token * frames // tokens] += 2
        assert starts(attention).tolist() == plain(attention)


def plain(attention):
    """As whisper's own `dtw_cpu` does it, cell by cell."""
    from analysis.speech.alignment import _median

    spread = np.maximum(attention.std(axis=1, keepdims=True), 1e-6)
    standard = (attention - attention.mean(axis=1, keepdims=True)) / spread
    cost = -_median(standard, 7).mean(axis=0).astype(np.float64)
    n, m = cost.shape
    best, trace = np.full((n + 1, m + 1), np.inf), np.zeros((n + 1, m + 1), int)
    best[0, 0] = 0
    for j in range(1, m + 1):
        for i in range(1, n + 1):
            ways = (best[i - 1, j - 1], best[i - 1, j], best[i, j - 1])
            trace[i, j] = int(np.argmin(ways))
            best[i, j] = cost[i - 1, j - 1] + min(ways)
    i, j, first = n, m, [0] * n
    while i > 0:
        first[i - 1] = j - 1
        step = trace[i, j] if j > 1 else 1
        i, j = i - (step in (0, 1)), max(j - (step in (0, 2)), 1)
    return first

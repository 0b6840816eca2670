"""Segments end where nobody speaks, and cover all of it."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from analysis.errors import UnreadableMedia
from analysis.media.audio import RATE
from analysis.speech import plan_speech
from tests.analysis.clips import constant, write_clip
from tests.analysis.speech.sounds import SPEECH, needs_speech, silence, spoken, write

pytestmark = needs_speech


def talk(seconds, pause_s=0.6):
    """Sentences with a pause after each; and where the pauses are, in samples."""
    names = sorted(path.name for path in SPEECH.glob("ljspeech32*.flac"))
    parts, pauses, at = [], [], 0
    while at < seconds * RATE:
        sentence = spoken(names[len(pauses) % len(names)])
        parts += [sentence, silence(pause_s)]
        at += len(sentence) + round(pause_s * RATE)
        pauses.append((at - round(pause_s * RATE), at))
    return np.concatenate(parts)[: round(seconds * RATE)], pauses


def test_borders_lie_in_pauses_and_nothing_is_left_out(tmp_path):
    samples, _ = talk(100)
    segments = plan_speech(write(tmp_path / "a.wav", samples), target_s=20)
    assert segments[0][0] == 0
    assert segments[-1][1] == pytest.approx(100, abs=0.01)
    assert all(a[1] == b[0] for a, b in pairwise(segments))
    assert len(segments) == 5
    for start_s, _ in segments[1:]:
        around = samples[round((start_s - 0.05) * RATE) : round((start_s + 0.05) * RATE)]
        assert abs(around).max() < 0.02, "silence there"
    assert all(12 < b - a < 30 for a, b in segments)


def test_no_pause_long_silence_short_sound_and_none(tmp_path):
    tone = np.sin(np.arange(60 * RATE) * 0.3).astype(np.float32)
    assert len(plan_speech(write(tmp_path / "tone.wav", tone), target_s=20)) == 3
    quiet = plan_speech(write(tmp_path / "quiet.wav", silence(61)), target_s=20)
    assert [round(b - a) for a, b in quiet] == [20, 20, 21]
    assert plan_speech(write(tmp_path / "short.wav", silence(3))) == [(0.0, 3.0)]
    assert plan_speech(write_clip(tmp_path / "mute.mp4", constant(5))) == []


def test_damage_is_an_error_and_not_silence(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"no sound" * 100)
    with pytest.raises(UnreadableMedia):
        plan_speech(tmp_path / "a.wav")
    with pytest.raises(UnreadableMedia, match="there is no number 2"):
        plan_speech(write(tmp_path / "b.wav", silence(3)), track=1)


def test_memory_does_not_grow_with_the_length(tmp_path):
    """Twenty minutes as samples would be 77 MB."""
    program = (
        "import resource, sys; from analysis.speech import plan_speech; "
        "print(len(plan_speech(sys.argv[1])), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    used = []
    for minutes in (4, 20):
        path = tmp_path / f"{minutes}.wav"
        write(path, silence(minutes * 60)[::2], RATE // 2)
        done = subprocess.run(
            [sys.executable, "-c", program, path], capture_output=True, text=True, check=True
        )
        count, kilobytes = map(int, done.stdout.split())
        assert count == minutes // 2
        used.append(kilobytes / 1024)
    assert used[1] - used[0] < 20

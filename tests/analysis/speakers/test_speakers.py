"""Who speaks when: real voices, and sound in which nobody does."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest

from analysis.__main__ import main
from analysis.errors import AnalysisError, NotInstalled
from analysis.media.audio import RATE
from analysis.speakers import SpeakerOptions, VoicePrints, engine, turns_of
from analysis.speakers.diarization_error import diarization_error
from analysis.speakers.engine import VoiceEngine, voice_engine
from analysis.speakers.exports import as_json, as_rttm, as_txt
from analysis.speakers.names import person_in
from analysis.speakers.types import Turn, packed_print, unpacked_print
from analysis.speakers.weights import read_weights
from tests.analysis.clips import constant, write_clip
from tests.analysis.speakers.voices import (
    NOVEL,
    READER,
    SPANISH,
    conversation,
    listener,
    loud,
    needs_voices,
    talk,
)
from tests.analysis.speech.sounds import music, silence, spoken, write


def rate(truth, found) -> float:
    return diarization_error(truth, [(t.start_s, t.end_s, t.voice) for t in found.turns]).rate


@needs_voices
def test_two_people_are_told_apart_and_each_is_one_voice():
    samples, truth = talk()
    found = turns_of([listener().prints_in(samples)])
    assert len(found.voices) == 2
    assert [turn.voice for turn in found.turns] in ([0, 1, 0, 1], [1, 0, 1, 0])
    assert rate(truth, found) < 0.1
    spoken_s = [sum(t.length_s for t in found.turns if t.voice == v) for v in (0, 1)]
    assert spoken_s[0] >= spoken_s[1]  # the one who speaks most comes first


@needs_voices
def test_parts_listened_to_alone_give_the_same_turns_as_the_whole(tmp_path):
    samples, truth = talk()
    path = write(tmp_path / "talk.wav", samples)
    border_s = truth[1][1] + 0.25  # in a pause, as segments are cut
    parts = [listener().listen(path, 0, border_s), listener().listen(path, border_s)]
    kept = [VoicePrints.unpacked(part.packed()) for part in parts]
    assert rate(truth, turns_of(kept)) < 0.1


@needs_voices
def test_how_many_speakers_there_are_can_be_said():
    samples, _ = conversation(READER[0], NOVEL[0], SPANISH[0])
    heard = listener().prints_in(samples)
    assert len(turns_of([heard]).voices) == 3
    assert len(turns_of([heard], SpeakerOptions(speakers=2)).voices) == 2


@needs_voices
def test_a_voice_by_telephone_is_one_voice():
    eight = "osr_harvard__speech_audio__OSR_us_000_0034_8k.flac"
    assert len(turns_of([listener().prints_in(spoken(eight)[: 20 * RATE])]).voices) == 1


@needs_voices
def test_two_at_once_are_one_turn_of_the_one_who_is_heard_best():
    first, second = loud(spoken(READER[0])), loud(spoken(NOVEL[0]))
    n = min(len(first), len(second))
    both = first[:n] + 0.3 * second[:n]
    found = turns_of([listener().prints_in(np.concatenate([first, silence(0.6), both]))])
    ordered = [(turn.start_s, turn.end_s) for turn in found.turns]
    assert found.turns
    assert all(a[1] <= b[0] + 1e-6 for a, b in pairwise(ordered))


@needs_voices
@pytest.mark.parametrize("sound", [silence(5), music(5), silence(0), silence(0.01)])
def test_where_nobody_speaks_there_are_no_turns(sound):
    found = turns_of([listener().prints_in(sound)])
    assert found.turns == ()
    assert len(found.voices) == 0


@needs_voices
def test_a_word_is_a_turn_of_one_voice():
    said = spoken("ljspeech32__LJ001-0002.flac")[:RATE]
    found = turns_of([listener().prints_in(said)])
    assert {turn.voice for turn in found.turns} == {0}


@needs_voices
def test_the_command_writes_turns_as_text_json_and_rttm(tmp_path, capsys):
    path = write(tmp_path / "a talk.wav", talk()[0])
    assert main(["speakers", str(path), "--format", "rttm"]) == 0
    out, err = capsys.readouterr()
    rows = [line.split() for line in out.splitlines()]
    assert {row[7] for row in rows} == {"Speaker_1", "Speaker_2"}
    assert all(len(row) == 10 and row[1] == "a_talk.wav" for row in rows)
    assert "2 speakers." in err


@needs_voices
def test_a_file_without_sound_is_said(tmp_path, capsys):
    mute = write_clip(tmp_path / "mute.mp4", constant(10))
    assert main(["speakers", str(mute)]) == 1
    assert "no sound" in capsys.readouterr().err


def test_missing_weights_are_said_with_what_to_do(monkeypatch, capsys):
    monkeypatch.setattr(engine, "_VERSION", "0.0.0")
    assert voice_engine() is None
    with pytest.raises(NotInstalled, match=r"requirements-voices\.txt"):
        engine.require_voice_engine()


@needs_voices
def test_other_weights_are_not_used(tmp_path):
    other = tmp_path / "pretrained.pt"
    other.write_bytes(b"not weights")
    engine = voice_engine()
    with pytest.raises(AnalysisError, match="not the file"):
        read_weights(VoiceEngine(engine.key, engine.title, other, engine.digest))


# --- the measure ----------------------------------------------------------------------------------


def test_the_error_counts_what_is_missed_false_and_confused():
    truth = [(0, 10, "a"), (10, 20, "b")]
    assert diarization_error(truth, [(0, 10, 1), (10, 20, 2)]).rate == 0
    everything = diarization_error(truth, [(0, 20, 1)], collar_s=0)
    assert everything.confused_s == pytest.approx(10)
    half = diarization_error(truth, [(0, 10, 1), (10, 15, 2), (20, 25, 2)], collar_s=0)
    assert (half.missed_s, half.false_s) == pytest.approx((5, 5))
    assert half.rate == pytest.approx(0.5)


def test_the_collar_forgives_a_quarter_of_a_second():
    truth = [(0, 10, "a"), (10, 20, "b")]
    assert diarization_error(truth, [(0, 10.2, 1), (10.2, 20, 2)]).rate == 0
    assert diarization_error([], [(0, 1, 1)]).rate == 1
    assert diarization_error([], []).rate == 0


# --- keeping and writing --------------------------------------------------------------------------


def test_prints_are_kept_in_half_a_kilobyte_each():
    one = np.zeros(256, np.float32)
    one[3] = 1
    assert len(packed_print(one)) == 512
    assert np.allclose(unpacked_print(packed_print(one)), one)
    with pytest.raises(ValueError, match="no voice print"):
        unpacked_print(b"abc")
    with pytest.raises(ValueError, match="no voice print"):
        VoicePrints.unpacked(b"abc")


def test_files_say_who_and_when():
    turns = [Turn(0.5, 2.0, 0, 0.9), Turn(2.5, 3661.04, 1, 0.8)]
    assert as_txt(turns, "a.mp4").splitlines()[1] == "0:00:02.5  1:01:01.0  Speaker 2"
    names = {0: "Maria Lopez", 1: "Speaker 2"}
    assert as_rttm(turns, "a.mp4", names.__getitem__).startswith(
        "SPEAKER a.mp4 1 0.500 1.500 <NA> <NA> Maria_Lopez 0.900 <NA>\n"
    )
    content = json.loads(as_json(turns, "a.mp4", names.__getitem__))
    assert content["spoken_s"]["Maria Lopez"] == 1.5


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("MARIA LOPEZ", "Maria Lopez"),
        ("Maria Lopez, Reporter", "Maria Lopez"),
        ("JAN VAN DER BERG", "Jan van der Berg"),
        ("Jean-Luc O'Neill | Coach", "Jean-Luc O'Neill"),
        ("BREAKING NEWS", ""),
        ("Kestrel", ""),
        ("HALF TIME 2-1", ""),
        ("the leader takes the lead", ""),
        ("", ""),
    ],
)
def test_a_line_that_may_name_somebody_is_told_from_others(line, name):
    assert person_in(line) == name

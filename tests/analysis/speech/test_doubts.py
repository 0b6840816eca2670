"""What nobody said is taken out, and what somebody said is not."""

import numpy as np

from analysis.speech.doubts import (
    GUESS,
    LOOP,
    NOISE,
    SILENCE,
    failed,
    little_understood,
    loops,
    passed_over_s,
    reasons,
)
from analysis.speech.network import Reading
from analysis.speech.types import Word
from analysis.speech.voice import STEP_S, Span

VOICE = np.full(round(30 / STEP_S), 0.95, np.float32)
MUTE = np.full_like(VOICE, 0.02)


def reading(text, *, each_s=0.4, start_s=0.0, sure=0.9, logprob=-0.3, no_speech=0.05):
    words = tuple(
        Word(word, start_s + at * each_s, start_s + (at + 0.9) * each_s, sure)
        for at, word in enumerate(text.split())
    )
    return Reading(words, logprob, no_speech)


def test_plain_speech_stands():
    assert set(reasons(reading("we are at present concerned with this"), VOICE)) == {""}


def test_a_crowd_that_chants_stands_and_a_decoder_that_cannot_stop_does_not():
    chant = "USA! " * 24
    assert set(reasons(reading(chant, each_s=0.5), VOICE)) == {""}
    stuck = reasons(reading(chant, each_s=0.05), VOICE)
    assert stuck == ["", *[LOOP] * 23], "once it may have been said"
    phrase = reasons(reading("Hello there. " + "thank you very much. " * 8, each_s=0.08), VOICE)
    assert phrase == [""] * 6 + [LOOP] * 28
    assert set(reasons(reading("no no no that is not", each_s=0.2), VOICE)) == {""}


def test_loops_are_four_in_a_row_of_up_to_eight_words():
    def found(text):
        return loops(reading(text).words)

    assert found("a b c d e") == []
    assert found("go go go") == []
    assert found("well go Go, go. go then") == [(1, 5)]
    assert found("x " + "one two three " * 4 + "y") == [(1, 13)]
    assert found("") == []


def test_text_over_silence():
    half = np.concatenate([VOICE[: len(VOICE) // 2], MUTE[: len(MUTE) // 2]])
    said = reading("this is said here", start_s=12)
    made_up = reading("Thanks for watching my channel", start_s=20)
    both = Reading(said.words + made_up.words, -0.3, 0.1)
    assert reasons(both, half) == [""] * 4 + [SILENCE] * 5
    assert set(reasons(made_up, MUTE)) == {SILENCE} or set(reasons(made_up, MUTE)) == {NOISE}
    # one sure word that alignment put a little too late
    late = Reading((*said.words, Word("middle.", 16.0, 16.4, 0.9)), -0.3, 0.1)
    assert reasons(late, half) == [""] * 5


def test_what_the_network_itself_doubts():
    faint = np.full_like(VOICE, 0.3)
    assert set(reasons(reading("Thank you.", sure=0.3, no_speech=0.8), faint)) == {NOISE}
    assert set(reasons(reading("Thank you.", logprob=-1.3, no_speech=0.8), VOICE)) == {NOISE}
    assert set(reasons(reading("la de la", sure=0.2, logprob=-1.5), VOICE)) == {GUESS}
    assert failed(reading("ha " * 60)), "compresses too well"
    assert failed(reading("so be it", logprob=-1.2))
    assert not failed(reading("so be it", logprob=-1.2, no_speech=0.9)), "silence is no failure"


def test_who_speaks_and_is_not_understood_is_not_called_silent():
    whisper = "Whisper tiny, English only"
    sure, unsure = (8.0, 0.9), (3.0, 0.4)
    assert little_understood([sure, unsure], [GUESS], whisper, is_english=True) == ""
    assert little_understood([], [SILENCE], whisper, is_english=True) == ""
    nothing = little_understood([], [GUESS], whisper, is_english=True)
    assert nothing.startswith("Somebody speaks in it")
    assert f"{whisper} heard it as" in nothing
    little = little_understood([unsure], [], "Whisper base", is_english=False)
    assert little == "Little of what is said was understood: most of the words are guesses."


def test_voice_that_no_word_accounts_for():
    whole = [Span(0, 30 * 16000)]
    # the first word was stretched over all that was passed over
    late = (Word("In", 0.0, 17.0, 0.9), *reading("short time it " * 10, start_s=17).words)
    assert 10 < passed_over_s(late, whole, VOICE) < 17
    assert passed_over_s(reading("word " * 75).words, whole, VOICE) == 0
    assert passed_over_s((), whole, MUTE) == 0

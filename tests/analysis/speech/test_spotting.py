"""Names in the sound that the recogniser did not know, said by a machine's voice."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.errors import Stopped
from analysis.speech import Recogniser, SpeechOptions, Word, best_engine, engines
from tests.talking import SENTENCES, needs_a_voice_and_an_engine, talk

NAMES = ("Tessacore", "Norra Bank", "Crestwyn", "Quellmar", "Grantham Steel")
WITH_NAMES = [
    "My sister has just moved to Tessacore.",
    "Look at that, Norra Bank takes the lead.",
    "Follow the sign for Quellmar and turn right.",
    "Only Grantham Steel makes it in this colour.",
]
ENGLISH = SpeechOptions("en")


@pytest.fixture(scope="module")
def recogniser() -> Recogniser:
    needs_a_voice_and_an_engine()
    engine = best_engine(engines(), "en")
    assert engine is not None
    return Recogniser(engine, device="cpu")


def said_in(recogniser: Recogniser, path: Path, options: SpeechOptions = ENGLISH) -> list[Word]:
    return [word for u in recogniser.transcribe(path, options).utterances for word in u.words]


def test_names_are_heard_in_the_sound_where_the_transcript_has_others(
    recogniser: Recogniser, tmp_path: Path
) -> None:
    path = talk(tmp_path / "names.m4a", WITH_NAMES, with_picture=False)
    said = said_in(recogniser, path)
    written = {name for name in NAMES if name.lower() in " ".join(w.text.lower() for w in said)}
    found = recogniser.spot(path, NAMES, said, ENGLISH)
    terms = [one.term for one in found]
    assert terms
    assert len(written | set(terms)) >= 2, "of four names that are said"
    assert not set(terms) & {"Crestwyn"}, "nobody said that"
    order = [name for sentence in WITH_NAMES for name in NAMES if name in sentence]
    assert terms == [name for name in order if name in terms], "each in its sentence's turn"
    for one in found:
        assert one.text
        assert one.term not in one.text
        assert 0.6 <= one.score <= 1
        assert 0 < one.end_s - one.start_s < 2.6
    # in the middle of the sound they are where they were
    middle = found[0].start_s - 1
    later = recogniser.spot(path, NAMES, said, ENGLISH, start_s=middle)
    assert later
    assert later[0].term == found[0].term
    assert later[0].start_s == pytest.approx(found[0].start_s, abs=0.1)


def test_nothing_is_heard_that_nobody_said(recogniser: Recogniser, tmp_path: Path) -> None:
    path = talk(tmp_path / "talk.m4a", with_picture=False)
    said = said_in(recogniser, path, SpeechOptions("en", vocabulary=NAMES, text="The boats race."))
    assert len(said) > 0.8 * len(" ".join(SENTENCES).split())
    assert not [word.text for word in said if word.text.strip(".,") in NAMES]
    assert recogniser.spot(path, NAMES, said, ENGLISH) == []
    assert recogniser.spot(path, (), said, ENGLISH) == []
    assert recogniser.spot(path, NAMES, [], ENGLISH) == []
    with pytest.raises(Stopped):
        recogniser.spot(path, NAMES, said, ENGLISH, should_stop=lambda: True)

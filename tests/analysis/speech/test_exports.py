"""Files of a transcript, read back as others read them."""

import csv
import io
import json

from analysis.speech.exports import as_csv, as_json, as_srt, as_txt, as_vtt
from analysis.speech.types import Utterance, Word


def utterance(text, start_s, end_s, language="en", channel=-1):
    words = text.split()
    each = (end_s - start_s) / max(len(words), 1)
    timed = tuple(
        Word(word, start_s + at * each, start_s + (at + 1) * each, 0.9)
        for at, word in enumerate(words)
    )
    return Utterance(start_s, end_s, timed, language, 0.9, channel)


def test_captions_in_both_formats():
    said = [
        utterance("Tom & Jerry <live>", 0.0, 1.2345),
        utterance("and --> now", 3599.9996, 3601),
        utterance("a long sentence that does not fit into one line of a caption", 36000, 36004),
        utterance("", 36005, 36006),
        utterance("Now", 36007, 36007),
    ]
    assert as_vtt(said) == (
        "WEBVTT\n\n"
        "00:00:00.000 --> 00:00:01.234\nTom &amp; Jerry &lt;live&gt;\n\n"
        "01:00:00.000 --> 01:00:01.000\nand → now\n\n"
        "10:00:00.000 --> 10:00:04.000\n"
        "a long sentence that does not\nfit into one line of a caption\n\n"
        "10:00:07.000 --> 10:00:07.001\nNow\n"
    )
    assert as_srt(said[:2]) == (
        "1\n00:00:00,000 --> 00:00:01,234\nTom & Jerry <live>\n\n"
        "2\n01:00:00,000 --> 01:00:01,000\nand → now\n"
    )


def test_nothing_said_is_an_empty_file_of_its_format():
    assert as_vtt([]) == "WEBVTT\n"
    assert as_srt([]) == as_txt([]) == ""
    assert json.loads(as_json([]))["utterances"] == []
    assert list(csv.reader(io.StringIO(as_csv([]))))[1:] == []


def test_plain_text_has_paragraphs_at_pauses_and_speakers():
    said = [
        utterance("One.", 0, 1),
        utterance("Two.", 1.5, 2),
        utterance("Three.", 5, 6),
        utterance("Four.", 6, 7, channel=1),
    ]
    assert as_txt(said) == "One. Two.\n\nThree.\n\nFour.\n"
    assert as_txt([utterance("今日 は", 0, 1, "ja"), utterance("雨", 1, 2, "ja")]) == "今日は雨\n"


def test_a_table_cannot_start_a_formula_and_json_keeps_every_word():
    said = [utterance("=HYPERLINK(1) now", 1, 2, channel=1)]
    [row] = csv.DictReader(io.StringIO(as_csv(said)))
    assert (row["text"], row["start"], row["channel"]) == (
        "'=HYPERLINK(1) now",
        "00:00:01.000",
        "1",
    )
    [one] = json.loads(as_json(said))["utterances"]
    assert [word["text"] for word in one["words"]] == ["=HYPERLINK(1)", "now"]
    assert (one["words"][1]["start_s"], one["channel"]) == (1.5, 1)

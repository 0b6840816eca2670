"""Utterances as files: WebVTT, SRT, plain text, JSON, CSV. Light: pages import it too.

Times are cut to whole milliseconds by rounding once, so that two captions that touch still do. A
caption lasts at least a millisecond: players and parsers pass over those that last none.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from analysis.speech.types import MIXED, WRITTEN_WITHOUT_BLANKS, Utterance, Word

SCHEMA = "sightline.transcript/1"
_LINE = 42  # characters of a caption's line, as broadcasters have it
_PARAGRAPH_S = 2.0  # a pause after which plain text begins a new paragraph
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def as_vtt(utterances: Iterable[Utterance]) -> str:
    """WebVTT captions (W3C), a cue for each utterance."""
    cues = (
        f"{_clock(start, '.')} --> {_clock(end, '.')}\n{_vtt_text(utterance)}\n"
        for utterance, start, end in _spans(utterances)
    )
    return "\n".join(("WEBVTT\n", *cues))


def as_srt(utterances: Iterable[Utterance]) -> str:
    """SubRip captions, numbered from 1."""
    cues = (
        f"{number}\n{_clock(start, ',')} --> {_clock(end, ',')}\n"
        f"{_prefix(utterance)}{_in_lines(utterance)}\n"
        for number, (utterance, start, end) in enumerate(_spans(utterances), 1)
    )
    return "\n".join(cues)


def as_txt(utterances: Iterable[Utterance]) -> str:
    """The words alone, in paragraphs: a pause of two seconds, another channel or
    speaker begins one."""
    parts: list[str] = []
    last: Utterance | None = None
    for utterance in utterances:
        if last is not None:
            pause_s = utterance.start_s - last.end_s
            is_new = pause_s >= _PARAGRAPH_S or utterance.channel != last.channel
            is_new = is_new or utterance.speaker != last.speaker
            blank = "" if utterance.language in WRITTEN_WITHOUT_BLANKS else " "
            parts.append("\n\n" if is_new else blank)
        if last is None or utterance.speaker != last.speaker:
            parts.append(_prefix(utterance))
        parts.append(utterance.text)
        last = utterance
    return "".join(parts) + "\n" if parts else ""


def as_json(utterances: Iterable[Utterance]) -> str:
    """Everything, with the words' times in seconds and their confidences."""
    rows = [
        {
            "start_s": round(utterance.start_s, 3),
            "end_s": round(utterance.end_s, 3),
            "text": utterance.text,
            "language": utterance.language,
            "confidence": round(utterance.confidence, 4),
            "channel": None if utterance.channel == MIXED else utterance.channel,
            **({"speaker": utterance.speaker} if utterance.speaker else {}),
            "words": [_word_row(word) for word in utterance.words],
        }
        for utterance in utterances
    ]
    return json.dumps({"schema": SCHEMA, "utterances": rows}, ensure_ascii=False, indent=1) + "\n"


def as_csv(utterances: Iterable[Utterance]) -> str:
    """One row per utterance. Encode as "utf-8-sig" for Excel."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(
        ("start", "start_s", "end_s", "text", "language", "confidence", "channel", "speaker")
    )
    for utterance in utterances:
        rows.writerow(
            (
                _clock(round(utterance.start_s * 1000), "."),
                f"{utterance.start_s:.3f}",
                f"{utterance.end_s:.3f}",
                _safe_cell(utterance.text),
                utterance.language,
                f"{utterance.confidence:.4f}",
                "" if utterance.channel == MIXED else utterance.channel,
                _safe_cell(utterance.speaker),
            )
        )
    return out.getvalue()


class _Span(NamedTuple):
    utterance: Utterance
    start_ms: int
    end_ms: int


def _spans(utterances: Iterable[Utterance]) -> Iterator[_Span]:
    """Those with words, each with its times in whole milliseconds."""
    for utterance in utterances:
        if utterance.text.strip():
            start, end = round(utterance.start_s * 1000), round(utterance.end_s * 1000)
            yield _Span(utterance, start, max(end, start + 1))


def _clock(milliseconds: int, point: str) -> str:
    """h:mm:ss with two digits of hours or more, as both formats want it."""
    seconds, rest = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}{point}{rest:03d}"


def _in_lines(utterance: Utterance) -> str:
    """The text in one line, or in two of about the same length; an arrow would end a cue's text."""
    text = utterance.text.strip().replace("-->", "→")
    if len(text) <= _LINE or utterance.language in WRITTEN_WITHOUT_BLANKS:
        return text
    blanks = [at for at, letter in enumerate(text) if letter == " "]
    if not blanks:
        return text
    middle = min(blanks, key=lambda at: abs(at - len(text) / 2))
    return f"{text[:middle]}\n{text[middle + 1 :]}"


def _prefix(utterance: Utterance) -> str:
    """Who says it, as captions have it; nothing where that is not known."""
    return f"{utterance.speaker.replace('-->', '→')}: " if utterance.speaker else ""


def _vtt_text(utterance: Utterance) -> str:
    """With a voice span where it is known who speaks (W3C, WebVTT 4.2.2)."""
    voice = f"<v {_escaped(utterance.speaker)}>" if utterance.speaker else ""
    return voice + _escaped(_in_lines(utterance))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _word_row(word: Word) -> dict[str, str | float]:
    return {
        "text": word.text,
        "start_s": round(word.start_s, 3),
        "end_s": round(word.end_s, 3),
        "confidence": round(word.confidence, 4),
    }


def _safe_cell(text: str) -> str:
    """Text that a spreadsheet shows and does not calculate (as in `exposure.exports`)."""
    if text.startswith(_FORMULA_STARTS) or text.lstrip().startswith(_FORMULA_STARTS):
        return "'" + text
    return text


FORMATS = {"vtt": as_vtt, "srt": as_srt, "txt": as_txt, "json": as_json, "csv": as_csv}


def export(utterances: Sequence[Utterance], file_format: str) -> str:
    """The text of a file of one of FORMATS."""
    return FORMATS[file_format](utterances)

"""What is heard: words with their times, in utterances. Imports nothing heavy.

Times are seconds from the asset's start, as everywhere; confidences are 0 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Task = Literal["transcribe", "translate"]
Channels = Literal["mixed", "apart"]
MIXED = -1  # the channel of an utterance that was heard in all of them together


@dataclass(frozen=True, slots=True)
class Word:
    """One word as it is written, with the punctuation that belongs to it."""

    text: str
    start_s: float
    end_s: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Utterance:
    """Words said in one breath: what a caption shows at once.

    language: of the words as they are written, so "en" for a translation. channel: which of the
    track's channels it was heard in, from 0; MIXED where they were not told apart. speaker: the
    name of who says it; "" where speakers were not told apart.
    """

    start_s: float
    end_s: float
    words: tuple[Word, ...]
    language: str
    confidence: float
    channel: int = MIXED
    speaker: str = ""

    @property
    def text(self) -> str:
        """The words as one line; languages written without blanks get none."""
        return join_words([word.text for word in self.words], self.language)


@dataclass(frozen=True, slots=True)
class Dropped:
    """What the recogniser wrote and nobody said. `why` says in words how that was seen."""

    start_s: float
    end_s: float
    text: str
    why: str


@dataclass(frozen=True, slots=True)
class Heard:
    """All that was heard in a stretch, in the order of time.

    language: what is spoken; "" where nothing was. engine: the key of the Engine that listened.
    remarks: sentences for who reads it, such as that the language seems to be another.
    """

    utterances: tuple[Utterance, ...]
    dropped: tuple[Dropped, ...]
    language: str
    engine: str
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SpeechOptions:
    """How a sound is listened to. Kept with its results, so that they can be made again.

    language: a code such as "en"; "" finds out. vocabulary: names and terms to expect, the most
    important first. text: of the kind that is spoken; a model of its words has a say where several
    readings are as likely. track: which sound track, from 0 as `probe` lists them.
    """

    language: str = ""
    task: Task = "transcribe"
    vocabulary: tuple[str, ...] = ()
    track: int = 0
    channels: Channels = "mixed"
    text: str = ""

    def __post_init__(self) -> None:
        if self.task not in ("transcribe", "translate"):
            raise ValueError("task must be transcribe or translate")
        if self.channels not in ("mixed", "apart"):
            raise ValueError("channels must be mixed or apart")
        if self.track < 0:
            raise ValueError("track counts from 0")


WRITTEN_WITHOUT_BLANKS = frozenset({"zh", "ja", "th", "lo", "my", "yue", "bo", "km"})


def join_words(texts: list[str], language: str) -> str:
    """Words as one line, in the manner of a language."""
    return ("" if language in WRITTEN_WITHOUT_BLANKS else " ").join(texts)

"""What is said in a film: who only imports this loads no model and no library of one.

    [engine] = engines()
    heard = Recogniser(engine).transcribe("talk.mp4")

`engines` says which recognisers this machine has. `plan_speech` cuts a film into segments at
pauses (`planning`), and a `Recogniser` listens to one after the other: `voice` finds where
somebody speaks, `windows` packs that into what Whisper listens to at once, a network reads it
(`network` says what one must do; `converted` is faster-whisper, `checkpoint` openai-whisper),
`doubts` takes out what nobody said, and `utterances` makes captions of the words. `exports` writes
them to files.
"""

from analysis.speech.engines import Engine, best_engine, engines, require_speech
from analysis.speech.planning import plan_speech
from analysis.speech.recogniser import Recogniser
from analysis.speech.types import Dropped, Heard, SpeechOptions, Utterance, Word

__all__ = [
    "Dropped",
    "Engine",
    "Heard",
    "Recogniser",
    "SpeechOptions",
    "Utterance",
    "Word",
    "best_engine",
    "engines",
    "plan_speech",
    "require_speech",
]

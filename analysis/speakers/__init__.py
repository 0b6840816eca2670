"""Who speaks when in a film: who only imports this loads no model and no library of one.

    listener = Listener()
    parts = [listener.listen("talk.mp4", *part) for part in plan_speech("talk.mp4")]
    for turn in turns_of(parts).turns: ...

Silero's voice activity finds where somebody speaks (`breaths`), a network turns every second and a
half of that into a voice print (`encoder`, whose `weights` are read as numbers; `engine` says
whether they are here; `listening` does all of it for a stretch of film). When all of a film is
listened to, the prints are put together by likeness (`clustering`) and the path through them
becomes turns (`turns`). `diarization_error` measures turns against the truth, `names` says which
lines on a picture may name somebody, `exports` writes turns to files.
"""

from analysis.speakers.engine import VoiceEngine, voice_engine
from analysis.speakers.listening import Listener
from analysis.speakers.turns import turns_of
from analysis.speakers.types import SpeakerOptions, Turn, Turns, VoicePrints

__all__ = [
    "Listener",
    "SpeakerOptions",
    "Turn",
    "Turns",
    "VoiceEngine",
    "VoicePrints",
    "turns_of",
    "voice_engine",
]

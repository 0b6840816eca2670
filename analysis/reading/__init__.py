"""What is written on a picture or in a film: captions, scores and signs.

    [engine] = engines()
    read = read_film("match.mp4", Reader(engine), table.times_s, table.end_s)

`engines` says which recognisers this machine has, and a `reader.Reader` reads one picture by one of
them: it finds lines, straightens and recognises them, and measures the letters (`letters`).
`film.read_film` reads a stretch of film: it looks where something changed and nowhere else,
`following` makes one item of what was read many times, pixels say when it came and went
(`patches`), and what stands still while the picture moves was put over it (`motion`). `exports`
writes items to files. Who imports this alone loads no network and no OpenCV: `film` and `reader`
do.
"""

from analysis.reading.engines import ReadingEngine, best_engine, engines, require_reading
from analysis.reading.types import ReadFilm, ReadingOptions, TextBox, TextItem

__all__ = [
    "ReadFilm",
    "ReadingEngine",
    "ReadingOptions",
    "TextBox",
    "TextItem",
    "best_engine",
    "engines",
    "require_reading",
]

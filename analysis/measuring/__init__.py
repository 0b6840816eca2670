"""How good a model is: what it found on labelled pictures, beside the truth.

    shown = figures(predict(labelled, resolve, Path("best.pt")))

`predict` asks the engine once and keeps all that it said (`predictions`); everything else follows
from that, and needs nothing but numpy, so the web process may ask too: `curves` by matching boxes
with the truth, which label was mistaken for which (`confusion`), every picture with what was right
and wrong in it (`gallery`), whether confidences mean what they say (`calibration`), and all of it
as `figures`. `files` are those of an evaluation that other programs read.
"""

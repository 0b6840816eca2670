"""One film, from its frame table to what was seen in it.

`schedule` chooses the frames that are looked at, says what time each of them stands for, and cuts
the film into stretches at key frames. `stretch` takes one stretch through: decoded once, a detector
looks at the frames, and clarity, changes and thumbnails come out of the same pass. `shots` finds
the cuts from the changes; `tracking` joins boxes of neighbouring frames into tracks, and tracks
across the borders of stretches. `columns` is the shape in which all of it is kept.
"""

"""A file, and what can be known of it without judging a picture.

A file goes through this room in this order. `guard` starts a child process that gets the open file
and nothing else; only the code in `decoding` runs in it. `probe` reads the file through once: what
it holds, and the `frame_table`, which says when each frame is shown and is the clock that
everything else is measured by. `frames` decodes those that are asked for, as displayed; `audio`
does the same for the sound. `clarity` judges how sharp a part of a frame is. `thumbnails` and
`renditions` make what a page shows, with `ffmpeg`, the only place that starts that program.
`opencv` gives OpenCV's functions their types; `svg` paints drawings.
"""

"""Labelled pictures: the formats they come and go in, how they are split, what they hold.

    with opened(Path("export.zip")) as folder:
        labelled, problems, format_name = read(folder)

A set is a value (`types`). It comes from an `archive` or folder in one of the `formats`, each a
module of its own, which find the pictures (`picture_files`, or `video_frames`) and keep of every
box what can be kept (`boxes`); it goes out in any of them, and `fidelity` says what that loses.
Between: `frame_choice` of a video, `near_duplicates`, `split`, `merging`, `statistics`; and a
frozen set is one file (`version`).
"""

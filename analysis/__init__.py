"""Media analysis in plain Python: files, frames and numbers in, frozen values out.

One asset passes through these rooms in order; each has one front door that is good at a prompt, in
a worker and as `python -m analysis STEP`, and tells its story in its own docstring:

    media       a file: what it holds, its frames and sound
    models      weights: opened without running anything in them, exported
    detectors   frames → boxes, by a network or by logos alone
    film        one asset through: which frames, shots, tracks, columns
    exposure    how long, how large and how clearly each brand was seen

What people label goes the other way round, and comes back as a better model:

    labelling   what several people say together, and boxes between keys
    datasets    labelled pictures in other tools' formats, split, frozen
    synthesis   pictures made from a logo, with their boxes
    training    a set → weights, in a process of its own
    measuring   how good a model is, beside the truth

What people check goes by `rules`, which say what they are asked about, and by `auditing`, which
says how far the figures can be off.

`weights` fetches models that others publish, when a person asks for it.

`types`, `errors` and `boxes` are the values that all of them speak. A room imports none of the
rooms above it (see the layers in pyproject.toml). Nothing here knows Django, Celery or the
environment, and this package imports nothing, so that a light step never loads a heavy library.
"""

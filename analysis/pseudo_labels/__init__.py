"""Frames that a model is sure of, as pictures that the next version learns from.

`positives` reads how sure a model is of what is truly there, `thresholds` makes of it how sure it
must be of each label, `selection` chooses frames of an analysis, and `mixing` puts them beside the
pictures that people labelled. `asking` says what people are asked about, and `logo_pictures` which
of their boxes become logo pictures. `docs/learning_from_people.md` says why each is as it is."""

"""The process in which ultralytics trains: `python -m analysis.training.child train FOLDER 16`.

Started by `analysis.training.train`, which reads what is written here. The folder holds job.json
(what to do) and, as the work goes on, data (the pictures, prepared), last.pt and best.pt (replaced
as wholes, so that they are never half written), mean.pt where several trainings are averaged,
curves.json, state.json, notes.json and at the end weights.pt. In reading order:

    work → pictures → settings → beginning → trainer → loop (with search, averaging) → finish
"""

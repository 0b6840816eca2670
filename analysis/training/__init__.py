"""A labelled set → weights.

    result = train(labelled, resolve, TrainingOptions(epochs=20), Path("work"))

`options` say how. `train` writes down the job and holds the process that does it (`child`): it is
started again where that helps, and whatever dies, the folder of the work (`work_folder`) holds the
last finished epoch to go on from.
"""

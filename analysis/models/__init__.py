"""Model files: described, opened without running anything that they hold, and exported.

    describe(Path("best.pt")).labels, export_onnx(Path("best.pt"), Path("cache"))

A file is told by its content (`formats`). An ultralytics checkpoint is a pickle, read by stand-ins
(`pickled`); ours holds numbers only (`compact`); both give a list of `layers`, which is checked
before a `network` is built of it. What an engine runs is made from that (`onnx_graph`), what other
programs run too (`exports`), and what was exported can be trained again (`exported_weights`).
`describe` says what a file says about itself, and `published` finds weights that lie on this
machine. ultralytics is only imported behind its fence (`ultralytics_fence`).
"""

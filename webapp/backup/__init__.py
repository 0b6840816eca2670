"""Everything in one file, and back: the database of either kind, the media of either kind.

A backup is a tar archive of

    head.json           the format, version and schema, so that a strange file is refused at once
    rows/MODEL.jsonl    a row a line, in the order of the columns that its first line names
    media/NAME          every file of the media storage
    manifest.jsonl      what each entry above should hold, a line each: bytes, hash, rows

`rows` knows how rows are told in JSON, `writing` and `reading` the archive. Rows are read in one
transaction that sees the database as it was at one moment; they are put back in one transaction,
after the files, so that a restore which dies leaves an installation that is still empty.
"""

"""From boxes to seconds: how long, how large and how clearly each brand was seen.

`measure.measure` is the front door: columns of what was found go in, an Exposure comes out. On the
way, `sightings` says what each frame shows of each brand, `figures` adds it up by the rules that
`methodologies` names, and `intervals` draws it for the timeline. `columns` says what the figures
are called, `exports` writes them down, and `command` is `python -m analysis exposure`. All but the
command is arithmetic and needs nothing but numpy. docs/methodology.md has the formulas.
"""

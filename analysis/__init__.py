"""Media analysis in plain Python: files, frames and numbers in, frozen values out.

One asset passes through these modules in order:

    probe → frames → detectors → tracking → shots → columns → exposure

Each has one front door that is good at a prompt, in a worker and as
`python -m analysis STEP`. Nothing here knows Django, Celery or the environment, and this
package imports nothing, so that a light step never loads a heavy library.
"""

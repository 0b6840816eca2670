"""Celery workers: claim a row, call analysis, store, finish. Only they know both sides."""

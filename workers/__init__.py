"""Celery workers: claim a row, call analysis, store, finish. The only place that knows both sides."""

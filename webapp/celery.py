"""The Celery app: configuration only. Tasks live in `workers/` and register by name."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
app = Celery("sightline")
app.config_from_object("django.conf:settings", namespace="CELERY")

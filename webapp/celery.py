"""The Celery app: configuration only. Tasks live in `workers/` and register by name."""

import os

from celery import Celery
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
TRANSPORT_ALIASES["filesystem"] = "webapp.folder_broker:Transport"
app = Celery("sightline")
app.config_from_object("django.conf:settings", namespace="CELERY")

"""What a worker loads that is not ours, or reads no settings: loaded once, for all that are forked.

Neither a thread nor a setting may be there before a fork. So OpenVINO, which starts a thread, and
all that Django calls an app are loaded by each process for itself.
"""

# ruff: noqa: F401
from __future__ import annotations

import gc
import threading

import celery.apps.worker
import celery.bin.celery
import celery.bin.worker
import celery.concurrency.solo
import celery.fixups.django
import celery.worker.consumer
import cv2
import dj_database_url
import django.conf
import django.contrib.postgres.search
import django.core.mail
import django.core.management
import django.core.serializers.json
import django.db.backends.postgresql.base
import django.db.backends.sqlite3.base
import django.db.models
import django.forms
import django.template
import django.urls
import filetype
import gunicorn.app.wsgiapp
import gunicorn.workers.gthread
import kombu.transport.filesystem
import kombu.transport.redis
import numpy
import PIL.Image
import rapidfuzz.distance
import requests

import analysis.auditing.plan
import analysis.contracting.standing
import analysis.cutting.highlights
import analysis.datasets.formats
import analysis.detectors.fused
import analysis.explaining.occlusion
import analysis.exposure.exports
import analysis.film.again
import analysis.labelling.consensus
import analysis.measuring.figures
import analysis.models.exports
import analysis.novelty.proposals
import analysis.pseudo_labels.selection
import analysis.reading.reader
import analysis.retrieval.query
import analysis.rules.told
import analysis.speakers.listening
import analysis.speech.recogniser
import analysis.synthesis.pictures
import analysis.text.outline
import analysis.training.train

assert not django.conf.settings.configured
assert threading.active_count() == 1
gc.collect()
gc.freeze()  # what nobody looks through again stays shared

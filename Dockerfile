# Two images from one file: `--target web` is light and has no torch, `--target worker` has it all.
FROM python:3.11-slim-bookworm AS base
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 \
    SIGHTLINE_DATA=/data SIGHTLINE_STATIC=/app/staticfiles
RUN useradd --create-home --uid 1000 sightline && mkdir /data /app && chown sightline /data /app
WORKDIR /app

FROM base AS web
COPY requirements-web.txt requirements-meaning.txt constraints.txt ./
RUN pip install -c constraints.txt -r requirements-web.txt && pip install --no-deps -r requirements-meaning.txt
COPY --chown=sightline manage.py CHANGELOG.md ./
COPY --chown=sightline analysis analysis
COPY --chown=sightline webapp webapp
COPY --chown=sightline templates templates
COPY --chown=sightline static static
COPY --chown=sightline docs docs
USER sightline
RUN SIGHTLINE_DATA=/tmp/build python manage.py collectstatic --noinput
EXPOSE 8000
CMD ["python", "-m", "gunicorn", "webapp.wsgi:application", "--bind", "0.0.0.0:8000", \
     "--workers", "2", "--threads", "8", "--timeout", "120", "--limit-request-line", "8190"]

FROM base AS worker
# OpenCV 5 needs libGL and glib.
RUN apt-get update && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 ffmpeg \
    && rm -rf /var/lib/apt/lists/*
COPY requirements-web.txt requirements-analysis.txt requirements-speech.txt requirements-meaning.txt \
     requirements-reading.txt requirements-voices.txt requirements-sky.txt requirements.txt constraints.txt ./
RUN pip install -c constraints.txt -r requirements.txt \
    && pip install --no-deps -c constraints.txt -r requirements-meaning.txt \
       -r requirements-reading.txt -r requirements-voices.txt
COPY --chown=sightline manage.py CHANGELOG.md ./
COPY --chown=sightline analysis analysis
COPY --chown=sightline webapp webapp
COPY --chown=sightline workers workers
USER sightline
CMD ["python", "-m", "celery", "--app", "workers.app", "worker", "--pool", "solo", \
     "--queues", "soon,ingest,analysis", "--without-gossip", "--without-mingle", "--loglevel", "info"]

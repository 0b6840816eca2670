"""One page of settings. Everything that differs between machines is an environment variable.

With none set this is the embedded default: SQLite, a broker that is a folder, local files.
"""

from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url

from analysis.datasets.formats import TITLES
from webapp import environment as env

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = "0.1.0"

# Where the machine's own data lives: database, media, broker, caches.
DATA_DIR = env.folder("SIGHTLINE_DATA", BASE_DIR / "var")

SECRET_KEY = env.secret("SIGHTLINE_SECRET_KEY", kept=DATA_DIR / "secret.key")
DEBUG = env.flag("SIGHTLINE_DEBUG")
SITE_URL = env.text("SIGHTLINE_URL", "http://127.0.0.1:8000")
# The machine itself may always ask: health checks come from there.
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", *env.words("SIGHTLINE_HOSTS")]
ALLOWED_HOSTS.append(urlsplit(SITE_URL).hostname or "localhost")
CSRF_TRUSTED_ORIGINS = [SITE_URL]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "webapp.home",
    "webapp.accounts",
    "webapp.assets",
    "webapp.sky",
    "webapp.projects",
    "webapp.registry",
    "webapp.methodologies",
    "webapp.runs",
    "webapp.indexing",
    "webapp.encodings",
    "webapp.spaces",
    "webapp.nights",
    "webapp.reviewing",
    "webapp.moments",
    "webapp.comments",
    "webapp.datasets",
    "webapp.training",
    "webapp.labelling",
    "webapp.search",
    "webapp.novelty",
    "webapp.asking",
    "webapp.timeline",
    "webapp.auditing",
    "webapp.review_queue",
    "webapp.explaining",
    "webapp.review_figures",
    "webapp.improving",
    "webapp.new_brands",
    "webapp.cuts",
    "webapp.reports",
    "webapp.contracts",
    "webapp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "webapp.headers.ContentSecurity",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "webapp.accounts.middleware.CurrentWorkspace",
    "webapp.accounts.zones.TimeZones",
    "webapp.problems.RefusedPages",
]

ROOT_URLCONF = "webapp.urls"
WSGI_APPLICATION = "webapp.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "webapp.context.shell",
            ],
            "builtins": ["webapp.templatetags.show"],
        },
    }
]

# --- database -----------------------------------------------------------------------------
DATABASE_URL = env.text("DATABASE_URL", f"sqlite:///{DATA_DIR / 'sightline.sqlite3'}")
DATABASES = {"default": dj_database_url.parse(DATABASE_URL, conn_max_age=60)}
IS_SQLITE = DATABASES["default"]["ENGINE"].endswith("sqlite3")
if IS_SQLITE:
    DATABASES["default"]["OPTIONS"] = {
        # Readers never wait for the writer; writers queue at BEGIN instead of failing at COMMIT.
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-65536; "
            "PRAGMA mmap_size=268435456; PRAGMA temp_store=MEMORY;"
        ),
    }
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
# A file instead of memory, where tests share the database with worker processes.
if _test_database := env.text("SIGHTLINE_TEST_DATABASE"):
    DATABASES["default"]["TEST"] = {"NAME": _test_database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- files --------------------------------------------------------------------------------
MEDIA_ROOT = env.folder("SIGHTLINE_MEDIA", DATA_DIR / "media")
UPLOAD_DIR = env.folder("SIGHTLINE_UPLOADS", DATA_DIR / "uploads")
CACHE_DIR = env.folder("SIGHTLINE_CACHE", DATA_DIR / "cache")  # exported models, S3 originals
# Models that others published: for speech, on-screen text, and to start trainings from. They come
# by `manage.py fetch` or by hand; nothing is fetched unasked.
WEIGHTS_DIR = env.text("SIGHTLINE_WEIGHTS") or str(DATA_DIR / "weights")
S3_BUCKET = env.text("SIGHTLINE_S3_BUCKET")
if S3_BUCKET:
    _media_storage = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "endpoint_url": env.text("SIGHTLINE_S3_ENDPOINT") or None,
            "access_key": env.text("SIGHTLINE_S3_ACCESS_KEY") or None,
            "secret_key": env.text("SIGHTLINE_S3_SECRET_KEY") or None,
            "region_name": env.text("SIGHTLINE_S3_REGION", "us-east-1"),
            "querystring_expire": 2 * 3600,
            "file_overwrite": True,
            "max_memory_size": 32 * 2**20,  # what is read and larger lies on the disk meanwhile
        },
    }
else:
    _media_storage = {
        "BACKEND": "webapp.storage.WholeFiles",
        "OPTIONS": {"location": MEDIA_ROOT, "allow_overwrite": True},
    }
STATIC_URL = "/static/"
STATIC_ROOT = env.folder("SIGHTLINE_STATIC", DATA_DIR / "static")
STATICFILES_DIRS = [BASE_DIR / "static", ("guide", BASE_DIR / "docs" / "people" / "pictures")]
STORAGES = {
    "default": _media_storage,
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = DEBUG
FILE_UPLOAD_TEMP_DIR = UPLOAD_DIR  # forms without JavaScript spool here, where room is watched
MAX_UPLOAD_BYTES = env.number("SIGHTLINE_MAX_UPLOAD_GB", 200) * 10**9
MIN_FREE_BYTES = env.number("SIGHTLINE_MIN_FREE_MB", 500) * 10**6
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 2**20  # one upload chunk is 8 MiB
MEDIA_LINK_SECONDS = env.number("SIGHTLINE_MEDIA_LINK_MINUTES", 120) * 60

# --- queue --------------------------------------------------------------------------------
# The database is the truth and the broker a doorbell: losing every message loses nothing.
BROKER_URL = env.text("BROKER_URL", "filesystem://localhost")
CELERY_BROKER_URL = BROKER_URL
if BROKER_URL.startswith("filesystem"):
    _broker = env.folder("SIGHTLINE_BROKER", DATA_DIR / "broker")
    _messages, _control = _broker / "messages", _broker / "control"
    _messages.mkdir(exist_ok=True)
    _control.mkdir(exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_messages),
        "data_folder_out": str(_messages),
        "control_folder": str(_control),
        "polling_interval": 0.3,
    }
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "analysis"
QUEUES = (
    "soon",  # somebody waits for it at this moment: frames, predictions, checks
    "ingest",  # uploads
    "analysis",  # runs, a segment at a time
    "batch",  # minutes to an hour, and nobody sits by
    "train",  # hours
)
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = not BROKER_URL.startswith("filesystem")
CELERY_BROKER_HEARTBEAT = 0  # a solo worker is busy with frames; its row says it lives
CELERY_TIMEZONE = "UTC"
HEALTH_SECONDS = 5  # how old an answer of /healthz may be
SWEEP_SECONDS = env.number("SIGHTLINE_SWEEP_SECONDS", 10)
RING_SECONDS = 6 * SWEEP_SECONDS  # a doorbell that nobody heard: others have been rung since
# Done by the clock itself, so that it waits for nobody (workers.clock).
CELERY_BEAT_SCHEDULE = {"sweep": {"task": "sweep", "schedule": SWEEP_SECONDS}}
CELERY_BEAT_SCHEDULER = "workers.clock:Clock"
LEASE_SECONDS = env.number("SIGHTLINE_LEASE_SECONDS", 45)
SEGMENT_SECONDS = env.number("SIGHTLINE_SEGMENT_SECONDS", 60)
DEVICE = env.text("SIGHTLINE_DEVICE", "auto")
EXACT = env.flag("SIGHTLINE_EXACT", False)
# Whether workspaces may have indexed what is uploaded to them, on this installation.
INDEX_UPLOADS = env.flag("SIGHTLINE_INDEX_UPLOADS", True)

# Below it a folder of each workspace, called by its number, whose exposures of the sky are taken
# in and searched where the workspace has switched that on.
NIGHTS_FOLDER = env.text("SIGHTLINE_NIGHTS_FOLDER", "")
# Of an exposure that a night searches: both pictures and their difference are held at once.
NIGHT_PIXELS = env.number("SIGHTLINE_NIGHT_MEGAPIXELS", 400) * 10**6

# --- cache --------------------------------------------------------------------------------
# How often the API was called, and the like. In Redis it is one count for all web processes.
CACHES: dict[str, dict[str, object]] = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}
if BROKER_URL.startswith(("redis://", "rediss://")):
    CACHES["default"] = {
        "BACKEND": "webapp.shared_cache.SharedCache",
        "LOCATION": BROKER_URL,
        "KEY_PREFIX": "sightline",
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
    }

# --- people -------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign-in"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in [
        ("MinimumLengthValidator", {"min_length": 10}),
        ("CommonPasswordValidator", {}),
        ("NumericPasswordValidator", {}),
        ("UserAttributeSimilarityValidator", {"user_attributes": ["email", "name"]}),
    ]
]
_https = SITE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 14 * 24 * 3600
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _https else None
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if _https else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

EMAIL_HOST = env.text("SIGHTLINE_MAIL_HOST")
EMAIL_PORT = env.number("SIGHTLINE_MAIL_PORT", 587)
EMAIL_HOST_USER = env.text("SIGHTLINE_MAIL_USER")
EMAIL_HOST_PASSWORD = env.text("SIGHTLINE_MAIL_PASSWORD")
EMAIL_USE_TLS = env.flag("SIGHTLINE_MAIL_TLS", True)
DEFAULT_FROM_EMAIL = env.text("SIGHTLINE_MAIL_FROM", "sightline@localhost")

# --- API ----------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "webapp.accounts.authentication.KeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "rest_framework.parsers.JSONParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_PAGINATION_CLASS": "webapp.pagination.Cursor",
    "DEFAULT_SCHEMA_CLASS": "webapp.schema.Schema",
    "URL_FORMAT_OVERRIDE": None,
    "EXCEPTION_HANDLER": "webapp.problems.problem_response",
    "PAGE_SIZE": 50,
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.UserRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"user": "6000/hour"},
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Sightline API",
    "VERSION": "1",
    "DESCRIPTION": "Assets, projects, runs and what they found. Times are seconds from the start "
    "of the asset; boxes are xyxy fractions of the displayed frame.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "RunStatus": "webapp.runs.run.Run.Status",
        "RunStage": "webapp.runs.run.Run.Stage",
        "IndexingStage": "webapp.indexing.indexing.Indexing.Stage",
        "IndexingStep": "webapp.indexing.indexing.Indexing.Step",
        "IndexingState": "webapp.indexing.serializers.STATES",
        "DatasetTask": "webapp.datasets.dataset.Dataset.Task",
        "SpeechTask": "webapp.indexing.serializers.TASKS",
        "MomentKind": "webapp.moments.moments.Moment.Kind",
        "WorkState": "webapp.moments.serializers.STATES",
        "MentionSource": "webapp.indexing.mention_verdicts.MentionVerdict.Source",
        "PassageSource": "analysis.retrieval.filters.SOURCES",
        "FlagKind": "webapp.moments.flags.Flag.Kind",
        "FlagReason": "webapp.moments.flags.Flag.Reason",
        "RoundReason": "webapp.improving.rounds.Round.Reason",
        "NoticeKind": "webapp.comments.notices.Notice.Kind",
        "ReactionKind": "webapp.comments.reactions.Reaction.Kind",
        "TextKind": "webapp.indexing.text_regions.TextRegion.Kind",
        "SkyRole": "webapp.sky.exposures.SkyExposure.Role",
        "AssetKind": "webapp.assets.models.Asset.Kind",
        "TransferKind": "webapp.datasets.transfers.Transfer.Kind",
        "Preparation": "webapp.leases.Status",
        "ModelFormat": "webapp.registry.exports.ModelExport.Format",
        "SetFormat": list(TITLES),
        "AskKind": "webapp.asking.asks.Ask.Kind",
        "SpaceKind": "webapp.spaces.space.Space.Kind",
        "SpaceState": "webapp.spaces.space.Space.State",
        "CandidateVerdict": "webapp.nights.candidates.Verdict",
        "NightStage": "webapp.nights.night.Night.Stage",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "webapp.schema.with_problems",
        "webapp.schema.with_words_in_texts",
    ],
}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
INSTALLED_APPS.insert(0, "django.forms")
TEST_RUNNER = "django.test.runner.DiscoverRunner"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.text("SIGHTLINE_LOG_LEVEL", "WARNING")},
    "loggers": {"sightline": {"level": "INFO"}},
}

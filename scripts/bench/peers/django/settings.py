"""As a guide to deployment has them: no debugging, protected forms, connections to the database that are kept."""

import os

ROLE = os.environ.get("ROLE", "frontend")
SECRET_KEY = "only-for-the-benchmark"
DEBUG = False
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["django.contrib.contenttypes", "uploads"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "urls"
TEMPLATES = [{
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "APP_DIRS": True,
    "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
}]
DATABASES = {"default": {
    "ENGINE": "django.db.backends.postgresql",
    "HOST": os.environ["PGHOST"],
    "PORT": os.environ["PGPORT"],
    "USER": os.environ["PGUSER"],
    "NAME": os.environ["PGDATABASE"],
    "CONN_MAX_AGE": 60,
}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MEDIA_ROOT = os.environ["DATA"]
# On the same disk, so that a large file is renamed into place and not copied.
FILE_UPLOAD_TEMP_DIR = os.environ["UPLOAD_TEMPORARY"]
USE_TZ = True
BACKEND_URL = os.environ["BACKEND_URL"]
KEEP_CONNECTIONS = os.environ.get("KEEP_CONNECTIONS") == "1"

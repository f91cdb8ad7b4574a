"""A project with what most projects have: sessions, users, CSRF protection, languages, a database in a file."""

import atexit
import json
import os
import pathlib
import tempfile

BASE_DIR = pathlib.Path(__file__).resolve().parent
DEBUG = os.environ.get("C10K_TEST_DEBUG") == "true"
SECRET_KEY = "only for tests"
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1", "[::1]", "example.com"]
ROOT_URLCONF = "project.urls"
INSTALLED_APPS = [
    "c10ktools",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
# In a file, if possible in memory: Django never closes a database that is no file, and the tests look at that.
_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
_FOLDER = tempfile.TemporaryDirectory(prefix="c10k-tests-", dir=_MEMORY)
atexit.register(_FOLDER.cleanup)
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": f"{_FOLDER.name}/db.sqlite3",
        "TEST": {"NAME": f"{_FOLDER.name}/test.sqlite3"},
    }
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en-us"
LANGUAGES = [("en", "English"), ("de", "German"), ("fr", "French")]
USE_I18N = True
USE_TZ = True
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
LOGIN_URL = "/login/"
ADMINS = [("Ann", "ann@example.com")]
if "C10K_TEST_DEBUG" not in os.environ:
    # Inside the tests' own process the access log would stand between their dots.
    LOGGING = {"version": 1, "disable_existing_loggers": False, "loggers": {"django.server": {"level": "CRITICAL"}}}
# A test adds more, such as {"C10K_ENGINE": {"max_message_bytes": "1024"}}.
globals().update(json.loads(os.environ.get("C10K_TEST_SETTINGS", "{}")))

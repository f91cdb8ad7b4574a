"""The settings of the demo. Its pages have the templates and scripts of the demo in C++."""

from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent
DEMOS = BASE_DIR.parent.parent / "demos"

SECRET_KEY = "only for a demo"
DEBUG = True
ALLOWED_HOSTS = ["*"]

INSTALLED_APPS = ["c10ktools", "django.contrib.staticfiles"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates", *(DEMOS / app / "templates" for app in (".", "echo", "gameoflife"))],
        "OPTIONS": {"loaders": ["mustache.Loader"]},
    }
]
STATIC_URL = "/static/"
STATICFILES_DIRS = [
    *(DEMOS / app / "static" for app in (".", "echo", "gameoflife")),
    ("gameoflife/patterns", DEMOS / "gameoflife/patterns"),
]
USE_TZ = True

# Ten thousand clients come within seconds, and none of them asks for anything that blocks.
C10K_KEEP_REQUEST = False

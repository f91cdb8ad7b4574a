"""The settings of a project of Channels, with c10ktools beside it."""

from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent
SECRET_KEY = "only for development"
DEBUG = True

# [apps]
INSTALLED_APPS = [
    "c10ktools",  # before all others that have a runserver
    "channels",
    "django.contrib.staticfiles",
]
ASGI_APPLICATION = "asgi.application"
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
# [/apps]

MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "urls"
STATIC_URL = "/static/"
USE_TZ = True

"""The application, with the static files for servers that leave them to it."""

import os

from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
application = ASGIStaticFilesHandler(get_asgi_application())

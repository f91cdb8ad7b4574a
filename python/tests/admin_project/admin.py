"""The admin's pages."""

from django.contrib import admin

from .models import Scan

admin.site.register(Scan, list_display=["title", "file"], search_fields=["title"])

"""The same project without c10ktools, for the servers of others."""

from settings import *  # noqa: F403

INSTALLED_APPS = [app for app in INSTALLED_APPS if app != "c10ktools"]  # noqa: F405

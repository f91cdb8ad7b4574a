"""The URLs of the demo, as its contract has them."""

from django.urls import path

import echo
import life

urlpatterns = [
    path("", life.index),
    path("watcher/", life.watcher),
    path("reset/", life.reset),
    path("worker/", life.worker),
    path("control/", life.program),
    path("test/", echo.index),
    path("test/ws/", echo.echo),
    path("test/wsgi/", echo.forms),
]

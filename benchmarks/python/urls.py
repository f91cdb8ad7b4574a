"""The page on all servers, the WebSockets on those that have c10ktools."""

from django.conf import settings
from django.urls import path

import views

urlpatterns = [path("page/", views.page)]
if "c10ktools" in settings.INSTALLED_APPS:
    import sockets

    urlpatterns += [
        path("echo/", sockets.echo),
        path("echo/lean/", sockets.echo_without_request),
        path("echo/user/", sockets.echo_for_users),
    ]

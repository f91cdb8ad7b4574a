from django.conf.urls.i18n import i18n_patterns
from django.urls import path

from . import views

urlpatterns = [
    path("page/", views.page),
    path("echo/", views.echo),
    path("rooms/<slug:name>/", views.room, name="room"),
    path("rooms/<slug:name>/<int:number>/", views.numbered),
    path("members/", views.members),
    path("staff/", views.staff),
    path("both/", views.Both.as_view()),
    path("both/async/", views.BothAsync.as_view()),
    path("socket-only/", views.SocketOnly.as_view()),
    path("raises/", views.raises),
    path("paths/", views.paths),
    path("returns/", views.returns),
    path("exits/<int:status>/", views.exits),
    path("raises-before/", views.raises_before),
    path("wrong-arguments/", views.wrong_arguments),
    path("exempt/", views.exempt),
    path("plain-101/", views.plain_101),
    path("language/", views.language),
    path("german/", views.german),
    path("subprotocols/", views.subprotocols),
    path("no-request/", views.no_request),
    path("thread/", views.thread),
    path("user-in-database/", views.user_in_database),
    path("session/", views.session),
    path("cached/", views.cached),
    path("upload/", views.upload),
    path("stream/<int:pieces>/", views.stream),
    path("stream-fails/", views.stream_fails),
    path("body/", views.body),
    path("blocks/<int:milliseconds>/", views.blocks),
    path("pid/", views.pid),
    *i18n_patterns(path("localized/", views.language)),
]

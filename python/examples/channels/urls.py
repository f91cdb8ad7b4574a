"""The pages, and the WebSockets that are views."""

from django.urls import path

import views

urlpatterns = [
    path("", views.page),
    path("announce/<slug:name>/", views.announce),
]

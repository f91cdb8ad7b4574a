"""The URLs of the chat: a page for each room, and its WebSocket."""

from django.urls import path

import views

urlpatterns = [
    path("<slug:name>/", views.page),
    path("<slug:name>/ws/", views.room),
]

"""Its application: pages, consumers and a chat."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "channels_project.settings")

import django  # noqa: E402

django.setup()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.db import database_sync_to_async  # noqa: E402
from channels.generic.websocket import (  # noqa: E402
    AsyncJsonWebsocketConsumer,
    AsyncWebsocketConsumer,
    WebsocketConsumer,
)
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from django.contrib.auth import get_user_model, login  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402
from django.http import HttpResponse, StreamingHttpResponse  # noqa: E402
from django.urls import path  # noqa: E402

from asgi_apps import say  # noqa: E402


def enter(request, name):
    user, _ = get_user_model().objects.get_or_create(username=name)
    login(request, user)
    return HttpResponse(f"{request.user.username} is in")


def upload(request):
    return HttpResponse(str(len(request.body)))


def numbers(request):
    return StreamingHttpResponse(f"{number}\n" for number in range(1000))


urlpatterns = [path("enter/<name>", enter), path("upload", upload), path("numbers", numbers)]


class Chat(AsyncWebsocketConsumer):
    """Everybody of a room hears everybody, and who leaves."""

    async def connect(self):
        self.room = self.scope["url_route"]["kwargs"]["room"]
        await self.channel_layer.group_add(self.room, self.channel_name)
        await self.accept()

    async def disconnect(self, code):
        say("left the chat with", code)
        await self.channel_layer.group_discard(self.room, self.channel_name)
        await self.channel_layer.group_send(self.room, {"type": "told", "text": f"left with {code}"})

    async def receive(self, text_data):
        await self.channel_layer.group_send(self.room, {"type": "told", "text": f"{self.scope['user']}: {text_data}"})

    async def told(self, event):
        await self.send(event["text"])


class Count(AsyncJsonWebsocketConsumer):
    """Asks the database."""

    async def connect(self):
        await self.accept()
        count = await database_sync_to_async(get_user_model().objects.count)()
        await self.send_json({"users": count, "session": bool(self.scope["session"].session_key)})
        await self.close(4009)


class Blocking(WebsocketConsumer):
    """Runs in threads."""

    def connect(self):
        self.accept("json" if "json" in self.scope["subprotocols"] else None)

    def receive(self, text_data=None, bytes_data=None):
        self.send(text_data=text_data, bytes_data=bytes_data)


class Private(AsyncWebsocketConsumer):
    """For users only."""

    async def connect(self):
        if self.scope["user"].is_anonymous:
            await self.close()
        else:
            await self.accept()
            await self.send(self.scope["user"].username)


application = ProtocolTypeRouter(
    {
        "http": get_asgi_application(),
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(
                URLRouter(
                    [
                        path("chat/<room>", Chat.as_asgi()),
                        path("count", Count.as_asgi()),
                        path("blocking", Blocking.as_asgi()),
                        path("private", Private.as_asgi()),
                    ]
                )
            )
        ),
    }
)

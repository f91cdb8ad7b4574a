"""Consumers of Channels, one for each thing that a consumer can do, at paths of their own."""

import json

from django.conf import settings

settings.configure(
    SECRET_KEY="only for tests",
    ALLOWED_HOSTS=["*"],
    INSTALLED_APPS=["channels", "django.contrib.sessions"],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    CHANNEL_LAYERS={
        "default": {"BACKEND": "channels.layers.InMemoryChannelLayer"},
        "other": {"BACKEND": "channels.layers.InMemoryChannelLayer"},
    },
)

import django  # noqa: E402

django.setup()

from channels.generic.http import AsyncHttpConsumer  # noqa: E402
from channels.generic.websocket import (  # noqa: E402
    AsyncJsonWebsocketConsumer,
    AsyncWebsocketConsumer,
    JsonWebsocketConsumer,
    WebsocketConsumer,
)
from channels.layers import get_channel_layer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import OriginValidator  # noqa: E402
from channels.sessions import SessionMiddlewareStack  # noqa: E402
from django.urls import path  # noqa: E402

from asgi_apps import say  # noqa: E402


class Echo(WebsocketConsumer):
    def receive(self, text_data=None, bytes_data=None):
        self.send(text_data=text_data, bytes_data=bytes_data)

    def disconnect(self, code):
        say("Echo ended with", code)


class AsyncEcho(AsyncWebsocketConsumer):
    async def receive(self, text_data=None, bytes_data=None):
        await self.send(text_data=text_data, bytes_data=bytes_data)

    async def disconnect(self, code):
        say("AsyncEcho ended with", code)


class Second(WebsocketConsumer):
    def connect(self):
        self.accept(self.scope["subprotocols"][1])


class AsyncSecond(AsyncWebsocketConsumer):
    async def connect(self):
        await self.accept(self.scope["subprotocols"][1])


class Path(WebsocketConsumer):
    def receive(self, text_data=None, bytes_data=None):
        self.send(f"{self.scope['path']} {len(self.scope['session'].items())}")


class Refusing(AsyncWebsocketConsumer):
    async def connect(self):
        await self.close()


class Json(JsonWebsocketConsumer):
    def receive_json(self, content):
        self.send_json(content)


class AsyncJson(AsyncJsonWebsocketConsumer):
    async def receive_json(self, content):
        await self.send_json(content)


class Member(AsyncWebsocketConsumer):
    groups = ["chat"]

    async def receive(self, text_data=None, bytes_data=None):
        await self.channel_layer.group_send("chat", {"type": "told", "text": text_data})

    async def told(self, event):
        await self.send(event["text"])


class ThreadedMember(WebsocketConsumer):
    groups = ["chat"]

    def told(self, event):
        self.send(event["text"])


class OfOtherLayer(AsyncWebsocketConsumer):
    """Sends itself what it is told to, as a message of the layer."""

    channel_layer_alias = "other"

    async def receive(self, text_data=None, bytes_data=None):
        await get_channel_layer("other").send(self.channel_name, json.loads(text_data))

    async def told(self, event):
        await self.send(event["text"])

    async def _private(self, event):
        await self.send("this is private")


class Twice(AsyncHttpConsumer):
    async def handle(self, body):
        value = json.loads(body)["value"]
        answer = json.dumps({"value": 2 * value}).encode()
        await self.send_response(200, answer, headers=[(b"Content-Type", b"text/json")])


application = ProtocolTypeRouter(
    {
        "http": URLRouter([path("twice/", Twice.as_asgi())]),
        "websocket": URLRouter(
            [
                path("echo/", Echo.as_asgi()),
                path("async-echo/", AsyncEcho.as_asgi()),
                path("second/", Second.as_asgi()),
                path("async-second/", AsyncSecond.as_asgi()),
                path("first/path/", SessionMiddlewareStack(Path.as_asgi())),
                path("second/path/", SessionMiddlewareStack(Path.as_asgi())),
                path("refusing/", Refusing.as_asgi()),
                path("json/", Json.as_asgi()),
                path("async-json/", AsyncJson.as_asgi()),
                path("member/", Member.as_asgi()),
                path("threaded-member/", ThreadedMember.as_asgi()),
                path("other-layer/", OfOtherLayer.as_asgi()),
                path("domain/", OriginValidator(AsyncEcho.as_asgi(), ["allowed.example"])),
                path("origin/", OriginValidator(AsyncEcho.as_asgi(), ["https://allowed.example"])),
            ]
        ),
    }
)

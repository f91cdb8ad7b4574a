"""The echo as a consumer of Channels."""

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path


class Echo(AsyncWebsocketConsumer):
    async def receive(self, text_data=None, bytes_data=None):
        await self.send(text_data, bytes_data)


application = ProtocolTypeRouter(
    {"http": get_asgi_application(), "websocket": URLRouter([path("echo/", Echo.as_asgi())])}
)

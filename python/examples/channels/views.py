"""A page, and a WebSocket view that speaks to the consumers' rooms through the channel layer."""

from channels.layers import get_channel_layer
from django.http import HttpResponse

from c10ktools.http import websocket


def page(request):
    return HttpResponse("Rooms: /room/NAME/, announcements: /announce/NAME/\n", content_type="text/plain")


@websocket
async def announce(ws, name):
    async for message in ws:
        await get_channel_layer().group_send(name, {"type": "told", "text": f"Attention: {message}"})
        ws.send("announced")

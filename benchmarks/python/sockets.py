"""The echo as a view of Django: it keeps its request, as views do, or not, or has a session and a user in it."""

from django.contrib.auth.decorators import login_required

from c10ktools.http import websocket


@websocket
async def echo(ws):
    async for message in ws:
        ws.send(message)


@websocket(keep_request=False)
async def echo_without_request(ws):
    async for message in ws:
        ws.send(message)


@login_required
@websocket
async def echo_for_users(ws):
    async for message in ws:
        ws.send(message)

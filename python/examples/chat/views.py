"""A chat with rooms: whatever somebody says in a room, everybody there hears."""

from django.shortcuts import render

from c10k import Group
from c10ktools.http import websocket


def page(request, name):
    return render(request, "room.html", {"name": name})


@websocket
async def room(ws, name):
    group = Group(f"room {name}")
    async with group.join(ws):
        group.send(f"Somebody came: {group.count()} are here.")
        async for message in ws:
            group.send(message)

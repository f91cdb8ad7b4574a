"""The C10K echo: a greeting, three replies, a goodbye."""

from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from c10ktools.http import websocket


def index(request):
    return render(request, "echo/index.html")


@websocket
async def echo(ws):
    ws.send("Hello!")
    for number in range(1, 4):
        if (message := await ws.recv()) is None:
            return
        ws.send(f"{number}. {message}" if isinstance(message, str) else b"%d. %b" % (number, message))
    ws.send("Goodbye!")


@csrf_exempt
def forms(request):
    return render(request, "forms.html", {"method": request.method, "query": request.GET, "form": request.POST})

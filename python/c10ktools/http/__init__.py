"""WebSocket views.

    from c10ktools.http import WebSocketView, is_websocket, websocket
"""

from ..engine import ConnectionClosed
from .decorator import websocket
from .opening import is_websocket
from .origin import is_origin_allowed
from .views import WebSocketView

__all__ = ["ConnectionClosed", "WebSocketView", "is_origin_allowed", "is_websocket", "websocket"]
